"""MNRE-1 and MNRE-2: a Python dict literal or a JSON object per line, parsed as a literal and never evaluated."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Sample, Span
from schemas.text_files import TextFile
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["image_of", "literal_span", "parse_literal", "read_mnre", "tokens_of"]

_MAX_CHARACTERS = 100_000
"""Lines of the published files have at most 3,000. The limit bounds the memory that the literal parser takes."""


def read_mnre(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read the pairs of a file.

    Spans are half-open; they may overlap, and end at the last token. A pair without a relation is `none` in MNRE-1 and
    `None` in MNRE-2: both become `None`. An integer img_id names the image `<id>.jpg`, and None or null none.

    Args:
        file: one literal per line; empty lines are skipped.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the relations that may occur; None accepts any.
        counters: `integer_img_ids`, `overlapping_spans` and `names_that_differ` are counted here. The last counts
            heads and tails whose name in the file is not the text of their span.

    Raises:
        InputError: a line is no such literal, a span is outside the tokens, a relation is unknown; with file and line.
    """
    number = 0
    for line_number, line in file.lines():
        if not line.strip():
            continue
        number += 1
        place = f"line {line_number}"
        row = parse_literal(line, file, place)
        sample = check_sample(_to_sample(row, f"{split}-{number}", split, file, place), file, place)
        if labels is not None and sample.relation not in labels:
            raise unknown_label("relation", str(sample.relation), labels, file, place)
        _count_oddities(row, sample, counters)
        yield sample


def parse_literal(line: str, file: TextFile, place: str) -> dict[str, Any]:
    """Parse a line as a Python dict literal.

    Raises:
        InputError: it is none, or has more than 100,000 characters.
    """
    if len(line) > _MAX_CHARACTERS:
        raise InputError(f"a line of more than {_MAX_CHARACTERS} characters", path=str(file), place=place)
    try:
        value = _read_literal(line.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise InputError(f"not a Python dict literal ({error})", path=str(file), place=place) from error
    if not isinstance(value, dict):
        raise InputError("not a Python dict literal", path=str(file), place=place)
    return value


def _read_literal(line: str) -> Any:
    """Return the value of a line in JSON or in Python's own notation, in which JSON's three names may stand as well."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        # the published files are in Python's notation, quotes and None included, which no JSON parser reads
        tree = _JsonNames().visit(ast.parse(line, mode="eval"))
        return ast.literal_eval(tree)


class _JsonNames(ast.NodeTransformer):
    """Reads the names null, true and false of JSON as None, True and False."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(_JSON_NAMES[node.id]), node) if node.id in _JSON_NAMES else node


_JSON_NAMES = {"null": None, "true": True, "false": False}


def _to_sample(row: dict[str, Any], sample_id: str, split: str, file: TextFile, place: str) -> Sample:
    tokens, relation = tokens_of(row, file, place), row.get("relation")
    if not isinstance(relation, str):
        raise InputError("'relation' must be a string", path=str(file), place=place)
    return Sample(
        sample_id,
        tokens,
        image_of(row, file, place),
        head=literal_span(row.get("h"), "h", file, place),
        tail=literal_span(row.get("t"), "t", file, place),
        relation=NO_RELATION if relation == "none" else relation,
        split=split,
    )


def tokens_of(row: dict[str, Any], file: TextFile, place: str) -> tuple[str, ...]:
    """Return the tokens of a row.

    Raises:
        InputError: they are not a list of strings.
    """
    tokens = row.get("token")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError("'token' must be a list of strings", path=str(file), place=place)
    return tuple(tokens)


def image_of(row: dict[str, Any], file: TextFile, place: str) -> str | None:
    """Return the image of a row; a whole number names the image `<id>.jpg`.

    Raises:
        InputError: it is neither text nor a whole number.
    """
    image = row.get("img_id")
    if isinstance(image, int) and not isinstance(image, bool):  # in Python, True is an int
        image = f"{image}.jpg"
    if image is not None and not isinstance(image, str):
        raise InputError(f"broken image reference {image!r}", path=str(file), place=place)
    return image or None


def literal_span(value: Any, name: str, file: TextFile, place: str) -> Span:
    """Return the span of an end: `{"pos": [start, end]}`, half-open, in tokens.

    Raises:
        InputError: it holds no such pair of whole numbers.
    """
    pos = value.get("pos") if isinstance(value, dict) else None
    if not isinstance(pos, list | tuple) or len(pos) != 2 or not all(type(bound) is int for bound in pos):
        raise InputError(f"{name!r} must hold 'pos': [start, end]", path=str(file), place=place)
    return Span(*pos)


def _count_oddities(row: dict[str, Any], sample: Sample, counters: Counter[str]) -> None:
    counters["integer_img_ids"] += isinstance(row.get("img_id"), int)
    assert sample.head is not None and sample.tail is not None
    counters["overlapping_spans"] += sample.head.start < sample.tail.end and sample.tail.start < sample.head.end
    for name, span in (("h", sample.head), ("t", sample.tail)):
        written = row[name].get("name")
        text = " ".join(sample.tokens[span.start : span.end])
        counters["names_that_differ"] += written is not None and written != text
