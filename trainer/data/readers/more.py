"""MORE: the relation between a name in the text and an object in the picture, a Python literal per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Box, Relation, Sample
from schemas.text_files import TextFile
from trainer.data.readers.mnre import image_of, literal_span, parse_literal, tokens_of
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["read_more"]


def read_more(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read pairs of a span and a box; each is a sample with one relation, of the name None where there is none.

    The file gives a box as centre, width and height, in fractions of the picture. It is kept in fractions, as corners:
    an overlap of two boxes is the same in fractions as in pixels.

    Args:
        file: {'token', 'h': {'name', 'pos'}, 't': {'name', 'box'}, 'img_id', 'relation'} per line.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the relations that may occur; None accepts any.
        counters: `boxes_in_fractions` and `boxes_outside` are counted here.

    Source: NJUNLP/MORE, processor/dataset.py.

    Raises:
        InputError: a malformed line, a span outside the tokens, no box, an unknown relation; with file and line.
    """
    number = 0
    for line_number, line in file.lines():
        if not line.strip():
            continue
        number += 1
        place = f"line {line_number}"
        row = parse_literal(line, file, place)
        relation = row.get("relation")
        if not isinstance(relation, str) or not relation:
            raise InputError("'relation' must be a string", path=str(file), place=place)
        relation = NO_RELATION if relation.lower() == "none" else relation
        if labels is not None and relation not in labels:
            raise unknown_label("relation", relation, labels, file, place)
        box = _to_corners(row.get("t"), file, place)
        counters["boxes_in_fractions"] += 1
        # a hundredth of a pixel in 10,000 is rounding
        counters["boxes_outside"] += min(box) < -1e-6 or max(box) > 1 + 1e-6
        fact = Relation(literal_span(row.get("h"), "h", file, place), box, relation)
        tokens, image = tokens_of(row, file, place), image_of(row, file, place)
        yield check_sample(Sample(f"{split}-{number}", tokens, image, split=split, relations=(fact,)), file, place)


def _to_corners(end: Any, file: TextFile, place: str) -> Box:
    """Return the box of {'box': (centre x, centre y, width, height)} as corners."""
    values = end.get("box") if isinstance(end, dict) else None
    if (
        not isinstance(values, list | tuple)
        or len(values) != 4
        or not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    ):
        raise InputError("'t' must hold 'box': [x, y, width, height]", path=str(file), place=place)
    x, y, width, height = map(float, values)
    if max(abs(x), abs(y), abs(width), abs(height)) > 2:
        raise InputError(f"a box in pixels {values}, fractions are expected", path=str(file), place=place)
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
