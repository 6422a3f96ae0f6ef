"""A directed grid of word pairs: blocks of entity types on the diagonal, blocks of relations from head to tail.

    "Ann married Bob": row = head, column = tail

              Ann     married  Bob
    Ann       per     .        couple
    married   .       .        .
    Bob       .       .        per

A cell that is empty has the number 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.dataset import NO_RELATION
from schemas.records import Entity, Relation, Span

__all__ = ["decode_joint", "encode_joint"]

Grid: TypeAlias = NDArray[np.int64]


def encode_joint(
    entities: Sequence[Entity], relations: Sequence[Relation], length: int, types: Sequence[str], names: Sequence[str]
) -> Grid:
    """Write entities and relations as a grid [T, T]; relations are written last, where two labels want a cell.

    Both triangles are used, so a relation keeps its direction. An entity fills its whole block: two that stand side by
    side are two, because the cells between them are not of their type.

    Args:
        entities: of a sentence.
        relations: between spans; those named None are no label.
        length: T, words.
        types: of entities; numbers from 1.
        names: of relations; numbers go on after the types.

    >>> ann, bob = Entity(0, 1, "per"), Entity(2, 3, "per")
    >>> encode_joint([ann, bob], [Relation(Span(0, 1), Span(2, 3), "couple")], 3, ["per"], ["couple"]).tolist()
    [[1, 0, 2], [0, 0, 0], [0, 0, 1]]
    """
    grid = np.zeros((length, length), dtype=np.int64)
    for entity in entities:
        grid[entity.start : entity.end, entity.start : entity.end] = types.index(entity.type) + 1
    for relation in relations:
        if relation.type != NO_RELATION and isinstance(relation.head, Span) and isinstance(relation.tail, Span):
            head, tail = slice(*relation.head), slice(*relation.tail)
            grid[head, tail] = len(types) + names.index(relation.type) + 1
    return grid


def decode_joint(
    grid: Grid, types: Sequence[str], names: Sequence[str]
) -> tuple[tuple[Entity, ...], tuple[Relation, ...]]:
    """Read entities and directed relations of a grid [T, T].

    An entity is a longest run of diagonal cells of one type whose neighbours are joined by that type. A relation is
    the most frequent one over the cells from one entity to another; of equally frequent ones, the first in order.

    >>> grid = np.array([[1, 0, 0], [0, 0, 0], [2, 0, 1]])
    >>> [tuple(row) for row in decode_joint(grid, ["per"], ["couple"])[1]]
    [(Span(start=2, end=3), Span(start=0, end=1), 'couple', None)]
    """
    entities = _entities(grid, types)
    relations = []
    for head in entities:
        for tail in entities:
            cells = grid[head.start : head.end, tail.start : tail.end]
            counts = Counter(int(value) for value in cells.ravel() if value > len(types))
            if head is not tail and counts:
                best = min(counts, key=lambda value: (-counts[value], value))
                spans = Span(head.start, head.end), Span(tail.start, tail.end)
                relations.append(Relation(*spans, names[best - len(types) - 1]))
    return entities, tuple(relations)


def _entities(grid: Grid, types: Sequence[str]) -> tuple[Entity, ...]:
    entities: list[Entity] = []
    start = 0
    for end in range(1, len(grid) + 1):
        kind = int(grid[start, start])
        if end < len(grid) and kind == grid[end, end] and kind in (grid[end - 1, end], grid[end, end - 1]):
            continue
        if 0 < kind <= len(types):
            entities.append(Entity(start, end, types[kind - 1]))
        start = end
    return tuple(entities)
