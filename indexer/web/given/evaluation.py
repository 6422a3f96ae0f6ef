"""The predictions of one run on one split beside gold: each sample's mistakes, and what changes between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indexer.web.given.file_cache import Fault
from indexer.web.given.mistakes import (
    Change,
    Mistake,
    change_of,
    compare_entities,
    compare_facts,
    compare_relations,
    kinds_of,
)
from schemas.dataset import NO_RELATION
from schemas.entities import find_entities
from schemas.predictions import Prediction
from schemas.records import Box, Entity, Relation, Sample, Span

__all__ = ["SampleEvaluation", "SplitEvaluation", "change_between", "evaluate_split"]

_NOT_COMPARABLE = frozenset({"no prediction", "no gold"})


@dataclass(frozen=True, slots=True)
class SampleEvaluation:
    """A run's prediction for a sample, and its mistakes; kinds are of `mistakes.KINDS`."""

    prediction: Prediction | None
    entities: tuple[Entity, ...]
    mistakes: tuple[Mistake, ...]
    kinds: tuple[str, ...]
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True)
class SplitEvaluation:
    """A run's predictions for a split.

    Args:
        rows: one per sample of the split, in its order.
        orphans: predictions for samples that the split does not hold.
        others: predictions for other tokens than the sample has; they are not shown.
        absent: samples without a prediction.
        fault: why the predictions cannot be used; None where they can, or where there are none.
    """

    rows: list[SampleEvaluation]
    orphans: int = 0
    others: int = 0
    absent: int = 0
    fault: Fault | None = None


def evaluate_split(
    samples: Sequence[Sample],
    gold: Sequence[tuple[Entity, ...]],
    positions: Mapping[str, int],
    predictions: Sequence[Prediction],
    fault: Fault | None = None,
) -> SplitEvaluation:
    """Compare predictions with gold.

    Args:
        samples: of the split.
        gold: entities of each sample.
        positions: of the samples in the split, by sample id.
        predictions: in any order.
        fault: why there are no predictions.
    """
    by_id = {row.sample_id: row for row in predictions}
    answers = _Answers.of(predictions)
    rows = []
    others = absent = 0
    for sample, entities in zip(samples, gold, strict=True):
        prediction = by_id.get(sample.sample_id)
        if prediction is None:
            absent += 1
        elif not _fits(prediction, sample):  # the run was evaluated on another version of the data set
            others, prediction = others + 1, None
        rows.append(_evaluate_sample(sample, entities, prediction, answers))
    orphans = sum(row.sample_id not in positions for row in predictions)
    return SplitEvaluation(rows, orphans, others, absent, fault)


def _fits(prediction: Prediction, sample: Sample) -> bool:
    is_same_task = (prediction.relation is not None) == (sample.head is not None)
    return is_same_task and prediction.tokens == sample.tokens


class _Answers(NamedTuple):
    """What a run answers beside spans and types: that alone is compared."""

    has_fine: bool
    has_regions: bool

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> _Answers:
        entities = [entity for row in predictions for entity in row.entities]
        return cls(any(row.fine is not None for row in entities), any(row.boxes for row in entities))


def _evaluate_sample(
    sample: Sample, gold: tuple[Entity, ...], prediction: Prediction | None, answers: _Answers
) -> SampleEvaluation:
    if prediction is None:
        return SampleEvaluation(None, (), (), ("no prediction",))
    entities, relations = _entities_of(prediction), _relations_of(prediction)
    if all(labels is None for labels in (sample.tags, sample.relation, sample.entities, sample.relations)):
        return SampleEvaluation(prediction, entities, (), ("no gold",), relations)
    if sample.relation is not None:
        mistakes = compare_relations(sample.relation, str(prediction.relation))
        has_gold = sample.relation != NO_RELATION
    else:
        mistakes = compare_entities(gold, entities, **answers._asdict())
        if prediction.relations is not None:
            mistakes += compare_facts(sample.relations or (), relations)
        has_gold = bool(gold or sample.relations)
    return SampleEvaluation(prediction, entities, tuple(mistakes), kinds_of(mistakes, has_gold), relations)


def _entities_of(prediction: Prediction) -> tuple[Entity, ...]:
    """Return the predicted entities as records; those of the tags where a file has no others."""
    if not prediction.entities:
        return tuple(find_entities(prediction.tags or ()))
    return tuple(
        Entity(row.start, row.end, row.type, row.fine, tuple(Box(*box) for box in row.boxes))
        for row in prediction.entities
    )


def _relations_of(prediction: Prediction) -> tuple[Relation, ...]:
    return tuple(Relation(_end(row.head), _end(row.tail), row.type, row.score) for row in prediction.relations or ())


def _end(values: Sequence[float]) -> Span | Box:
    return Span(int(values[0]), int(values[1])) if len(values) == 2 else Box(*values)


def change_between(reference: SampleEvaluation, other: SampleEvaluation) -> Change | None:
    """Return what a run changes for a sample beside a reference; None where one has no prediction, or without gold."""
    if _NOT_COMPARABLE & {*reference.kinds, *other.kinds}:
        return None
    return change_of(len(reference.mistakes), len(other.mistakes))
