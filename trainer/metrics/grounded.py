"""The scores of entities in text and picture: what a span, a type, a fine type and a region add to each other."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Entity
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import RecordKey, record_counts, score_records

__all__ = ["score_fine", "score_groundable", "score_grounded"]

_SCORES: dict[str, RecordKey] = {
    "GMNER": "span+type+region",
    "MNER": "span+type",
    "span": "span",
}
_FINE_SCORES: dict[str, RecordKey] = {"FMNERG": "span+type+fine+region", "fine MNER": "span+type+fine"}


def score_grounded(
    gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], *, is_strict: bool = False
) -> dict[str, Score]:
    """Score entities by every measure of the field; FMNERG's come first where gold has fine types.

    GMNER is span, type and region; MNER span and type; EEG span and region.

    Args:
        gold: entities of each of N samples.
        predicted: of the same samples.
        is_strict: a region must have an IoU above 0.5, not of 0.5.

    Source: GMNER, MNER, EEG: Yu et al., ACL 2023; FMNERG: Wang et al., ACM MM 2023.

    >>> rows = [[Entity(0, 1, "PER")]]
    >>> {name: score.f1 for name, score in score_grounded(rows, rows).items()}
    {'GMNER': 1.0, 'MNER': 1.0, 'span': 1.0, 'EEG': 1.0}
    """
    has_fine = any(row.fine is not None for part in gold for row in part)
    names = {**(_FINE_SCORES if has_fine else {}), **_SCORES}
    scores = {name: score_records(gold, predicted, key, is_strict=is_strict) for name, key in names.items()}
    untyped = [[[row._replace(type="") for row in part] for part in side] for side in (gold, predicted)]
    eeg = score_records(untyped[0], untyped[1], "span+type+region", is_strict=is_strict)
    return scores | {"EEG": Score.of(eeg.counts)}


def score_fine(gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]) -> dict[str, Score]:
    """Score entities of a system that says fine types and no regions.

    >>> rows = [[Entity(0, 1, "person", "actor")], [Entity(0, 1, "person", "author")]]
    >>> {name: score.f1 for name, score in score_fine(rows, [rows[0], rows[0]]).items()}
    {'fine MNER': 0.5, 'MNER': 1.0, 'span': 1.0}
    """
    keys: dict[str, RecordKey] = {"fine MNER": "span+type+fine", "MNER": "span+type", "span": "span"}
    return {name: score_records(gold, predicted, key) for name, key in keys.items()}


def score_groundable(
    gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], *, is_strict: bool = False
) -> dict[str, Score]:
    """Score GMNER by whether the picture shows an entity: "groundable" and "ungroundable".

    Gold and predicted entities are sorted by their own boxes, so the two groups add up to the whole: an entity that is
    right in span, type and region is in one group in both.

    >>> rows = [[Entity(0, 1, "PER"), Entity(1, 2, "LOC")]]
    >>> {name: score.counts.gold for name, score in score_groundable(rows, rows).items()}
    {'groundable': 0, 'ungroundable': 2}
    """
    scores = {}
    for name, is_shown in (("groundable", True), ("ungroundable", False)):
        parts = [[[row for row in part if bool(row.boxes) == is_shown] for part in side] for side in (gold, predicted)]
        total = Counts()
        for counts in record_counts(parts[0], parts[1], "span+type+region", is_strict=is_strict):
            total = total.plus(counts)
        scores[name] = Score.of(total)
    return scores
