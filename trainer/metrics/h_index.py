"""H-Index's counting of GMNER: a region is the number of a candidate, right where it stands in the gold set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.records import Box, Entity
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import box_overlap

__all__ = ["ChosenEntity", "gold_candidates", "region_targets", "score_h_index"]

_LEAST_OVERLAP = 0.5


class ChosenEntity(NamedTuple):
    """A predicted entity and the number of the candidate region that shows it, from 0; None for no region."""

    start: int
    end: int
    type: str
    candidate: int | None


def region_targets(boxes: Sequence[Box], candidates: Sequence[Box]) -> list[float]:
    """Return the target distribution [K] over the candidates of an entity; all 0 where no candidate covers it.

    A box that no candidate overlaps by half is uncovered and plays no part. Of the others, a candidate has its largest
    overlap if that is above 0.5, else 0; the values are divided by their sum.

    Source: NUSTM/GMNER, model/data_pipe.py.

    >>> whole = Box(0, 0, 100, 1)
    >>> parts = [Box(0, 0, width, 1) for width in (20, 51, 80, 50)]
    >>> [round(value, 6) for value in region_targets([whole], parts)]
    [0.0, 0.389313, 0.610687, 0.0]
    """
    rows = [[box_overlap(box, candidate) for candidate in candidates] for box in boxes]  # [boxes][K]
    covered = [row for row in rows if max(row, default=0.0) >= _LEAST_OVERLAP]
    best = [max(column) for column in zip(*covered, strict=True)] if covered else [0.0] * len(candidates)
    kept = [value if value > _LEAST_OVERLAP else 0.0 for value in best]
    total = sum(kept)
    return [value / total for value in kept] if total else kept


def gold_candidates(boxes: Sequence[Box], candidates: Sequence[Box]) -> set[int]:
    """Return the numbers of the candidates that count as right for an entity.

    >>> gold_candidates([Box(0, 0, 10, 10)], [Box(0, 0, 10, 5), Box(0, 0, 10, 6)])
    {1}
    """
    return {number for number, value in enumerate(region_targets(boxes, candidates)) if value > 0}


def score_h_index(
    gold: Sequence[Sequence[Entity]],
    predicted: Sequence[Sequence[ChosenEntity]],
    candidates: Sequence[Sequence[Box]],
) -> Score:
    """Score GMNER as H-Index does.

    Two quirks are kept: of several predictions of a span the last counts, of gold entities too; an entity with boxes
    that no candidate covers is always wrong.

    Args:
        gold: entities with boxes, of each of N samples.
        predicted: entities with the number of a candidate.
        candidates: boxes of each sample's candidates, [N][K].

    Source: NUSTM/GMNER, model/metrics.py.

    Raises:
        ValueError: another number of samples.
    """
    total = Counts()
    for g, p, boxes in zip(gold, predicted, candidates, strict=True):
        gold_by_span = {row[:2]: row for row in g}
        by_span = {row[:2]: row for row in p}
        right = sum(span in gold_by_span and _is_right(gold_by_span[span], row, boxes) for span, row in by_span.items())
        total = total.plus(Counts(right, len(by_span), len(gold_by_span)))
    return Score.of(total)


def _is_right(gold: Entity, predicted: ChosenEntity, candidates: Sequence[Box]) -> bool:
    if gold.type != predicted.type:
        return False
    if not gold.boxes or predicted.candidate is None:
        return not gold.boxes and predicted.candidate is None
    return predicted.candidate in gold_candidates(gold.boxes, candidates)
