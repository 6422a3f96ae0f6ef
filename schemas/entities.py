"""Entities in a sequence of tags: where each begins and ends, by the two conventions of the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = ["Convention", "Entity", "find_entities"]

Convention = Literal["default", "strict"]


class Entity(NamedTuple):
    """Tokens start up to end are an entity of a type."""

    type: str
    start: int
    end: int


def find_entities(tags: Sequence[str], convention: Convention = "default") -> list[Entity]:
    """Find the entities of a BIO or BIOES sequence.

    Args:
        tags: `O`, `B-PER`, ...
        convention: "default" is that of conlleval and of seqeval, which papers report: an I- without a beginning
            starts an entity. "strict" is IOB2 as written: such an I- is no entity, and an entity goes on only
            through I- of its own type.

    Source: seqeval 1.2.2, `get_entities` and `scheme=IOB2, mode='strict'`; S and E tags are read as in IOBES by the
    default convention, and as no entity by the strict one.

    >>> find_entities(["I-PER", "O", "B-LOC", "I-LOC"])
    [Entity(type='PER', start=0, end=1), Entity(type='LOC', start=2, end=4)]
    >>> find_entities(["I-PER", "O", "B-LOC", "I-LOC"], "strict")
    [Entity(type='LOC', start=2, end=4)]
    """
    entities: list[Entity] = []
    open_type, start, last = "", 0, "O"
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, kind = tag.partition("-")
        goes_on = bool(open_type) and prefix in _INSIDE[convention] and kind == open_type and last not in ("E", "S")
        if not goes_on:
            if open_type:
                entities.append(Entity(open_type, start, position))
            open_type, start = (kind, position) if prefix in _BEGINNING[convention] else ("", position)
        last = prefix
    return entities


_INSIDE = {"default": ("I", "E"), "strict": ("I",)}
_BEGINNING = {"default": ("B", "I", "E", "S"), "strict": ("B",)}
