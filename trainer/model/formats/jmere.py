"""The text of joint extraction: a sentence for each relation of two typed entities.

    The relation between A (person) and B (location) is "place of residence"; ...

Source: S-ummer/JMERE, the form of its answers. There both directions of a pair are accepted; here a relation has one.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Entity, Relation, Sample, Span
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern
from trainer.model.formats.pattern_format import PatternFormat, Slots
from trainer.model.formats.settings import JmereSettings
from trainer.model.formats.umie import given_relations, relation_slots
from trainer.model.formats.words import FormatLabels, label_words

__all__ = ["JmereFormat"]


class JmereFormat(PatternFormat):
    """Writes relations with the types of their ends; an entity without a relation is not said.

    >>> labels = FormatLabels(("loc", "per"), relations=("place_of_residence",))
    >>> rows = [Entity(0, 1, "per"), Entity(1, 2, "loc"), Relation(Span(0, 1), Span(1, 2), "place_of_residence")]
    >>> JmereFormat(labels, JmereSettings()).write(Sample("1", ("Ann", "Rome")), rows)
    'The relation between Ann (person) and Rome (location) is "place of residence"'
    """

    def __init__(self, labels: FormatLabels, settings: JmereSettings) -> None:  # noqa: ARG002 - as all formats
        types, relations = label_words(labels.types), label_words(labels.relations)
        self.pattern = Pattern(
            (
                "The relation between ", Copy("head"), " (", Choice("head_type", types), ") and ", Copy("tail"),
                " (", Choice("tail_type", types), ') is "', Choice("relation", relations), '"',
            ),
            between="; ",
            is_ordered=False,
        )  # fmt: skip

    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:
        """Return the slots of relations whose ends have types."""
        types = {Span(row.start, row.end): row.type for row in records if isinstance(row, Entity)}
        rows: list[Filled] = []
        for row in given_relations(sample, records):
            slots = relation_slots(row)
            if slots["head"] in types and slots["tail"] in types:
                kinds = {f"{end}_type": types[slots[end]] for end in ("head", "tail")}  # type: ignore[index]
                rows.append({**slots, **kinds})
        return rows

    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:  # noqa: ARG002
        """Return both entities of a row, and their relation."""
        filled = row.filled
        head, tail = filled["head"], filled["tail"]
        assert isinstance(head, Span) and isinstance(tail, Span)
        entities = [Entity(*head, str(filled["head_type"])), Entity(*tail, str(filled["tail_type"]))]
        return [*entities, Relation(head, tail, str(filled["relation"]))]
