"""The grid that the records of a task make: W2NER's for entities alone, the joint one for entities with relations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.records import Entity, Relation
from trainer.schemes.joint_grid import decode_joint, encode_joint
from trainer.schemes.w2ner import Mention, decode_w2ner, encode_w2ner

__all__ = ["JointScheme", "RecordScheme", "W2nerScheme"]

Grid: TypeAlias = NDArray[np.int64]
Records: TypeAlias = tuple[tuple[Entity, ...], tuple[Relation, ...]]


class RecordScheme(ABC):
    """Entities and relations as a grid [T, T] of class numbers, and back; 0 is a cell without a label."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """How many classes a cell may have, the empty one among them."""

    @abstractmethod
    def encode(self, entities: Sequence[Entity], relations: Sequence[Relation], length: int) -> Grid:
        """Return the grid of the records of a sentence of so many words.

        Raises:
            ValueError: a type or a relation that the scheme does not know.
        """

    @abstractmethod
    def decode(self, grid: Grid) -> Records:
        """Return the entities and relations of any grid, entities in the order of their words."""


@dataclass(frozen=True)
class W2nerScheme(RecordScheme):
    """Entities alone, also within each other.

    A grid can also say mentions whose words do not stand side by side. A record cannot, so that these are left out.

    Args:
        types: of entities.

    >>> scheme = W2nerScheme(("LOC", "PER"))
    >>> grid = scheme.encode([Entity(0, 3, "PER"), Entity(2, 3, "LOC")], (), 3)
    >>> [row[:3] for row in scheme.decode(grid)[0]]
    [(0, 3, 'PER'), (2, 3, 'LOC')]
    """

    types: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Empty, NEXT, and the types."""
        return 2 + len(self.types)

    def encode(self, entities: Sequence[Entity], relations: Sequence[Relation], length: int) -> Grid:  # noqa: ARG002
        """Return the grid of the entities."""
        return encode_w2ner(((tuple(range(row.start, row.end)), row.type) for row in entities), length, self.types)

    def decode(self, grid: Grid) -> Records:
        """Return the entities, each once."""
        return tuple(sorted(_to_entity(row) for row in decode_w2ner(grid, self.types) if _is_whole(row))), ()


def _is_whole(mention: Mention) -> bool:
    words, _ = mention
    return words[-1] - words[0] + 1 == len(words)


def _to_entity(mention: Mention) -> Entity:
    words, kind = mention
    return Entity(words[0], words[-1] + 1, kind)


@dataclass(frozen=True)
class JointScheme(RecordScheme):
    """Entities that do not overlap, and directed relations between them.

    Args:
        types: of entities.
        relations: their names.
    """

    types: tuple[str, ...]
    relations: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Empty, the types, and the relations."""
        return 1 + len(self.types) + len(self.relations)

    def encode(self, entities: Sequence[Entity], relations: Sequence[Relation], length: int) -> Grid:
        """Return the grid of the records."""
        return encode_joint(entities, relations, length, self.types, self.relations)

    def decode(self, grid: Grid) -> Records:
        """Return the records."""
        return decode_joint(grid, self.types, self.relations)
