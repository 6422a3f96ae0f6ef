"""TIGER's text: `E is a C and a F, which is in the image [SSEP] E is a C and a F, which is not in the image`.

Source: NUSTM/FMNERG, data_utils.py. Without fine types `and a F` is left out, in a text without pictures `which ...`.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Entity, Relation, Sample, Span
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern, Slot
from trainer.model.formats.pattern_format import PatternFormat, Slots
from trainer.model.formats.settings import PhraseSettings
from trainer.model.formats.words import FormatLabels, label_words

__all__ = ["PhraseFormat"]

_SHOWN = {"yes": ", which is in the image", "no": ", which is not in the image"}


class PhraseFormat(PatternFormat):
    """Writes a clause for each entity.

    >>> sample = Sample("1", ("Donald", "Trump", "smiles"))
    >>> labels = FormatLabels(("person",), (("politician", "person"),))
    >>> PhraseFormat(labels, PhraseSettings()).write(sample, [Entity(0, 2, "person", "politician")])
    'Donald Trump is a person and a politician, which is not in the image'
    """

    def __init__(self, labels: FormatLabels, settings: PhraseSettings) -> None:
        self.has_fine = bool(labels.fine)
        slots: list[Slot] = [Copy("span"), " is a ", Choice("type", label_words(labels.types))]
        if labels.fine:
            fine = label_words(name for name, _ in labels.fine)
            parents = {name: kind for name, kind in labels.fine if kind}
            slots += [" and a ", Choice("fine", fine, parents, of="type")]
        if settings.has_regions:
            slots.append(Choice("shown", _SHOWN))
        self.pattern = Pattern(tuple(slots), between=" [SSEP] ")

    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:  # noqa: ARG002
        """Return the slots of entities, in the order of the text."""
        rows = sorted((row for row in records if isinstance(row, Entity)), key=lambda row: row[:2])
        return [
            {
                "span": Span(row.start, row.end),
                "type": row.type,
                "fine": row.fine or "",
                "shown": "yes" if row.boxes else "no",
            }
            for row in rows
        ]

    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:  # noqa: ARG002
        """Return the entity of a row."""
        span = row.filled["span"]
        assert isinstance(span, Span)
        fine = str(row.filled["fine"]) if self.has_fine else None
        return [Entity(span.start, span.end, str(row.filled["type"]), fine)]
