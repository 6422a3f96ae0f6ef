"""Boxes in a picture: how much two of them overlap, and whether they show the same thing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from schemas.records import Box

__all__ = ["LEAST_OVERLAP", "box_overlap", "is_same_region"]

LEAST_OVERLAP = 0.5
"""Source: the published scorer of GMNER (Yu et al., ACL 2023): IoU of at least 0.5 with any gold box."""


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
