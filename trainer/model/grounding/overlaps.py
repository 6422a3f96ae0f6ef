"""How much boxes overlap, as tensors, and which share of each candidate a grounding is to learn from that."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["LEAST_OVERLAP", "overlap_matrix", "soft_targets"]

LEAST_OVERLAP = 0.5
"""Source: the published targets of GMNER (NUSTM/GMNER, model/data_pipe.py): an IoU of 0.5 covers a gold box."""


def overlap_matrix(first: Tensor, second: Tensor) -> Tensor:
    """Return the intersection over union of boxes [..., G, 4] and [..., K, 4] as [..., G, K] float64.

    A box without area, or with a corner that is no number, overlaps nothing.

    >>> overlap_matrix(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[5.0, 0, 15, 10]])).tolist() == [[50 / 150]]
    True
    """
    a, b = first.double()[..., :, None, :], second.double()[..., None, :, :]
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(a) + _area(b) - shared
    return (shared / union).where((union > 0) & shared.isfinite(), 0.0)


def soft_targets(overlaps: Tensor, has_box: Tensor) -> Tensor:
    """Return what the candidates of each mention are to get [..., K]; the rows sum to 1, or to 0 without a candidate.

    A gold box that no candidate overlaps by half is uncovered and plays no part. Of the others, a candidate has its
    largest overlap if that is above 0.5, else 0; the values are divided by their sum.

    Args:
        overlaps: of the G gold boxes of a mention with the candidates [..., G, K].
        has_box: which gold boxes there are [..., G] bool.

    Source: NUSTM/GMNER, model/data_pipe.py.

    >>> row = torch.tensor([[0.2, 0.51, 0.8, 0.5]])
    >>> [round(value, 6) for value in soft_targets(row, torch.tensor([True])).tolist()]
    [0.0, 0.389313, 0.610687, 0.0]
    """
    if not overlaps.shape[-1] or not overlaps.shape[-2]:
        return overlaps.new_zeros(*overlaps.shape[:-2], overlaps.shape[-1])
    covered = has_box & (overlaps.amax(-1) >= LEAST_OVERLAP)  # [..., G]
    best = overlaps.masked_fill(~covered[..., None], 0.0).amax(-2)  # [..., K]
    kept = best.where(best > LEAST_OVERLAP, 0.0)
    total = kept.sum(-1, keepdim=True)
    return kept / total.where(total > 0, 1.0)


def _area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]
