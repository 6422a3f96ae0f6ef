"""Boxes in a picture, as somebody gave them, and which of them can be used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from schemas.records import Box

__all__ = ["GivenBox", "GivenBoxes", "Region", "RegionFault", "sound_regions"]

_SMALLEST_PX = 1.0
"""A box thinner than this, in pixels of the picture, shows nothing."""


class GivenBox(NamedTuple):
    """A box as a file has it: x1, y1, x2, y2; the name of what is in it, or ""; how sure the detector is, or NaN."""

    corners: tuple[float, float, float, float]
    name: str = ""
    score: float = math.nan


class GivenBoxes(NamedTuple):
    """The boxes of a picture, and the width and height of the picture in which they are measured.

    size is (1, 1) for shares of the sides, and None for pixels of the picture's own file.
    """

    boxes: tuple[GivenBox, ...]
    size: tuple[float, float] | None = None


class Region(NamedTuple):
    """A box that can be used, in pixels of the picture as displayed."""

    box: Box
    name: str
    score: float


class RegionFault(NamedTuple):
    """A box that cannot be used. reason: not_finite, swapped, outside, empty or too_many."""

    number: int
    reason: str
    detail: str


def sound_regions(
    given: Iterable[GivenBoxes], size: tuple[int, int], most: int
) -> tuple[list[Region], list[RegionFault], int]:
    """Check boxes, scale them to the picture, and cut off what stands out of it.

    A box that cannot be used is left out and never mended: nobody knows what swapped corners were to show.

    Args:
        given: the boxes of the picture.
        size: width and height of the picture in pixels, as displayed.
        most: regions at most, the first ones.

    Returns:
        the regions in the order given, the faults, and how many boxes were cut at an edge of the picture.

    >>> boxes = GivenBoxes((GivenBox((0, 0, 50, 90)), GivenBox((9, 9, 3, 3)), GivenBox((90, 0, 130, 50))), (100, 100))
    >>> regions, faults, cut = sound_regions([boxes], (200, 200), 8)
    >>> [tuple(region.box) for region in regions], [fault.reason for fault in faults], cut
    ([(0.0, 0.0, 100.0, 180.0), (180.0, 0.0, 200.0, 100.0)], ['swapped'], 1)
    """
    regions: list[Region] = []
    faults: list[RegionFault] = []
    number = cut = 0
    for group in given:
        scale = (1.0, 1.0) if group.size is None else (size[0] / group.size[0], size[1] / group.size[1])
        for box in group.boxes:
            number += 1
            whole = _scaled(box.corners, scale)
            inside = _inside(whole, size)
            reason = _fault(whole, inside)
            if reason is None and len(regions) == most:
                reason = "too_many"
            if reason is not None:
                faults.append(RegionFault(number, reason, ", ".join(f"{value:g}" for value in box.corners)))
                continue
            # A hundredth of a pixel beyond the edge comes from rounding.
            cut += any(abs(one - other) > 0.01 for one, other in zip(whole, inside, strict=True))
            regions.append(Region(inside, box.name, box.score))
    return regions, faults, cut


def _scaled(corners: tuple[float, float, float, float], scale: tuple[float, float]) -> Box:
    return Box(*(value * scale[place % 2] for place, value in enumerate(corners)))


def _inside(box: Box, size: tuple[int, int]) -> Box:
    return Box(*(min(max(value, 0.0), float(size[place % 2])) for place, value in enumerate(box)))


def _fault(box: Box, inside: Box) -> str | None:
    if not all(map(math.isfinite, box)):
        return "not_finite"
    if box.x1 > box.x2 or box.y1 > box.y2:
        return "swapped"
    if box.x2 - box.x1 < _SMALLEST_PX or box.y2 - box.y1 < _SMALLEST_PX:
        return "empty"
    if inside.x2 - inside.x1 < _SMALLEST_PX or inside.y2 - inside.y1 < _SMALLEST_PX:
        return "outside"
    return None
