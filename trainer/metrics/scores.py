"""How good are tags and relations: entity F1 by two conventions, relation F1 without None, by class and group.

Pure functions on lists of tags; scores are counted per sample, so that any group of samples can be scored.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.dataset import NO_RELATION
from schemas.entities import Convention, Entity, find_entities

__all__ = [
    "Convention",
    "Counts",
    "Entity",
    "Score",
    "entity_counts",
    "find_entities",
    "relation_counts",
    "score_entities",
    "score_groups",
    "score_relations",
    "score_seen_unseen",
    "surface_forms",
]

Tags = Sequence[str]


class Counts(NamedTuple):
    """What precision and recall are made of: right, predicted, gold."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add two counts."""
        return Counts(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold)


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 in [0, 1] (0 where undefined), overall (micro), their macro F1, and by class."""

    counts: Counts
    precision: float
    recall: float
    f1: float
    macro_f1: float
    by_class: dict[str, Score]

    @classmethod
    def of(cls, counts: Counts, by_class: Mapping[str, Counts] | None = None) -> Score:
        """Turn counts into a score.

        >>> Score.of(Counts(right=1, predicted=2, gold=4)).f1
        0.3333333333333333
        """
        classes = {name: cls.of(part) for name, part in sorted((by_class or {}).items())}
        precision = counts.right / counts.predicted if counts.predicted else 0.0
        recall = counts.right / counts.gold if counts.gold else 0.0
        f1 = 2 * counts.right / (counts.predicted + counts.gold) if counts.predicted + counts.gold else 0.0
        macro = sum(part.f1 for part in classes.values()) / len(classes) if classes else f1
        return cls(counts, precision, recall, f1, macro, classes)


def entity_counts(gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention = "default") -> list[Counts]:
    """Count per sample: [N] gold tag sequences beside [N] predicted ones."""
    return [Counts(len(g & p), len(p), len(g)) for g, p in _entity_sets(gold, predicted, convention)]


def score_entities(gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention = "default") -> Score:
    """Score entities exactly (type and boundaries), overall and by type.

    Raises:
        ValueError: a number of sequences or of tags differs.

    >>> score_entities([["B-PER", "I-PER", "O"]], [["B-PER", "I-PER", "B-LOC"]]).precision
    0.5
    """
    by_class: dict[str, Counts] = {}
    for g, p in _entity_sets(gold, predicted, convention):
        for kind in {entity.type for entity in g | p}:
            part = Counts(*(sum(entity.type == kind for entity in part) for part in (g & p, p, g)))
            by_class[kind] = by_class.get(kind, Counts()).plus(part)
    return Score.of(_total(by_class.values()), by_class)


def surface_forms(
    tokens: Iterable[Sequence[str]], tags: Iterable[Tags], convention: Convention = "default"
) -> set[str]:
    """Collect the surface forms of a training set's entities, in lower case, parted by one space."""
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
    """Score entities by whether their surface form stands in known (of `surface_forms`): "seen" and "unseen".

    Gold and predicted entities are sorted by their own surface form, so the two groups add up to the whole.
    """
    groups: dict[str, Counts] = {"seen": Counts(), "unseen": Counts()}
    for sentence, (g, p) in zip(tokens, _entity_sets(gold, predicted, convention), strict=True):
        for name in groups:
            wanted = name == "seen"
            parts = [sum((_surface(sentence, e) in known) == wanted for e in part) for part in (g & p, p, g)]
            groups[name] = groups[name].plus(Counts(*parts))
    return {name: Score.of(counts) for name, counts in groups.items()}


def relation_counts(gold: Sequence[str], predicted: Sequence[str]) -> list[Counts]:
    """Count per sample; the class None is no relation and never right."""
    return [
        Counts(int(g == p != NO_RELATION), int(p != NO_RELATION), int(g != NO_RELATION))
        for g, p in zip(gold, predicted, strict=True)
    ]


def score_relations(gold: Sequence[str], predicted: Sequence[str]) -> Score:
    """Micro precision, recall and F1 over all relations but None, and by relation.

    >>> score_relations(["None", "peer", "peer"], ["peer", "peer", "None"]).f1
    0.5
    """
    by_class: dict[str, Counts] = {}
    for name in (set(gold) | set(predicted)) - {NO_RELATION}:
        rows = [
            Counts(int(g == p == name), int(p == name), int(g == name)) for g, p in zip(gold, predicted, strict=True)
        ]
        by_class[name] = _total(rows)
    return Score.of(_total(relation_counts(gold, predicted)), by_class)


def score_groups(groups: Sequence[Hashable], counts: Sequence[Counts]) -> dict[str, Score]:
    """Score the samples of each group by itself, for instance those with and without an image.

    >>> score_groups(["image", "none"], [Counts(1, 1, 1), Counts(0, 1, 1)])["none"].f1
    0.0
    """
    totals: dict[str, Counts] = {}
    for group, part in zip(groups, counts, strict=True):
        totals[str(group)] = totals.get(str(group), Counts()).plus(part)
    return {name: Score.of(total) for name, total in sorted(totals.items())}


def _entity_sets(
    gold: Sequence[Tags], predicted: Sequence[Tags], convention: Convention
) -> Iterable[tuple[set[Entity], set[Entity]]]:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sequences, {len(predicted)} predicted")
    for number, (g, p) in enumerate(zip(gold, predicted, strict=True), start=1):
        if len(g) != len(p):
            raise ValueError(f"sequence {number}: {len(g)} gold tags, {len(p)} predicted")
        yield set(find_entities(g, convention)), set(find_entities(p, convention))


def _surface(tokens: Sequence[str], entity: Entity) -> str:
    return " ".join(tokens[entity.start : entity.end]).lower()


def _total(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        total = total.plus(part)
    return total
