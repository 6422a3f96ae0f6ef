"""What all readers of data sets share: a faulty sample is an error that names the file and the line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from schemas.dataset import find_fault
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile

__all__ = ["checked", "unknown_label"]


def checked(sample: Sample, file: TextFile, place: str) -> Sample:
    """Return the sample back if it is sound.

    Raises:
        InputError: it has a fault, with file and place.
    """
    fault = find_fault(sample)
    if fault is not None:
        raise InputError(fault, path=str(file), place=place)
    return sample


def unknown_label(kind: str, label: str, labels: Sequence[str], file: TextFile, place: str) -> InputError:
    """Make the error of a label that the data set does not have, with the nearest that it has."""
    near = difflib.get_close_matches(label.partition("-")[2] or label, labels, n=1)
    hint = f", did you mean {near[0]}" if near else ""
    return InputError(
        f"unknown {kind} {label!r}{hint}",
        path=str(file),
        place=place,
        remedy=f"correct it, or name the data set's own labels with --labels (now: {', '.join(labels)})",
    )
