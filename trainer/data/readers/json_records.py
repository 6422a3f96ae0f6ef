"""Entities and relations in JSON: spans of tokens, types, fine types and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.errors import InputError
from schemas.records import Box, Entity, Relation, Span
from schemas.text_files import TextFile
from trainer.data.readers.boxes import to_box
from trainer.data.readers.validation import unknown_label

__all__ = ["parse_entities", "parse_relations", "parse_span", "tags_of"]

_ENTITY_KEYS = frozenset({"start", "end", "type", "fine", "boxes", "score", "text", "probability"})
_RELATION_KEYS = frozenset({"head", "tail", "type", "relation", "score"})


def parse_entities(value: Any, labels: Sequence[str] | None, file: TextFile, place: str) -> tuple[Entity, ...] | None:
    """Read entities: [{"start": 0, "end": 2, "type": "PER", "fine": "actor", "boxes": [[x1, y1, x2, y2]]}, ...].

    Args:
        value: from JSON; None stays None.
        labels: types that may occur; None accepts any.
        file: that holds it, for errors.
        place: in the file, for errors.

    Raises:
        InputError: another shape, a key that is not known, a box without area, an unknown type.
    """
    if value is None:
        return None
    return tuple(
        _to_entity(row, labels, file, f"{place}, entity {number}")
        for number, row in enumerate(_objects(value, "entities", _ENTITY_KEYS, file, place), start=1)
    )


def parse_relations(
    value: Any, labels: Sequence[str] | None, file: TextFile, place: str
) -> tuple[Relation, ...] | None:
    """Read relations: [{"head": [0, 2], "tail": [3, 4], "type": "parent"}, ...]; an end of four numbers is a box.

    Args:
        value: from JSON; None stays None.
        labels: types that may occur; None accepts any.
        file: that holds it, for errors.
        place: in the file, for errors.

    Raises:
        InputError: another shape, a key that is not known, a box without area, an unknown type.
    """
    if value is None:
        return None
    return tuple(
        _to_relation(row, labels, file, f"{place}, relation {number}")
        for number, row in enumerate(_objects(value, "relations", _RELATION_KEYS, file, place), start=1)
    )


def parse_span(value: Any, name: str, file: TextFile, place: str) -> Span | None:
    """Read a span [start, end), in tokens; None stays None.

    Raises:
        InputError: the value is not two whole numbers.
    """
    if value is None:
        return None
    # type(), because True is an int too
    if not isinstance(value, list) or len(value) != 2 or not all(type(bound) is int for bound in value):
        raise InputError(f"{name!r} must be [start, end], in tokens", path=str(file), place=place)
    return Span(*value)


def tags_of(entities: Sequence[Entity], length: int) -> tuple[str, ...] | None:
    """Return BIO tags of entities, or None where two share a token, which tags cannot say.

    >>> tags_of([Entity(0, 2, "PER")], 3), tags_of([Entity(0, 2, "PER"), Entity(1, 2, "LOC")], 3)
    (('B-PER', 'I-PER', 'O'), None)
    """
    tags = ["O"] * length
    for entity in entities:
        if any(tag != "O" for tag in tags[entity.start : entity.end]):
            return None
        tags[entity.start : entity.end] = [f"B-{entity.type}", *[f"I-{entity.type}"] * (entity.end - entity.start - 1)]
    return tuple(tags)


def _objects(value: Any, name: str, keys: frozenset[str], file: TextFile, place: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputError(f"{name!r} must be a list of objects", path=str(file), place=place)
    unknown = next((key for row in value for key in row if key not in keys), None)
    if unknown is not None:
        known = ", ".join(sorted(keys))
        raise InputError(f"unknown key {unknown!r} in {name!r} (known: {known})", path=str(file), place=place)
    return value


def _to_entity(row: dict[str, Any], labels: Sequence[str] | None, file: TextFile, place: str) -> Entity:
    span = parse_span([row.get("start"), row.get("end")], "start, end", file, place)
    assert span is not None
    boxes = row.get("boxes") or []
    if not isinstance(boxes, list) or not all(isinstance(box, list) for box in boxes):
        raise InputError("'boxes' must be a list of [x1, y1, x2, y2]", path=str(file), place=place)
    fine = row.get("fine")
    if fine is not None and not (isinstance(fine, str) and fine.strip()):
        raise InputError("'fine' must be a string", path=str(file), place=place)
    parsed = tuple(to_box(box, str(file), place) for box in boxes)
    return Entity(*span, _type(row.get("type"), labels, file, place), fine, parsed, _score(row, file, place))


def _to_relation(row: dict[str, Any], labels: Sequence[str] | None, file: TextFile, place: str) -> Relation:
    if "type" in row and "relation" in row:
        raise InputError("the same field twice: 'type', 'relation'", path=str(file), place=place)
    ends = [_end(row.get(name), name, file, place) for name in ("head", "tail")]
    kind = _type(row.get("type", row.get("relation")), labels, file, place)
    return Relation(ends[0], ends[1], kind, _score(row, file, place))


def _end(value: Any, name: str, file: TextFile, place: str) -> Span | Box:
    if isinstance(value, list) and len(value) == 4:
        return to_box(value, str(file), place)
    span = parse_span(value, name, file, place)
    if span is None:
        raise InputError(f"a relation needs {name!r}", path=str(file), place=place)
    return span


def _type(value: Any, labels: Sequence[str] | None, file: TextFile, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("'type' must be a string", path=str(file), place=place)
    if labels is not None and value not in labels:
        raise unknown_label("type", value, labels, file, place)
    return value


def _score(row: dict[str, Any], file: TextFile, place: str) -> float | None:
    value = row.get("score", row.get("probability"))
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InputError("'score' must be a number in [0, 1]", path=str(file), place=place)
    return float(value)
