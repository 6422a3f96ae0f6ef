"""The scores of entities with relations: facts of two typed spans and a directed relation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from schemas.dataset import NO_RELATION
from schemas.records import Box, Entity, Relation, Span
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import score_records

__all__ = ["Fact", "facts_of", "score_joint"]

Fact = tuple[Span, str, Span, str, str]
"""Head, its type, tail, its type, relation."""


def facts_of(entities: Sequence[Entity], relations: Sequence[Relation]) -> set[Fact]:
    """Return the facts of a sample; a relation whose end is no entity has "" for the type of that end.

    >>> facts_of([Entity(0, 1, "per"), Entity(2, 3, "loc")], [Relation(Span(0, 1), Span(2, 3), "place_of_birth")])
    {(Span(start=0, end=1), 'per', Span(start=2, end=3), 'loc', 'place_of_birth')}

    Raises:
        ValueError: an end is a box, which has no type.
    """
    types: dict[Span, list[str]] = {}
    for row in entities:
        types.setdefault(Span(row.start, row.end), []).append(row.type)
    facts: set[Fact] = set()
    for relation in relations:
        head, tail = relation.head, relation.tail
        if isinstance(head, Box) or isinstance(tail, Box):
            raise ValueError("an end of a relation is a box: score relations as records")
        if relation.type != NO_RELATION:
            pairs = product(types.get(head, [""]), types.get(tail, [""]))
            facts |= {(head, a, tail, b, relation.type) for a, b in pairs}
    return facts


def score_joint(
    gold: Sequence[tuple[Sequence[Entity], Sequence[Relation]]],
    predicted: Sequence[tuple[Sequence[Entity], Sequence[Relation]]],
) -> dict[str, Score]:
    """Score joint extraction: JMERE (both spans, both types, the directed relation), its entities, its pairs.

    Args:
        gold: entities and relations of each of N samples.
        predicted: of the same samples.

    Source: the quintuples of Yuan et al., AAAI 2023; directed, each relation counted once.

    Raises:
        ValueError: another number of samples.

    >>> sample = ([Entity(0, 1, "per"), Entity(2, 3, "per")], [Relation(Span(0, 1), Span(2, 3), "parent")])
    >>> turned = (sample[0], [Relation(Span(2, 3), Span(0, 1), "parent")])
    >>> {name: score.f1 for name, score in score_joint([sample], [turned]).items()}
    {'JMERE': 0.0, 'entities': 1.0, 'relations': 0.0, 'pairs': 0.0}
    """
    if len(gold) != len(predicted):
        raise ValueError(f"records of {len(gold)} gold samples, of {len(predicted)} predicted")
    total, by_class = Counts(), dict[str, Counts]()
    for g, p in zip(gold, predicted, strict=True):
        facts = facts_of(*g), facts_of(*p)
        total = total.plus(_count(*facts))
        for name in {fact[4] for part in facts for fact in part}:
            gold_part, part = ({fact for fact in side if fact[4] == name} for side in facts)
            by_class[name] = by_class.get(name, Counts()).plus(_count(gold_part, part))
    g_relations, p_relations = ([_real(row[1]) for row in side] for side in (gold, predicted))
    return {
        "JMERE": Score.of(total, by_class),
        "entities": score_records([row[0] for row in gold], [row[0] for row in predicted]),
        "relations": score_records(g_relations, p_relations),
        "pairs": score_records(g_relations, p_relations, "span"),
    }


def _real(relations: Sequence[Relation]) -> list[Relation]:
    return [row for row in relations if row.type != NO_RELATION]


def _count(gold: set[Fact], predicted: set[Fact]) -> Counts:
    return Counts(len(gold & predicted), len(predicted), len(gold))
