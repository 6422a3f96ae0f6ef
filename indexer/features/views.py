"""The views of decoded pictures: what is encoded for each, and the rows that come of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from indexer.encoders import (
    ImageEncoder,
    displayed_size,
    grid_vectors,
    propose_boxes,
    pyramid_vectors,
    whole_vectors,
)
from indexer.features.boxes import GivenBoxes, Region, sound_regions
from indexer.features.prompts import PromptBank
from indexer.features.rows import PictureSize, ViewRows, drop_not_finite, no_rows
from indexer.features.settings import FeatureSettings
from schemas.records import Box, Reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["Decoded", "MadePicture", "ViewMaker"]

_ONLY_REGIONS = {"regions", "focal"}
_POSITIONS = 4
_NOWHERE = Box(math.nan, math.nan, math.nan, math.nan)
_FRAME_PX = 3
_FRAME_SIDE_PX = 224
_FRAME_COLOUR = (255, 0, 0)
"""A red frame of 3 pixels in a picture whose short side has 224. Source: FocalMRE, processor/dataset.py."""


class Decoded(NamedTuple):
    """A picture that can be read: its name, the picture, and the boxes that files give for it; None without files."""

    name: str
    image: Image.Image
    given: Sequence[GivenBoxes] | None


class MadePicture(NamedTuple):
    """What came of a picture.

    Args:
        size: its name, width and height.
        rows: by view; None where the picture cannot be read.
        counts: of boxes and vectors, by name.
        rejects: boxes and vectors that are left out.
    """

    size: PictureSize
    rows: dict[str, ViewRows] | None
    counts: Mapping[str, int]
    rejects: Sequence[Reject]


class ViewMaker:
    """Makes the rows of pictures in all views of a setting. Several threads may call it.

    Args:
        encoder: of the pictures.
        settings: which views.
        bank: the words of the view prompts; None without it.
    """

    def __init__(self, encoder: ImageEncoder, settings: FeatureSettings, bank: PromptBank | None) -> None:
        self._encoder, self._settings, self._bank = encoder, settings, bank
        self._dims: dict[str, int] = {}

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self._encoder.device

    def dim(self, view: str) -> int:
        """Return the number of components of a vector in a view."""
        if view not in self._dims:
            from PIL import Image

            # A grey picture with one region tells it, where all pictures of a part are broken or have no regions.
            size = PictureSize("", 64, 64)
            rows = self._one(view, Image.new("RGB", (64, 64), "grey"), size, [_whole_region(size)])
            self._dims[view] = len(rows.values[0])
        return self._dims[view]

    def make(self, picture: Decoded) -> MadePicture:
        """Return the rows of a picture by view, and what had to be left out."""
        import numpy as np

        size = PictureSize(picture.name, *displayed_size(picture.image))
        counts: Counter[str] = Counter()
        rejects: list[Reject] = []
        regions = self._find_regions(picture, size, counts, rejects)
        found: dict[str, ViewRows] = {}
        for view in self._settings.views:
            if view in _ONLY_REGIONS and not regions:
                found[view] = no_rows(self.dim(view))
                continue
            made = self._one(view, picture.image, size, regions)
            boxes = np.array([place.box for place in made.places], np.float32).reshape(-1, 4)
            scores = np.array([place.score for place in made.places], np.float32)
            names = [place.name for place in made.places]
            found[view], dropped = drop_not_finite(made.values, boxes, names, scores, made.group)
            if dropped:
                counts["vectors_not_finite"] += len(dropped)
                rejects.append(Reject("vector", size.name, "not_finite", f"{view} {', '.join(map(str, dropped))}"))
        return MadePicture(size, found, counts, rejects)

    def _find_regions(
        self, picture: Decoded, size: PictureSize, counts: Counter[str], rejects: list[Reject]
    ) -> list[Region]:
        """Return the boxes of a picture that can be used, and count the others."""
        if self._settings.is_proposing:
            proposed = propose_boxes(self._encoder, picture.image, self._settings.most_regions)
            regions = [Region(_pixels(box.box, size), box.name, box.score) for box in proposed]
        elif picture.given is None:
            return []
        else:
            sides = (size.width, size.height)
            regions, faults, cut = sound_regions(picture.given, sides, self._settings.most_regions)
            counts["boxes_cut_at_an_edge"] += cut
            for fault in faults:
                counts[f"boxes_{fault.reason}"] += 1
                if fault.reason != "too_many":
                    place = f"{picture.name}, box {fault.number}"
                    rejects.append(Reject("region", place, fault.reason, fault.detail))
        counts["boxes"] += len(regions)
        counts["pictures_without_boxes"] += not regions
        return regions

    def _one(self, view: str, image: Image.Image, size: PictureSize, regions: Sequence[Region]) -> _Made:
        encoder = self._encoder
        if view == "whole":
            return _Made(whole_vectors(encoder, [encoder.prepare(image)]), [_whole_region(size)])
        if view == "grid":
            side = self._settings.grid_side
            return _Made(grid_vectors(encoder, [encoder.prepare(image)], side)[0], _cells(side, size))
        if view == "pyramid":
            parts = [_whole_region(size), *regions]
            values = pyramid_vectors(encoder, [encoder.prepare(_crop(image, part, size)) for part in parts])
            places = [part for part in parts for _ in range(_POSITIONS)]
            return _Made(values.reshape(len(places), -1), places, _POSITIONS)
        if view == "prompts":
            assert self._bank is not None
            vectors, words, scores = self._bank.best(encoder, image, self._settings.most_prompts)
            return _Made(vectors, [Region(_NOWHERE, word, score) for word, score in zip(words, scores, strict=True)])
        show = _draw_frame if view == "focal" else _crop
        return _Made(whole_vectors(encoder, [encoder.prepare(show(image, part, size)) for part in regions]), regions)


class _Made(NamedTuple):
    """Vectors [K, D], the place of each, and how many of them stand or fall together."""

    values: NDArray[np.float32]
    places: Sequence[Region]
    group: int = 1


def _cells(side: int, size: PictureSize) -> list[Region]:
    shares = [(x / side, y / side, (x + 1) / side, (y + 1) / side) for y in range(side) for x in range(side)]
    return [Region(_pixels(share, size), "", math.nan) for share in shares]


def _whole_region(size: PictureSize) -> Region:
    return Region(Box(0.0, 0.0, float(size.width), float(size.height)), "", math.nan)


def _pixels(shares: Sequence[float], size: PictureSize) -> Box:
    sides = (size.width, size.height, size.width, size.height)
    return Box(*(share * side for share, side in zip(shares, sides, strict=True)))


def _in_image(image: Image.Image, region: Region, size: PictureSize) -> tuple[int, int, int, int]:
    """Return a box in the pixels of the decoded picture, which may be smaller than the file: at least one pixel."""
    x, y = image.width / size.width, image.height / size.height
    left, top = math.floor(region.box.x1 * x), math.floor(region.box.y1 * y)
    right, bottom = math.ceil(region.box.x2 * x), math.ceil(region.box.y2 * y)
    return left, top, min(max(right, left + 1), image.width), min(max(bottom, top + 1), image.height)


def _crop(image: Image.Image, region: Region, size: PictureSize) -> Image.Image:
    return image.crop(_in_image(image, region, size))


def _draw_frame(image: Image.Image, region: Region, size: PictureSize) -> Image.Image:
    from PIL import ImageDraw

    framed = image.copy()
    left, top, right, bottom = _in_image(image, region, size)
    width = max(1, round(_FRAME_PX * min(image.size) / _FRAME_SIDE_PX))
    box = (left, top, max(right - 1, left), max(bottom - 1, top))
    ImageDraw.Draw(framed).rectangle(box, outline=_FRAME_COLOUR, width=width)
    return framed
