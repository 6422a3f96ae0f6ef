"""What is wrong with a prediction beside gold, by kinds of mistakes, and whether another system does better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.dataset import NO_RELATION
from schemas.entities import Entity

__all__ = ["CHANGES", "KINDS", "Change", "Mistake", "change_of", "compare_entities", "compare_relations", "kinds_of"]

Change = Literal["fixed", "broken", "better", "worse", "same"]
CHANGES: tuple[Change, ...] = ("fixed", "broken", "better", "worse", "same")
KINDS = (
    "missed", "spurious", "wrong type", "wrong boundary", "wrong type and boundary", "wrong relation", "right",
    "nothing to find", "no prediction", "no gold",
)  # fmt: skip
"""Kinds of mistakes, then what a sample without any is. A sample may have several of the first."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; gold is None where something was made up, predicted where something was not found.

    Both are None for relations: there the two labels of the pair say all.
    """

    kind: str
    gold: Entity | None = None
    predicted: Entity | None = None


def compare_entities(gold: Iterable[Entity], predicted: Iterable[Entity]) -> list[Mistake]:
    """Pair what was not predicted exactly with what was predicted instead.

    A gold entity is paired with at most one predicted one: first with one of its own tokens (wrong type), then with the
    one of its type that shares most tokens (wrong boundary), then with any that shares a token (wrong type and
    boundary). What is left of gold is missed, what is left of the predicted is spurious.

    >>> both = Entity("ORG", 0, 2), Entity("PER", 4, 5)
    >>> [row.kind for row in compare_entities(both, [Entity("ORG", 0, 1), Entity("LOC", 7, 8)])]
    ['wrong boundary', 'missed', 'spurious']
    """
    wanted, found = set(gold), set(predicted)
    left, others = sorted(wanted - found, key=_order), sorted(found - wanted, key=_order)
    mistakes: list[Mistake] = []
    for kind in ("wrong type", "wrong boundary", "wrong type and boundary"):
        for entity in list(left):
            near = [other for other in others if _kind_of_pair(entity, other) == kind]
            if near:
                best = max(near, key=lambda other: (_shared(entity, other), -other.start))
                mistakes.append(Mistake(kind, entity, best))
                left.remove(entity)
                others.remove(best)
    mistakes += [Mistake("missed", gold=entity) for entity in left]
    mistakes += [Mistake("spurious", predicted=entity) for entity in others]
    return sorted(mistakes, key=lambda row: _order(row.gold or row.predicted or Entity("", 0, 0)))


def compare_relations(gold: str, predicted: str) -> list[Mistake]:
    """Say what is wrong with the relation of a pair; the class None is no relation.

    >>> compare_relations("peer", "None")[0].kind, compare_relations("peer", "couple")[0].kind
    ('missed', 'wrong relation')
    """
    if gold == predicted:
        return []
    if predicted == NO_RELATION:
        return [Mistake("missed")]
    return [Mistake("spurious" if gold == NO_RELATION else "wrong relation")]


def kinds_of(mistakes: Sequence[Mistake], has_gold: bool) -> tuple[str, ...]:
    """Return the kinds of a sample's mistakes, or what it is without any.

    >>> kinds_of([], has_gold=True), kinds_of([], has_gold=False)
    (('right',), ('nothing to find',))
    """
    if not mistakes:
        return ("right",) if has_gold else ("nothing to find",)
    found = {row.kind for row in mistakes}
    return tuple(kind for kind in KINDS if kind in found)


def change_of(before: int, after: int) -> Change:
    """Compare the numbers of mistakes of a reference and of another system on a sample.

    >>> change_of(2, 0), change_of(0, 1), change_of(2, 1), change_of(1, 2), change_of(1, 1)
    ('fixed', 'broken', 'better', 'worse', 'same')
    """
    if before == after:
        return "same"
    if after < before:
        return "better" if after else "fixed"
    return "worse" if before else "broken"


def _order(entity: Entity) -> tuple[int, int, str]:
    return entity.start, entity.end, entity.type


def _shared(a: Entity, b: Entity) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


def _kind_of_pair(gold: Entity, predicted: Entity) -> str | None:
    if gold[1:] == predicted[1:]:
        return "wrong type"
    if _shared(gold, predicted) <= 0:
        return None
    return "wrong boundary" if gold.type == predicted.type else "wrong type and boundary"
