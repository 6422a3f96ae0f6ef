"""Fine types that another model decides: which entities are uncertain, and what a file of decisions makes of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.checked_json import read_checked_lines
from schemas.errors import InputError

__all__ = ["Decision", "apply_decisions", "read_decisions", "uncertain_entities"]

Row = dict[str, Any]
ENTROPY_NATS = 0.2
"""Above it the fine type of an entity is uncertain. Source: GEM (Findings of EMNLP 2024); the unit is ours."""
_MAX_BYTES = 256 * 1024 * 1024
_REMEDY = 'a line is {"sample_id": "test-1", "start": 0, "end": 2, "type": "actor"}'


@dataclass(frozen=True, slots=True)
class Decision:
    """The fine type of one entity: tokens start up to end of a sample."""

    sample_id: str
    start: int
    end: int
    type: str


def uncertain_entities(rows: Sequence[Row], entropy: float = ENTROPY_NATS) -> list[Row]:
    """Return the entities of prediction rows whose fine type is uncertain, each with what a judge needs to see.

    Args:
        rows: of `to_prediction_rows`, from a run with fine types.
        entropy: in nats; above it an entity is uncertain.

    >>> entity = {"start": 0, "end": 1, "type": "person", "fine": "actor", "text": "Ann", "entropy": 0.6}
    >>> entity |= {"candidates": [["actor", 0.7]]}
    >>> row = {"sample_id": "a", "tokens": ["Ann"], "image": None, "entities": [entity]}
    >>> [(found["text"], found["candidates"]) for found in uncertain_entities([row])], uncertain_entities([row], 0.7)
    ([('Ann', [['actor', 0.7]])], [])
    """
    return [
        {
            "sample_id": row["sample_id"],
            **{name: entity[name] for name in ("start", "end", "text")},
            "type": entity["fine"],
            "entropy": entity["entropy"],
            "candidates": entity["candidates"],
            "tokens": row["tokens"],
            "image": row["image"],
        }
        for row in rows
        for entity in row.get("entities", ())
        if entity.get("entropy", 0.0) > entropy
    ]


def read_decisions(path: Path, fine: Mapping[str, str]) -> list[Decision]:
    """Read a file of decisions, one a line; other keys are ignored, so that the export can be edited and given back.

    Args:
        path: JSON lines.
        fine: the fine types of the run, each with its type.

    Raises:
        InputError: a malformed line, an unknown fine type, two decisions on one entity; with the line.
    """
    found: dict[tuple[str, int, int], Decision] = {}
    for number, row in read_checked_lines(path, Decision, limit=_MAX_BYTES, remedy=_REMEDY):
        place, key = f"line {number}", (row.sample_id, row.start, row.end)
        if row.type not in fine:
            near = difflib.get_close_matches(row.type, fine, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            remedy = f"the run knows {', '.join(fine)}" if fine else "take a run with fine types"
            raise InputError(f"unknown fine type {row.type!r}{hint}", path=path, place=place, remedy=remedy)
        if key in found and found[key] != row:
            raise InputError("two decisions on one entity", path=path, place=place, remedy="keep one of them")
        found[key] = row
    return list(found.values())


def apply_decisions(
    rows: Sequence[Row], decisions: Sequence[Decision], fine: Mapping[str, str]
) -> tuple[list[Row], int]:
    """Put decided fine types, and the types to which they belong, on entities; others stay as they are.

    Args:
        rows: of `to_prediction_rows`.
        decisions: on some of their entities.
        fine: the fine types of the run, each with its type.

    Returns:
        the rows, and how many decisions found no entity of their sample and span.

    >>> entity = {"start": 0, "end": 1, "type": "person", "fine": "actor"}
    >>> row = {"sample_id": "a", "tags": ["B-person"], "entities": [entity]}
    >>> decisions = [Decision("a", 0, 1, "city"), Decision("b", 0, 1, "city")]
    >>> rows, lost = apply_decisions([row], decisions, {"city": "location"})
    >>> rows[0]["entities"][0]["fine"], rows[0]["tags"], lost, row["tags"]
    ('city', ['B-location'], 1, ['B-person'])
    """
    left = {(row.sample_id, row.start, row.end): row.type for row in decisions}
    return [_apply(row, left, fine) for row in rows], len(left)


def _apply(row: Row, left: dict[tuple[str, int, int], str], fine: Mapping[str, str]) -> Row:
    """Return a row under decisions, and take those that it used out of them."""
    entities, tags = [], list(row.get("tags", ()))
    for entity in row.get("entities", ()):
        name = left.pop((row["sample_id"], entity["start"], entity["end"]), None)
        if name is not None:
            entity = {**entity, "fine": name, "type": fine[name]}
            for i in range(entity["start"], entity["end"] if tags else entity["start"]):
                tags[i] = f"{tags[i][0]}-{fine[name]}"
        entities.append(entity)
    return {**row, **({"tags": tags} if tags else {}), **({"entities": entities} if "entities" in row else {})}
