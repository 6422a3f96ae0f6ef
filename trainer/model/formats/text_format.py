"""What a text format is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemas.records import Entity, Relation, Sample

__all__ = ["Format"]


class Format(Protocol):
    """Writes the records of a sample as the text that a model learns to generate, and reads such text."""

    def write(self, sample: Sample, records: Sequence[Entity | Relation]) -> str:
        """Return the text of records."""

    def read(self, text: str, sample: Sample) -> tuple[list[Entity | Relation], list[str]]:
        """Return the records of a generated text, and its faults. A text that makes no sense has faults: no error."""
