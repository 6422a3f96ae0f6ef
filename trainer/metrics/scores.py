"""Scores of tags and of the relation of a pair: the records that they stand for, scored as sets.

Entity F1 by either convention of reading tags, relation F1 without the class None, by class and by group of samples.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from schemas.dataset import NO_RELATION
from schemas.entities import Convention, find_entities
from schemas.records import Entity, Relation, Span
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import record_counts, score_records

__all__ = [
    "entity_counts",
    "relation_counts",
    "score_entities",
    "score_groups",
    "score_relations",
    "score_seen_unseen",
    "surface_forms",
]

Tags = Sequence[str]
_GIVEN_PAIR = (Span(0, 1), Span(1, 2))
"""Stands for the head and the tail that a sample names: they are the same in gold and in the prediction."""


def entity_counts(gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention = "default") -> list[Counts]:
    """Count per sample: [N] gold tag sequences beside [N] predicted ones."""
    return record_counts(*_entities(gold, predicted, convention))


def score_entities(gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention = "default") -> Score:
    """Score entities exactly (type and boundaries), overall and by type.

    Raises:
        ValueError: a number of sequences or of tags differs.

    >>> score_entities([["B-PER", "I-PER", "O"]], [["B-PER", "I-PER", "B-LOC"]]).precision
    0.5
    """
    return score_records(*_entities(gold, predicted, convention))


def surface_forms(
    tokens: Iterable[Sequence[str]], tags: Iterable[Tags], convention: Convention = "default"
) -> set[str]:
    """Collect the surface forms of a training set's entities, in lower case, joined by one space."""
    return {
        _surface(sentence, entity)
        for sentence, row in zip(tokens, tags, strict=True)
        for entity in find_entities(row, convention)
    }


def score_seen_unseen(
    tokens: Sequence[Sequence[str]],
    gold: Sequence[Tags],
    predicted: Sequence[Tags],
    known: set[str],
    convention: Convention = "default",
) -> dict[str, Score]:
    """Score entities by whether their surface form is one of known (from `surface_forms`): "seen" and "unseen".

    Gold and predicted entities are sorted by their own surface form, so the two groups add up to the whole.
    """
    g_rows, p_rows = _entities(gold, predicted, convention)

    def in_group(rows: list[list[Entity]], is_known: bool) -> list[list[Entity]]:
        return [
            [entity for entity in entities if (_surface(sentence, entity) in known) == is_known]
            for sentence, entities in zip(tokens, rows, strict=True)
        ]

    counts = {
        name: record_counts(in_group(g_rows, is_known), in_group(p_rows, is_known))
        for name, is_known in (("seen", True), ("unseen", False))
    }
    return {name: Score.of(_total(rows)) for name, rows in counts.items()}


def relation_counts(gold: Sequence[str], predicted: Sequence[str]) -> list[Counts]:
    """Count per sample the relation of the given pair; the class None is no relation and never right."""
    return record_counts(_relations(gold, predicted), _relations(predicted, gold))


def score_relations(gold: Sequence[str], predicted: Sequence[str]) -> Score:
    """Micro precision, recall and F1 over all relations but None, and by relation.

    >>> score_relations(["None", "peer", "peer"], ["peer", "peer", "None"]).f1
    0.5
    """
    return score_records(_relations(gold, predicted), _relations(predicted, gold))


def score_groups(groups: Sequence[Hashable], counts: Sequence[Counts]) -> dict[str, Score]:
    """Score the samples of each group by itself, for instance those with and without an image.

    >>> score_groups(["image", "none"], [Counts(1, 1, 1), Counts(0, 1, 1)])["none"].f1
    0.0
    """
    totals: dict[str, Counts] = {}
    for group, part in zip(groups, counts, strict=True):
        totals[str(group)] = totals.get(str(group), Counts()).plus(part)
    return {name: Score.of(total) for name, total in sorted(totals.items())}


def _entities(
    gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention
) -> tuple[list[list[Entity]], list[list[Entity]]]:
    """Read the entities of gold and predicted tags, which must go with each other."""
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sequences, {len(predicted)} predicted")
    for number, (g, p) in enumerate(zip(gold, predicted, strict=True), start=1):
        if len(g) != len(p):
            raise ValueError(f"sequence {number}: {len(g)} gold tags, {len(p)} predicted")
    return [find_entities(row, convention) for row in gold], [find_entities(row, convention) for row in predicted]


def _relations(names: Sequence[str], others: Sequence[str]) -> list[list[Relation]]:
    if len(names) != len(others):
        raise ValueError(f"{len(names)} relations beside {len(others)}")
    return [[] if name == NO_RELATION else [Relation(*_GIVEN_PAIR, name)] for name in names]


def _surface(tokens: Sequence[str], entity: Entity) -> str:
    return " ".join(tokens[entity.start : entity.end]).lower()


def _total(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        total = total.plus(part)
    return total
