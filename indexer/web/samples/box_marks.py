"""The boxes that are drawn on a sample's picture and listed beside it: gold, predicted, and regions of the stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_lowercase

from indexer.web.samples.models import FactRow, LabelRow, PixelBox, PredictionRow, RegionRow, SampleDetail, SampleLine

__all__ = ["BoxGroup", "DrawnBox", "draw_boxes", "has_boxes"]


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box on the picture, and its line in the list.

    Args:
        key: stands at the box and in the list; unique on the page.
        kind: gold, predicted or region; each has a line of its own.
        box: x1, y1, x2, y2 in pixels.
        words: what it shows.
        note: what is wrong with it, or how sure the detector is; "" without one.
        is_wrong: whether a prediction is wrong.
        weight: share of what the run read of the picture from here, in [0, 1]; None where nobody says.
    """

    key: str
    kind: str
    box: PixelBox
    words: str
    note: str = ""
    is_wrong: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class BoxGroup:
    """Boxes that come from one place: gold, a run, or a view of a store."""

    title: str
    kind: str
    boxes: list[DrawnBox]


def has_boxes(says: SampleLine | PredictionRow) -> bool:
    """Return whether gold labels or a prediction have boxes."""
    entities = (says.gold if isinstance(says, SampleLine) else says.entities) or []
    return any(row.boxes for row in entities) or any(
        end.box for row in says.facts or () for end in (row.head, row.tail)
    )


def draw_boxes(sample: SampleDetail, run: str) -> list[BoxGroup]:
    """Return the boxes of a sample by where they come from; groups without a box are left out.

    Args:
        sample: with gold labels, predictions and regions.
        run: whose boxes and weights are shown; where it has no boxes, those of the first run that has.
    """
    runs = sorted(filter(has_boxes, sample.runs), key=lambda one: one.run != run)  # the chosen run first
    groups = [BoxGroup("gold", "gold", list(_boxes("gold", sample.gold or [], sample.facts or [], {}, 1)))]
    for predicted in runs[:1]:
        faults = _faults(predicted)
        rows = _boxes("predicted", predicted.entities, predicted.facts or [], faults, len(groups[0].boxes) + 1)
        groups.append(BoxGroup(predicted.run, "predicted", list(rows)))
    views: dict[str, list[RegionRow]] = {}
    for region in sample.regions:
        views.setdefault(f"{region.store}, {region.view}", []).append(region)
    for letter, (title, regions) in zip(_letters(), views.items(), strict=False):
        groups.append(BoxGroup(title, "region", [_region(row, letter, run) for row in regions]))
    return [group for group in groups if group.boxes]


def _boxes(
    kind: str,
    entities: Sequence[LabelRow],
    facts: Sequence[FactRow],
    faults: Mapping[tuple[str, int, int], str],
    first: int,
) -> Iterator[DrawnBox]:
    """Return the boxes of entities and of relations' ends, numbered from first."""
    number = first
    for row in entities:
        note = faults.get((row.type, row.start, row.end), "")
        for box in row.boxes:
            yield DrawnBox(str(number), kind, box, f"{row.text} {row.fine or row.type}", note, bool(note))
            number += 1
    for fact in facts:
        for end, other in ((fact.head, fact.tail), (fact.tail, fact.head)):
            if end.box is not None:
                words = f"{fact.type} of {other.text}" if other.text else fact.type
                yield DrawnBox(str(number), kind, end.box, words)
                number += 1


def _faults(predicted: PredictionRow) -> dict[tuple[str, int, int], str]:
    """Return what is wrong with predicted entities, by type and span; without gold nothing is."""
    return {
        (row.predicted.type, row.predicted.start, row.predicted.end): row.kind
        for row in predicted.mistakes
        if row.predicted
    }


def _region(row: RegionRow, letter: str, run: str) -> DrawnBox:
    note = "" if row.score is None else f"score {row.score:.2f}"
    weight = row.weights.get(run) if run in row.weights else next(iter(row.weights.values()), None)
    return DrawnBox(f"{letter}{row.number}", "region", row.box, row.name or f"region {row.number}", note, weight=weight)


def _letters() -> Iterator[str]:
    """Return a, b, c, ...; with a number behind them after z."""
    yield from (f"{letter}{turn or ''}" for turn in count() for letter in ascii_lowercase)
