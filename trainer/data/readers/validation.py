"""The checks that every reader makes of each sample; a fault is an error that names the file and the place in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from schemas.dataset import find_fault
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile

__all__ = ["check_sample", "check_tags", "entity_type", "unknown_label"]

_TAG = re.compile(r"O|[BIES]-\S+")


def check_sample(sample: Sample, file: TextFile, place: str) -> Sample:
    """Return the sample as it is, where nothing is wrong with it.

    Raises:
        InputError: it has a fault, with file and place.
    """
    fault = find_fault(sample)
    if fault is not None:
        raise InputError(fault, path=str(file), place=place)
    return sample


def check_tags(tags: Sequence[str], labels: Sequence[str] | None, file: TextFile, places: Sequence[str]) -> None:
    """Check that every tag of a sentence is O, or a prefix (B, I, E, S) and a known entity type.

    Args:
        tags: one per token.
        labels: the entity types that may occur; None accepts any.
        file: the file that holds the sentence.
        places: the place of each tag in that file.

    Raises:
        InputError: a tag is malformed or its type unknown, with its place.
    """
    for tag, place in zip(tags, places, strict=True):
        if not _TAG.fullmatch(tag):
            raise InputError(
                f"not a tag: {tag!r} (expected O, B-TYPE or I-TYPE)",
                path=str(file),
                place=place,
            )
        if labels is not None and (kind := entity_type(tag)) is not None and kind not in labels:
            raise unknown_label("tag", tag, labels, file, place)


def entity_type(tag: str) -> str | None:
    """Return the entity type of a tag, None for O.

    >>> entity_type("B-PER"), entity_type("O")
    ('PER', None)
    """
    return tag.partition("-")[2] or None


def unknown_label(kind: str, label: str, labels: Sequence[str], file: TextFile, place: str) -> InputError:
    """Make the error for a label that the data set does not have, with the known label that is spelled most like it.

    Args:
        kind: what the label is, for the message: tag, type or relation.
        label: as it stands in the file.
        labels: the labels that the data set has.
        file: the file that holds it.
        place: its place in that file.
    """
    near = difflib.get_close_matches(label.partition("-")[2] or label, labels, n=1)
    hint = f", did you mean {near[0]}" if near else ""
    return InputError(
        f"unknown {kind} {label!r}{hint}",
        path=str(file),
        place=place,
        remedy=f"correct it, or name the data set's own labels with --labels (now: {', '.join(labels)})",
    )
