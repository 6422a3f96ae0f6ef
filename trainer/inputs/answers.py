"""What a system answers for a sample: its records, and its labels where it gives one for each state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from schemas.records import Box, Entity, Relation, Span
from trainer.metrics import Record

__all__ = [
    "Answer",
    "Doubt",
    "Grounding",
    "Labels",
    "answer_from_json",
    "answer_to_json",
    "doubt_of",
    "entity_to_json",
    "relation_to_json",
]

Labels: TypeAlias = tuple[str, ...]
"""The labels of a sample: one tag per token, or (relation,)."""


class Doubt(NamedTuple):
    """How sure a system is of the fine type of an entity.

    Args:
        entropy: of the probabilities of all fine types, in nats.
        types: the likeliest fine types and their probabilities, the likeliest first.
    """

    entropy: float
    types: tuple[tuple[str, float], ...]


class Grounding(NamedTuple):
    """What a system says of where the picture shows an entity, before it chooses.

    Args:
        boxes: of the K candidates that are there.
        probs: that each shows the entity [K][1]; or by type [K][C], from a head that says relations.
        types: the C types; () where none are said.
        shown: that the picture shows the entity at all; 1 where no classifier says it.
    """

    boxes: tuple[Box, ...] = ()
    probs: tuple[tuple[float, ...], ...] = ()
    types: tuple[str, ...] = ()
    shown: float = 1.0


class Answer(NamedTuple):
    """An answer for one sample.

    Args:
        records: entities and relations.
        labels: the tags or the relation that the records were read from; () from a head that answers in records.
        doubts: of each entity, in their order; () from a head that says none.
        groundings: of each entity, in their order; () from a head that says none.
    """

    records: tuple[Record, ...]
    labels: Labels = ()
    doubts: tuple[Doubt, ...] = ()
    groundings: tuple[Grounding, ...] = ()

    @property
    def entities(self) -> list[Entity]:
        """The entities among the records."""
        return [row for row in self.records if isinstance(row, Entity)]

    @property
    def relations(self) -> list[Relation]:
        """The relations among the records."""
        return [row for row in self.records if isinstance(row, Relation)]


def doubt_of(probabilities: Mapping[str, float], kept: int = 3) -> Doubt:
    """Return the doubt about probabilities by fine type, with the likeliest few of them.

    >>> doubt_of({"actor": 0.5, "author": 0.5, "coach": 0.0}, kept=2)
    Doubt(entropy=0.6931471805599453, types=(('actor', 0.5), ('author', 0.5)))
    """
    ranked = sorted(probabilities.items(), key=lambda pair: -pair[1])
    entropy = -sum(value * math.log(value) for _, value in ranked if value > 0)
    return Doubt(entropy, tuple(ranked[:kept]))


def entity_to_json(entity: Entity) -> dict[str, Any]:
    """Return an entity as JSON values; a fine type, boxes and a score stand there where it has them.

    >>> entity_to_json(Entity(0, 1, "PER", boxes=(Box(0, 0, 2, 1),)))
    {'start': 0, 'end': 1, 'type': 'PER', 'boxes': [[0, 0, 2, 1]]}
    """
    row: dict[str, Any] = {"start": entity.start, "end": entity.end, "type": entity.type}
    if entity.fine is not None:
        row["fine"] = entity.fine
    if entity.boxes:
        row["boxes"] = [list(box) for box in entity.boxes]
    return row if entity.score is None else {**row, "score": entity.score}


def relation_to_json(relation: Relation) -> dict[str, Any]:
    """Return a relation as JSON values: an end is [start, end] of tokens, or [x1, y1, x2, y2] of pixels.

    >>> relation_to_json(Relation(Span(0, 1), Span(2, 3), "couple"))
    {'head': [0, 1], 'tail': [2, 3], 'type': 'couple'}
    """
    row = {"head": list(relation.head), "tail": list(relation.tail), "type": relation.type}
    return row if relation.score is None else {**row, "score": relation.score}


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    values: dict[str, Any] = {
        "labels": list(answer.labels),
        "entities": [entity_to_json(row) for row in answer.entities],
        "relations": [relation_to_json(row) for row in answer.relations],
    }
    if answer.doubts:
        values["doubts"] = [[doubt.entropy, list(map(list, doubt.types))] for doubt in answer.doubts]
    if answer.groundings:
        values["groundings"] = [row._asdict() for row in answer.groundings]
    return values


def answer_from_json(values: Mapping[str, Any]) -> Answer:
    """Return the answer that `answer_to_json` wrote.

    >>> answer = Answer((Entity(0, 1, "PER", "actor", (Box(0, 0, 2, 1),)), Relation(Span(0, 1), Span(2, 3), "peer")))
    >>> answer_from_json(answer_to_json(answer)) == answer
    True
    >>> doubtful = answer._replace(doubts=(Doubt(0.6, (("actor", 0.7), ("author", 0.3))),))
    >>> answer_from_json(answer_to_json(doubtful)) == doubtful
    True
    >>> grounded = answer._replace(groundings=(Grounding((Box(0, 0, 2, 1),), ((0.5,),), (), 0.9),))
    >>> answer_from_json(answer_to_json(grounded)) == grounded
    True
    """
    entities = [
        Entity(
            row["start"],
            row["end"],
            row["type"],
            row.get("fine"),
            tuple(Box(*box) for box in row.get("boxes", ())),
            row.get("score"),
        )
        for row in values["entities"]
    ]
    relations = [
        Relation(_read_end(row["head"]), _read_end(row["tail"]), row["type"], row.get("score"))
        for row in values["relations"]
    ]
    doubts = [
        Doubt(entropy, tuple((name, value) for name, value in types)) for entropy, types in values.get("doubts", ())
    ]
    groundings = map(_read_grounding, values.get("groundings", ()))
    return Answer((*entities, *relations), tuple(values.get("labels", ())), tuple(doubts), tuple(groundings))


def _read_grounding(values: Mapping[str, Any]) -> Grounding:
    boxes, probs = tuple(Box(*box) for box in values["boxes"]), tuple(tuple(row) for row in values["probs"])
    return Grounding(boxes, probs, tuple(values["types"]), values["shown"])


def _read_end(values: list[float]) -> Span | Box:
    return Span(int(values[0]), int(values[1])) if len(values) == 2 else Box(*values)
