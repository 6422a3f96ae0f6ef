"""Entities in a sequence of tags: where each begins and ends, by the two conventions of the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from schemas.records import Entity

__all__ = ["Convention", "find_entities"]

Convention = Literal["default", "strict"]


def find_entities(tags: Sequence[str], convention: Convention = "default") -> list[Entity]:
    """Find the entities of a BIO or BIOES sequence.

    Args:
        tags: `O`, `B-PER`, ...
        convention: "default" is that of conlleval and of seqeval, which papers report: an I- without a beginning
            starts an entity. "strict" is IOB2 as written: such an I- is no entity, and an entity goes on only
            through I- of its own type.

    Source: seqeval 1.2.2, `get_entities` and `scheme=IOB2, mode='strict'`; S and E tags are read as in IOBES by the
    default convention, and as no entity by the strict one.

    >>> [entity[:3] for entity in find_entities(["I-PER", "O", "B-LOC", "I-LOC"])]
    [(0, 1, 'PER'), (2, 4, 'LOC')]
    >>> [entity[:3] for entity in find_entities(["I-PER", "O", "B-LOC", "I-LOC"], "strict")]
    [(2, 4, 'LOC')]
    """
    entities: list[Entity] = []
    open_type, start, last = "", 0, "O"
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, kind = tag.partition("-")
        goes_on = bool(open_type) and prefix in _INSIDE[convention] and kind == open_type and last not in ("E", "S")
        if not goes_on:
            if open_type:
                entities.append(Entity(start, position, open_type))
            open_type, start = (kind, position) if prefix in _BEGINNING[convention] else ("", position)
        last = prefix
    return entities


_INSIDE = {"default": ("I", "E"), "strict": ("I",)}
_BEGINNING = {"default": ("B", "I", "E", "S"), "strict": ("B",)}
