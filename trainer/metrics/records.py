"""Predicted records beside gold ones: which of them are right, by span, type, fine type and region of the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from schemas.records import Box, Entity, Relation, Span
from trainer.metrics.counts import Counts, Score
from trainer.metrics.matching import count_matches

__all__ = ["LEAST_OVERLAP", "Record", "RecordKey", "box_overlap", "is_same_region", "record_counts", "score_records"]

Record: TypeAlias = Entity | Relation
RecordKey = Literal["span", "span+type", "span+type+fine", "span+type+region", "span+type+fine+region"]
"""What of a record must be right."""
LEAST_OVERLAP = 0.5
"""Source: the published scorer of GMNER (Yu et al., ACL 2023): IoU of at least 0.5 with any gold box."""


class _Identity(NamedTuple):
    """The part of a record that must be equal to that of a gold record."""

    type: str
    fine: str
    ends: tuple[Span | None, ...]


class _Parsed(NamedTuple):
    """A record as the scorer compares it: equal parts, and regions that must overlap, one for each end."""

    identity: _Identity
    regions: tuple[tuple[Box, ...], ...]


def score_records(
    gold: Sequence[Sequence[Record]],
    predicted: Sequence[Sequence[Record]],
    key: RecordKey = "span+type",
    *,
    is_strict: bool = False,
) -> Score:
    """Score predicted records beside gold ones, overall and by type (by fine type where the key has it).

    Args:
        gold: records of each of N samples.
        predicted: of the same samples.
        key: what must be right. An end of a relation that is a box is compared by its overlap under every key.
        is_strict: a region must have an IoU above 0.5, not of 0.5.

    Source: a region is right where its first box has an IoU of at least 0.5 with any gold box; where gold has no box,
    the prediction must have none (Yu et al., GMNER, ACL 2023).

    Raises:
        ValueError: another number of samples.

    >>> gold = [[Entity(0, 1, "PER", boxes=(Box(0, 0, 10, 10),))]]
    >>> predicted = [[Entity(0, 1, "PER", boxes=(Box(0, 0, 10, 4),))]]
    >>> score_records(gold, predicted).f1, score_records(gold, predicted, "span+type+region").f1
    (1.0, 0.0)
    """
    by_class: dict[str, Counts] = {}
    total = Counts()
    for rows in _pairs(gold, predicted, key):
        total = total.plus(_count(*rows, is_strict))
        for name in {row.identity.fine or row.identity.type for part in rows for row in part}:
            g, p = ([row for row in part if (row.identity.fine or row.identity.type) == name] for part in rows)
            by_class[name] = by_class.get(name, Counts()).plus(_count(g, p, is_strict))
    return Score.of(total, by_class if "type" in key else {})


def record_counts(
    gold: Sequence[Sequence[Record]],
    predicted: Sequence[Sequence[Record]],
    key: RecordKey = "span+type",
    *,
    is_strict: bool = False,
) -> list[Counts]:
    """Count right, predicted and gold records of each sample, as `score_records` does."""
    return [_count(*rows, is_strict) for rows in _pairs(gold, predicted, key)]


def box_overlap(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over their union, in [0, 1].

    >>> box_overlap(Box(0, 0, 10, 10), Box(5, 0, 15, 10)) == 50 / 150
    True
    """
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    shared = max(0.0, width) * max(0.0, height)
    union = sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in (a, b)) - shared
    if 0 < union < math.inf:
        return shared / union
    return _scaled_overlap(a, b)


def _scaled_overlap(a: Box, b: Box) -> float:
    """Return the overlap of boxes whose areas are too large or too small for a float: each axis has its own unit."""
    shared, one, other = 1.0, 1.0, 1.0
    for low, high in ((0, 2), (1, 3)):
        sides = [box[high] / 2 - box[low] / 2 for box in (a, b)]  # halves: a side may be too large too
        unit = max(sides)
        if unit <= 0:
            return float(a == b)
        shared *= max(0.0, min(a[high], b[high]) / 2 - max(a[low], b[low]) / 2) / unit
        one, other = one * (sides[0] / unit), other * (sides[1] / unit)
    union = one + other - shared
    return shared / union if union > 0 else 0.0


def _pairs(
    gold: Sequence[Sequence[Record]], predicted: Sequence[Sequence[Record]], key: RecordKey
) -> Iterable[tuple[list[_Parsed], list[_Parsed]]]:
    if len(gold) != len(predicted):
        raise ValueError(f"records of {len(gold)} gold samples, of {len(predicted)} predicted")
    for g, p in zip(gold, predicted, strict=True):
        yield _parse(g, key), _parse(p, key)


def _parse(records: Iterable[Record], key: RecordKey) -> list[_Parsed]:
    """Return the distinct records of a sample under a key, in their order."""
    return list(dict.fromkeys(_parse_one(record, key.split("+")) for record in records))


def _parse_one(record: Record, key: Sequence[str]) -> _Parsed:
    kind = record.type if "type" in key else ""
    if isinstance(record, Relation):
        ends = (record.head, record.tail)
        spans = tuple(end if isinstance(end, Span) else None for end in ends)
        boxes = tuple((end,) if isinstance(end, Box) else () for end in ends)
        return _Parsed(_Identity(kind, "", spans), boxes)
    fine = record.fine or "" if "fine" in key else ""
    region = (record.boxes,) if "region" in key else ()
    return _Parsed(_Identity(kind, fine, (Span(record.start, record.end),)), region)


def _count(gold: Sequence[_Parsed], predicted: Sequence[_Parsed], is_strict: bool) -> Counts:
    """Count the predicted records that are right; each gold record answers for one prediction."""
    numbers: dict[_Identity, list[int]] = {}
    for number, row in enumerate(gold):
        numbers.setdefault(row.identity, []).append(number)
    # a prediction may fit several gold records of one identity: the best assignment counts, in whatever order they come
    fits = [
        [number for number in numbers.get(row.identity, ()) if _is_same_place(gold[number], row, is_strict)]
        for row in predicted
    ]
    return Counts(count_matches(fits), len(predicted), len(gold))


def _is_same_place(gold: _Parsed, predicted: _Parsed, is_strict: bool) -> bool:
    pairs = zip(gold.regions, predicted.regions, strict=True)
    return all(is_same_region(*pair, is_strict=is_strict) for pair in pairs)


def is_same_region(gold: Sequence[Box], predicted: Sequence[Box], *, is_strict: bool = False) -> bool:
    """Return whether the first predicted box overlaps any gold box by half; with none, whether gold has none.

    Args:
        gold: boxes; () where the picture does not show the entity.
        predicted: likewise.
        is_strict: the overlap must be above 0.5, not of 0.5.

    >>> is_same_region((), ()), is_same_region((Box(0, 0, 2, 1),), (Box(0, 0, 1, 1),))
    (True, True)
    """
    if not gold or not predicted:
        return not gold and not predicted
    overlaps = [box_overlap(box, predicted[0]) for box in gold]
    return any(value > LEAST_OVERLAP or (value == LEAST_OVERLAP and not is_strict) for value in overlaps)
