"""Right, predicted and gold, and what they make: precision, recall and F1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Counts", "Score"]


class Counts(NamedTuple):
    """How many records are right, how many were predicted, and how many gold has."""

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
