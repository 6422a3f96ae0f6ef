"""MNRE 1 and 2: one Python dict literal per line, read as a literal and never evaluated."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Sample, Span
from schemas.text_files import TextFile
from trainer.data.reading import checked, unknown_label

__all__ = ["read_mnre"]

_MAX_CHARACTERS = 100_000
"""A real line has 3,000 at most; the literal parser's memory is bounded by bounding the text."""


def read_mnre(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read the pairs of a file.

    Spans are half-open and may end at the last token or overlap. MNRE-1 writes no relation as `none`, MNRE-2 as
    `None`: both become `None`. An integer img_id names the image `<id>.jpg`.

    Args:
        file: the lines.
        split: of the samples, and the beginning of their ids.
        labels: the relations that may occur; None takes any.
        counters: gets integer_img_ids, overlapping_spans and names_that_differ (from the tokens of their span).

    Raises:
        InputError: a line that is no such literal, a span outside the tokens, an unknown relation; with file and line.
    """
    number = 0
    for line_number, line in file.lines():
        if not line.strip():
            continue
        number += 1
        place = f"line {line_number}"
        row = _literal(line, file, place)
        sample = checked(_sample(row, f"{split}-{number}", split, file, place), file, place)
        if labels is not None and sample.relation not in labels:
            raise unknown_label("relation", str(sample.relation), labels, file, place)
        _count(row, sample, counters)
        yield sample


def _literal(line: str, file: TextFile, place: str) -> dict[str, Any]:
    if len(line) > _MAX_CHARACTERS:
        raise InputError(f"a line of more than {_MAX_CHARACTERS} characters", path=str(file), place=place)
    try:
        value = ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise InputError(f"not a Python dict literal ({error})", path=str(file), place=place) from error
    if not isinstance(value, dict):
        raise InputError("not a Python dict literal", path=str(file), place=place)
    return value


def _sample(row: dict[str, Any], sample_id: str, split: str, file: TextFile, place: str) -> Sample:
    tokens, relation, image = row.get("token"), row.get("relation"), row.get("img_id")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError("'token' must be a list of strings", path=str(file), place=place)
    if not isinstance(relation, str):
        raise InputError("'relation' must be a string", path=str(file), place=place)
    if isinstance(image, int) and not isinstance(image, bool):
        image = f"{image}.jpg"
    if image is not None and not isinstance(image, str):
        raise InputError(f"broken image reference {image!r}", path=str(file), place=place)
    return Sample(
        sample_id,
        tuple(tokens),
        image or None,
        head=_span(row.get("h"), "h", file, place),
        tail=_span(row.get("t"), "t", file, place),
        relation=NO_RELATION if relation == "none" else relation,
        split=split,
    )


def _span(value: Any, name: str, file: TextFile, place: str) -> Span:
    pos = value.get("pos") if isinstance(value, dict) else None
    if not isinstance(pos, list | tuple) or len(pos) != 2 or not all(type(end) is int for end in pos):
        raise InputError(f"{name!r} must hold 'pos': [start, end]", path=str(file), place=place)
    return Span(*pos)


def _count(row: dict[str, Any], sample: Sample, counters: Counter[str]) -> None:
    counters["integer_img_ids"] += isinstance(row.get("img_id"), int)
    assert sample.head is not None and sample.tail is not None
    counters["overlapping_spans"] += sample.head.start < sample.tail.end and sample.tail.start < sample.head.end
    for name, span in (("h", sample.head), ("t", sample.tail)):
        told = row[name].get("name")
        counters["names_that_differ"] += told is not None and told != " ".join(sample.tokens[span.start : span.end])
