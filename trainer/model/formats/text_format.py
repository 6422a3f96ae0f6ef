"""What a text format is: how records become a text that a model learns to generate, and how such a text is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from schemas.records import Entity, Relation, Sample

__all__ = ["FAULTS", "Answer", "Format"]

FAULTS = (
    "malformed", "not in the text", "unknown label", "repeated", "another pair", "unfinished", "too long",
    "no such region", "region of no entity", "gap in a span",
)  # fmt: skip
"""What can be wrong with a part of an answer. A part with a fault gives no record, and takes nothing from the others,
but for a region that does not exist: its entity stays, without a region."""


class Answer(NamedTuple):
    """What a text says.

    Args:
        records: in the order of the text; all their spans lie inside the sample.
        faults: each one of FAULTS, as often as it was found.
        regions: for each record, where the text says that the picture shows it (an offset in the text, or the number of
            a symbol); None where it does not say so.
    """

    records: tuple[Entity | Relation, ...] = ()
    faults: tuple[str, ...] = ()
    regions: tuple[int | None, ...] = ()


class Format(ABC):
    """Writes the records of a sample as the text that a model learns to generate, and reads such text."""

    @abstractmethod
    def project(self, sample: Sample, records: Sequence[Entity | Relation]) -> tuple[Entity | Relation, ...]:
        """Return what the format can say of records, in the order in which it says it."""

    @abstractmethod
    def write(self, sample: Sample, records: Sequence[Entity | Relation]) -> str:
        """Return the text of records."""

    @abstractmethod
    def read(self, text: str, sample: Sample) -> Answer:
        """Return the records of a generated text, and its faults. A text that makes no sense has faults: no error."""
