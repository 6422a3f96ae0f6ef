"""How a run answers regions of pictures: by type, and by how many boxes gold has for an entity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from schemas.boxes import box_overlap, is_same_region
from schemas.predictions import GoldEntity, Prediction, predictions_path, read_predictions
from schemas.records import Box

__all__ = ["REGION_HEADER", "region_rows"]

REGION_HEADER = ["entities", "gold", "found", "region right", "share (%)", "wrong box", "no box", "overlap"]
"""Gold entities; of them those found, with tokens and type; of these those with the right region, and their share;
those with a wrong box, and those without the box that they should have. The overlap is that of a predicted box with
the nearest gold box, on average over found entities for which both have one."""


class _Answered(NamedTuple):
    """A gold entity, whether it was found, and the boxes that were predicted for it."""

    gold: GoldEntity
    is_found: bool
    boxes: tuple[Box, ...]


def region_rows(run: Path, split: str) -> list[list[str]]:
    """Return a table of how a run answers regions on a split; no rows where neither gold nor the run has a box.

    Args:
        run: the folder.
        split: that it was evaluated on.

    Raises:
        InputError, IndexCorrupt: its predictions cannot be read.
    """
    path = predictions_path(run, split)
    if not path.is_file():
        return []
    predictions = read_predictions(path)
    answered = [row for prediction in predictions for row in _answers(prediction)]
    if not any(entity.boxes for row in predictions for entity in row.entities):
        return []
    groups: list[tuple[str, Callable[[_Answered], bool]]] = [
        ("all", lambda row: True),  # noqa: ARG005 - the group of all
        ("in the picture", lambda row: bool(row.gold.boxes)),
        ("in the picture, one box", lambda row: len(row.gold.boxes) == 1),
        ("in the picture, several boxes", lambda row: len(row.gold.boxes) > 1),
        ("not in the picture", lambda row: not row.gold.boxes),
    ]
    groups += [(f"{kind} in the picture", _shown(kind)) for kind in sorted({row.gold.type for row in answered})]
    parts = [(name, [row for row in answered if belongs(row)]) for name, belongs in groups]
    return [_cells(name, rows) for name, rows in parts if rows]


def _shown(kind: str) -> Callable[[_Answered], bool]:
    return lambda row: row.gold.type == kind and bool(row.gold.boxes)


def _answers(prediction: Prediction) -> list[_Answered]:
    said = {(row.start, row.end, row.type): row for row in prediction.entities}
    found = []
    for gold in prediction.gold_entities or ():
        entity = said.get((gold.start, gold.end, gold.type))
        boxes = () if entity is None else tuple(Box(*box) for box in entity.boxes)
        found.append(_Answered(gold, entity is not None, boxes))
    return found


def _cells(name: str, rows: Sequence[_Answered]) -> list[str]:
    found = [row for row in rows if row.is_found]
    right = sum(is_same_region(_boxes(row.gold), row.boxes) for row in found)
    boxed = sum(not is_same_region(_boxes(row.gold), row.boxes) and bool(row.boxes) for row in found)
    overlaps = [_overlap(row) for row in found if row.gold.boxes and row.boxes]
    share = f"{100 * right / len(found):.2f}" if found else ""
    counts = [str(boxed), str(len(found) - right - boxed)]
    mean = f"{fmean(overlaps):.2f}" if overlaps else ""
    return [name, str(len(rows)), str(len(found)), str(right), share, *counts, mean]


def _overlap(row: _Answered) -> float:
    return max(box_overlap(box, row.boxes[0]) for box in _boxes(row.gold))


def _boxes(gold: GoldEntity) -> tuple[Box, ...]:
    return tuple(Box(*box) for box in gold.boxes)
