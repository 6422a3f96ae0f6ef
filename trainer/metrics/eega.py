"""EEGA's counting of joint extraction: facts read from an undirected grid, each relation counted in both directions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from schemas.dataset import NO_RELATION
from schemas.records import Entity, Relation, Span
from trainer.metrics.counts import Counts, Score
from trainer.metrics.joint import Fact

__all__ = ["EegaGrid", "decode_eega", "eega_facts", "encode_eega", "score_eega"]

EegaGrid = list[list[str]]
"""[T][T] labels of word pairs, "" for none; only the upper triangle is written."""


def encode_eega(entities: Sequence[Entity], relations: Sequence[Relation], length: int) -> EegaGrid:
    """Write entities and relations as EEGA does: all in the upper triangle, so that the direction is lost.

    An entity fills the upper triangle of its block with `type:NAME`. Then each relation in turn has its two entities
    written again and the cells of their spans filled with its name: what comes later covers what was there.

    Source: YuanLi95/EEGA-for-JMERE, utils/data.py.

    >>> encode_eega([Entity(0, 1, "per")], [], 1)
    [['type:per']]
    """
    grid = [[""] * length for _ in range(length)]
    by_span: dict[Span, list[Entity]] = {}
    for entity in entities:
        by_span.setdefault(Span(entity.start, entity.end), []).append(entity)
        _write_entity(grid, entity)
    for relation in relations:
        if relation.type == NO_RELATION or not isinstance(relation.head, Span) or not isinstance(relation.tail, Span):
            continue
        for end in (relation.head, relation.tail):
            for entity in by_span.get(end, ()):
                _write_entity(grid, entity)
        for i in range(*relation.head):
            for j in range(*relation.tail):
                grid[min(i, j)][max(i, j)] = relation.type
    return grid


def _write_entity(grid: EegaGrid, entity: Entity) -> None:
    for i in range(entity.start, entity.end):
        grid[i][i : entity.end] = [f"type:{entity.type}"] * (entity.end - i)


def decode_eega(grid: EegaGrid, order: Sequence[str]) -> tuple[list[Entity], set[Fact]]:
    """Read entities and facts of a grid.

    An entity is a longest run of diagonal cells with any type, and has the type of its first cell: entities side by
    side become one. A fact is the most frequent relation over the cells between two entities, in both directions.

    Args:
        grid: [T][T] labels.
        order: of the relations; of two that are equally frequent the first one is taken.

    Source: YuanLi95/EEGA-for-JMERE, utils/utils.py.
    """
    entities: list[Entity] = []
    start: int | None = None
    for position in range(len(grid) + 1):
        is_inside = position < len(grid) and grid[position][position].startswith("type:")
        if is_inside and start is None:
            start = position
        elif not is_inside and start is not None:
            entities.append(Entity(start, position, grid[start][start].removeprefix("type:")))
            start = None
    facts: set[Fact] = set()
    ranks = {name: number for number, name in enumerate(order)}
    for one in entities:
        for other in entities:
            cells = [grid[min(i, j)][max(i, j)] for i in range(*one[:2]) for j in range(*other[:2])]
            counts = Counter(cell for cell in cells if cell in ranks)
            if one is not other and counts:
                best = min(counts, key=lambda name: (-counts[name], ranks[name]))
                facts.add((Span(*one[:2]), one.type, Span(*other[:2]), other.type, best))
    return entities, facts


def eega_facts(
    entities: Sequence[Entity], relations: Sequence[Relation], length: int, order: Sequence[str]
) -> tuple[list[Entity], set[Fact]]:
    """Return what is left of entities and relations in EEGA's grid: gold goes through it too."""
    return decode_eega(encode_eega(entities, relations, length), order)


def score_eega(
    gold: Sequence[tuple[Sequence[Entity], Sequence[Relation]]],
    predicted: Sequence[tuple[Sequence[Entity], Sequence[Relation]]],
    lengths: Sequence[int],
    order: Sequence[str],
) -> dict[str, Score]:
    """Score joint extraction as EEGA does: undirected, each relation twice, gold through the grid as well.

    Args:
        gold: entities and relations of each of N samples.
        predicted: of the same samples.
        lengths: tokens of each sample.
        order: of the relations.

    Raises:
        ValueError: another number of samples.

    >>> sample = ([Entity(0, 1, "per"), Entity(2, 3, "per")], [Relation(Span(0, 1), Span(2, 3), "parent")])
    >>> turned = (sample[0], [Relation(Span(2, 3), Span(0, 1), "parent")])
    >>> score = score_eega([sample], [turned], [3], ["parent"])["JMERE"]
    >>> score.f1, score.counts.gold
    (1.0, 2)
    """
    facts, entities = Counts(), Counts()
    for g, p, length in zip(gold, predicted, lengths, strict=True):
        (g_rows, g_facts), (p_rows, p_facts) = (eega_facts(*side, length, order) for side in (g, p))
        facts = facts.plus(Counts(len(g_facts & p_facts), len(p_facts), len(g_facts)))
        entities = entities.plus(Counts(len(set(g_rows) & set(p_rows)), len(p_rows), len(g_rows)))
    return {"JMERE": Score.of(facts), "MNER": Score.of(entities)}
