"""How to make features: which views, and how much of each."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from schemas.errors import UsageError
from schemas.feature_store import VIEWS, WORD_VIEWS

__all__ = ["MADE_VIEWS", "FeatureSettings"]

MADE_VIEWS = tuple(view for view in VIEWS if view not in ("given", *WORD_VIEWS))


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How to make features.

    Args:
        views: of MADE_VIEWS.
        most_regions: of a picture; the first ones of a file, or the surest proposals.
        is_without_boxes: make the views of regions although there are no boxes: all regions are absent.
        is_proposing: take boxes from the class maps of the encoder, where no file gives boxes.
        grid_side: the grid has grid_side x grid_side cells.
        most_prompts: words of a picture, the best ones.
        part: pictures per part file: what an interruption can lose.
    """

    views: tuple[str, ...] = ("whole",)
    _: KW_ONLY
    most_regions: int = 8
    is_proposing: bool = False
    is_without_boxes: bool = False
    grid_side: int = 4
    most_prompts: int = 16
    part: int = 64

    def check(self, *, has_files: bool) -> None:
        """Check that the settings go with each other.

        Args:
            has_files: whether files of boxes are given.

        Raises:
            UsageError: an unknown view, a number below 1, or boxes for no view, from nowhere or from two places.
        """
        unknown = [view for view in self.views if view not in MADE_VIEWS]
        if unknown or not self.views or len(set(self.views)) < len(self.views):
            raise UsageError(
                f"no views of a picture: {', '.join(unknown or self.views) or 'none'}",
                remedy=f"choose different ones of {', '.join(MADE_VIEWS)}",
            )
        if min(self.most_regions, self.grid_side, self.most_prompts, self.part) < 1:
            raise UsageError("the numbers of regions, prompts, cells and pictures of a part must be at least 1")
        if has_files and self.is_proposing:
            raise UsageError("boxes come from files or are proposed", remedy="leave out --regions or --propose")
        needs_boxes = {"regions", "focal"} & set(self.views)
        if needs_boxes and not (has_files or self.is_proposing or self.is_without_boxes):
            raise UsageError(
                f"the view {min(needs_boxes)} needs boxes",
                remedy="add --regions FILE, or --propose for the offline encoder",
            )
        if (has_files or self.is_proposing) and not needs_boxes | ({"pyramid"} & set(self.views)):
            raise UsageError("no view reads the boxes", remedy="add --view regions, focal or pyramid")
