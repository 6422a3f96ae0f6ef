"""Predicted records beside gold ones: which of them are right, by span, type, fine type and region of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from schemas.boxes import box_overlap, is_same_region
from schemas.records import Box, Entity, Relation, Span
from trainer.metrics.counts import Counts, Score
from trainer.metrics.matching import count_matches

__all__ = ["Record", "RecordKey", "box_overlap", "is_same_region", "record_counts", "score_records"]

Record: TypeAlias = Entity | Relation
RecordKey = Literal["span", "span+type", "span+type+fine", "span+type+region", "span+type+fine+region"]
"""What of a record must be right."""


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
