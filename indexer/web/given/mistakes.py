"""Mistakes of a prediction beside gold, by kind, and whether another system makes fewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.boxes import is_same_region
from schemas.dataset import NO_RELATION
from schemas.records import Box, Entity, Relation, Span

__all__ = [
    "CHANGES",
    "KINDS",
    "Change",
    "Mistake",
    "change_of",
    "compare_entities",
    "compare_facts",
    "compare_relations",
    "kinds_of",
]

Change = Literal["fixed", "broken", "better", "worse", "same"]
CHANGES: tuple[Change, ...] = ("fixed", "broken", "better", "worse", "same")
KINDS = (
    "missed", "spurious", "wrong type", "wrong boundary", "wrong type and boundary", "wrong fine type", "wrong region",
    "wrong relation", "right", "nothing to find", "no prediction", "no gold",
)  # fmt: skip
"""Eight kinds of mistakes, of which a sample may have several; then four kinds of samples without any."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; gold is None for something spurious, predicted is None for something missed.

    Both are None for the relation of a pair, of which a sample has only one in gold and one predicted.
    """

    kind: str
    gold: Entity | Relation | None = None
    predicted: Entity | Relation | None = None


def compare_entities(
    gold: Iterable[Entity], predicted: Iterable[Entity], *, has_fine: bool = False, has_regions: bool = False
) -> list[Mistake]:
    """Pair each gold entity that was not predicted exactly with the entity that was predicted instead.

    A gold entity is paired with at most one predicted entity: first with one of the same tokens (wrong type), then with
    the one of its type that shares most tokens (wrong boundary), then with any that shares a token (wrong type and
    boundary). Gold entities without a partner are missed, predicted ones without a partner are spurious. Of those that
    are right in tokens and type, fine type and region are compared.

    Args:
        gold: entities.
        predicted: entities.
        has_fine: whether the system predicts fine types.
        has_regions: whether it predicts regions.

    >>> both = Entity(0, 2, "ORG"), Entity(4, 5, "PER")
    >>> [row.kind for row in compare_entities(both, [Entity(0, 1, "ORG"), Entity(7, 8, "LOC")])]
    ['wrong boundary', 'missed', 'spurious']
    """
    in_gold, in_prediction = ({row[:3]: row for row in rows} for rows in (gold, predicted))
    missed = sorted((row for key, row in in_gold.items() if key not in in_prediction), key=_order)
    spurious = sorted((row for key, row in in_prediction.items() if key not in in_gold), key=_order)
    mistakes: list[Mistake] = []
    for key in in_gold.keys() & in_prediction.keys():
        pair = in_gold[key], in_prediction[key]
        if has_fine and pair[0].fine is not None and pair[0].fine != pair[1].fine:
            mistakes.append(Mistake("wrong fine type", *pair))
        if has_regions and not is_same_region(pair[0].boxes, pair[1].boxes):
            mistakes.append(Mistake("wrong region", *pair))
    # Kind by kind over all entities, not entity by entity: pairs of the same tokens are made before any other pair.
    for kind in ("wrong type", "wrong boundary", "wrong type and boundary"):
        for entity in list(missed):
            candidates = [other for other in spurious if _kind_of_pair(entity, other) == kind]
            if candidates:
                best = max(candidates, key=lambda other: (_shared_tokens(entity, other), -other.start))
                mistakes.append(Mistake(kind, entity, best))
                missed.remove(entity)
                spurious.remove(best)
    mistakes += [Mistake("missed", gold=entity) for entity in missed]
    mistakes += [Mistake("spurious", predicted=entity) for entity in spurious]
    return sorted(mistakes, key=_position)


def compare_facts(gold: Sequence[Relation], predicted: Sequence[Relation]) -> list[Mistake]:
    """Compare relations between spans or boxes: the same ends with another type are a wrong relation.

    Ends that are boxes are the same where they overlap by half.

    >>> a, b = Span(0, 1), Span(2, 3)
    >>> found = compare_facts([Relation(a, b, "peer")], [Relation(a, b, "couple"), Relation(b, a, "peer")])
    >>> [row.kind for row in found]
    ['wrong relation', 'spurious']
    """
    missed, spurious = list(gold), list(predicted)
    mistakes = []
    for is_wrong in (False, True):  # what is right first, so that it cannot be the partner of something wrong
        for fact in list(missed):
            fits = (row for row in spurious if _has_same_ends(fact, row) and (is_wrong or fact.type == row.type))
            other = next(fits, None)
            if other is not None:
                missed.remove(fact)
                spurious.remove(other)
                mistakes += [Mistake("wrong relation", fact, other)] if is_wrong else []
    mistakes += [Mistake("missed", gold=fact) for fact in missed]
    return mistakes + [Mistake("spurious", predicted=fact) for fact in spurious]


def compare_relations(gold: str, predicted: str) -> list[Mistake]:
    """Compare the relation of a pair of entities with gold; the class None means no relation.

    >>> compare_relations("peer", "None")[0].kind, compare_relations("peer", "couple")[0].kind
    ('missed', 'wrong relation')
    """
    if gold == predicted:
        return []
    if predicted == NO_RELATION:
        return [Mistake("missed")]
    return [Mistake("spurious" if gold == NO_RELATION else "wrong relation")]


def kinds_of(mistakes: Sequence[Mistake], has_gold: bool) -> tuple[str, ...]:
    """Return the kinds of a sample's mistakes; without any, whether there was something to find.

    >>> kinds_of([], has_gold=True), kinds_of([], has_gold=False)
    (('right',), ('nothing to find',))
    """
    if not mistakes:
        return ("right",) if has_gold else ("nothing to find",)
    found = {row.kind for row in mistakes}
    return tuple(kind for kind in KINDS if kind in found)


def change_of(before: int, after: int) -> Change:
    """Compare the numbers of mistakes on a sample: of a reference (before) and of another system (after).

    >>> change_of(2, 0), change_of(0, 1), change_of(2, 1), change_of(1, 2), change_of(1, 1)
    ('fixed', 'broken', 'better', 'worse', 'same')
    """
    if before == after:
        return "same"
    if after < before:
        return "better" if after else "fixed"
    return "worse" if before else "broken"


def _has_same_ends(a: Relation, b: Relation) -> bool:
    return all(_is_same_end(*ends) for ends in ((a.head, b.head), (a.tail, b.tail)))


def _is_same_end(a: Span | Box, b: Span | Box) -> bool:
    if isinstance(a, Box) and isinstance(b, Box):
        return is_same_region((a,), (b,))
    return a == b


def _position(mistake: Mistake) -> tuple[int, int, str]:
    entity = mistake.gold or mistake.predicted
    return _order(entity) if isinstance(entity, Entity) else (0, 0, "")


def _order(entity: Entity) -> tuple[int, int, str]:
    return entity.start, entity.end, entity.type


def _shared_tokens(a: Entity, b: Entity) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


def _kind_of_pair(gold: Entity, predicted: Entity) -> str | None:
    if (gold.start, gold.end) == (predicted.start, predicted.end):
        return "wrong type"
    if _shared_tokens(gold, predicted) <= 0:
        return None
    return "wrong boundary" if gold.type == predicted.type else "wrong type and boundary"
