"""The region that an entity is shown in: soft targets from overlaps, and the loss of a pointer to regions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from schemas.records import Box, Entity, Relation
from trainer.inputs import Features
from trainer.metrics import region_targets

__all__ = ["boxes_of", "keep_covered", "pointer_loss"]


def pointer_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Return KL(target || softmax of scores) [N].

    Args:
        scores: of K regions [N, K]; minus infinity where there is none.
        targets: probabilities [N, K]; 0 where there is none.

    Source: NUSTM/GMNER, losses.py.

    >>> overlaps = torch.tensor([[0.6, 0.0, 0.9]])
    >>> round(pointer_loss(torch.tensor([[1.0, 0.0, 2.0]]), overlaps / overlaps.sum()).item(), 6)
    0.134594
    """
    there = targets > 0
    log_probs = scores.log_softmax(-1)
    each = targets * (targets.clamp(min=1e-12).log() - log_probs.masked_fill(~there, 0.0))
    return torch.where(there, each, 0.0).sum(-1)


def boxes_of(features: Features, row: int) -> list[tuple[int, Box]]:
    """Return the boxes of a sample's regions, each with its column; vectors without a place are left out."""
    if features.boxes is None:
        return []
    boxes = features.boxes[row].tolist()
    there = (features.present[row] & features.boxes[row].isfinite().all(-1)).tolist()
    return [(column, Box(*box)) for column, box in enumerate(boxes) if there[column]]


def keep_covered(
    records: Sequence[Entity | Relation], candidates: Sequence[tuple[int, Box]], columns: int
) -> tuple[list[Entity | Relation], dict[tuple[int, int], list[float]]]:
    """Return records in which an entity has boxes only if a region covers one, and the target of each such entity.

    An entity whose boxes no region covers is learned as one that the picture does not show.

    Args:
        records: gold.
        candidates: boxes of the regions with their columns.
        columns: of the features.

    Returns:
        the records, and by the span of an entity its probabilities over the columns.

    Source: NUSTM/GMNER, model/data_pipe.py.
    """
    kept: list[Entity | Relation] = []
    targets: dict[tuple[int, int], list[float]] = {}
    for row in records:
        if not isinstance(row, Entity) or not row.boxes:
            kept.append(row)
            continue
        values = region_targets(row.boxes, [box for _, box in candidates])
        if not any(values):
            kept.append(row._replace(boxes=()))
            continue
        spread = [0.0] * columns
        for (column, _), value in zip(candidates, values, strict=True):
            spread[column] = value
        kept.append(row)
        targets[row.start, row.end] = spread
    return kept, targets
