"""UMIE's two texts: the one that its description shows, and the nested brackets that its code trains.

    person, Messi <spot> location, New York            HEAD <spot> couple <spot> TAIL
    (( (person: Messi) (location: New York) ))         the same as UIE writes it, with <extra_id_0> ... for brackets

Source: ZUCC-AI/UMIE, README and src/extraction/utils.py. How the description joins several records is not shown there:
here by `<spot>` for entities and `<asoc>` for relations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.records import Entity, Relation, Sample, Span
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern
from trainer.model.formats.pattern_format import Part, PatternFormat, Slots
from trainer.model.formats.settings import SelSettings, UmieSettings
from trainer.model.formats.words import FormatLabels, label_words

__all__ = ["SelFormat", "TypedFormat", "UmieFormat", "given_relations"]

_OPEN, _CLOSE, _SPAN, _NULL = "<extra_id_0>", "<extra_id_1>", "<extra_id_5>", "<extra_id_6>"
_BRACKET = re.compile(rf"{_OPEN}|{_CLOSE}")


def given_relations(sample: Sample, records: Sequence[Entity | Relation]) -> list[Relation]:
    """Return the relations whose ends are both in the text; of a sample of one pair, those of the pair."""
    rows = [row for row in records if isinstance(row, Relation) and isinstance(row.head, Span)]
    rows = [row for row in rows if isinstance(row.tail, Span)]
    if sample.head is None or sample.tail is None:
        return rows
    return [row for row in rows if (row.head, row.tail) == (sample.head, sample.tail)][:1]


class TypedFormat(PatternFormat):
    """Entities as a type and a span, or relations as head, relation and tail."""

    content: str

    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:
        """Return the slots of entities in the order of the text, or of relations as they come."""
        if self.content == "relations":
            return [relation_slots(row) for row in given_relations(sample, records)]
        rows = sorted((row for row in records if isinstance(row, Entity)), key=lambda row: row[:2])
        return [
            {"span": Span(row.start, row.end), "type": row.type, "shown": "yes" if row.boxes else "no"} for row in rows
        ]

    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:  # noqa: ARG002
        """Return the entity or the relation of a row."""
        filled = row.filled
        if self.content == "relations":
            head, tail = filled["head"], filled["tail"]
            assert isinstance(head, Span) and isinstance(tail, Span)
            return [Relation(head, tail, str(filled["relation"]))]
        span = filled["span"]
        assert isinstance(span, Span)
        return [Entity(span.start, span.end, str(filled["type"]))]


def relation_slots(row: Relation) -> dict[str, Span | str]:
    """Return head, tail and relation as slots."""
    assert isinstance(row.head, Span) and isinstance(row.tail, Span)
    return {"head": row.head, "tail": row.tail, "relation": row.type}


class UmieFormat(TypedFormat):
    """The text of the description.

    >>> labels = FormatLabels(("PER",), relations=("couple",))
    >>> UmieFormat(labels, UmieSettings()).write(Sample("1", ("Hi", "Messi")), [Entity(1, 2, "PER")])
    'person, Messi'
    """

    def __init__(self, labels: FormatLabels, settings: UmieSettings) -> None:
        self.content = settings.content
        if settings.content == "relations":
            relation = Choice("relation", label_words(labels.relations))
            slots = (Copy("head"), " <spot> ", relation, " <spot> ", Copy("tail"))
            self.pattern = Pattern(slots, between=" <asoc> ", is_ordered=False)
        else:
            self.pattern = Pattern((Choice("type", label_words(labels.types)), ", ", Copy("span")), between=" <spot> ")


class SelFormat(TypedFormat):
    """The nested brackets of the code. A label beside UIE's word for "no span" is not a fault: the post has none of it.

    >>> labels = FormatLabels(("PER",))
    >>> SelFormat(labels, SelSettings()).write(Sample("1", ("Hi", "Messi")), [Entity(1, 2, "PER")])
    '<extra_id_0> <extra_id_0> person <extra_id_5> Messi <extra_id_1> <extra_id_1>'
    """

    def __init__(self, labels: FormatLabels, settings: SelSettings) -> None:
        self.content = settings.content
        if settings.content == "relations":
            relation = Choice("relation", label_words(labels.relations))
            inner = (f"{_OPEN} ", Copy("head"), f" {_OPEN} ", relation, f" {_SPAN} ", Copy("tail"))
            self.pattern = Pattern((*inner, f" {_CLOSE} {_CLOSE}"), " ", f"{_OPEN} ", f" {_CLOSE}", is_ordered=False)
        else:
            kind = Choice("type", label_words(labels.types))
            slots = (f"{_OPEN} ", kind, f" {_SPAN} ", Copy("span"), f" {_CLOSE}")
            self.pattern = Pattern(slots, " ", f"{_OPEN} ", f" {_CLOSE}")

    def parts(self, text: str) -> tuple[list[Part], list[str]]:
        """Return the groups inside the outer brackets. Brackets that are lacking at the end are added, and a fault.

        What stands behind the first balanced group is left out.

            ( ( a ) ( b ) ) c       depth 1 is the whole, a group runs from depth 2 back to depth 1
        """
        parts, faults, depth, start, end = [], [], 0, 0, 0
        for match in _BRACKET.finditer(text):
            if match[0] == _OPEN:
                depth += 1
                if depth == 1:
                    end = match.end()
                if depth == 2:
                    faults += ["malformed"] if text[end : match.start()].strip() else []
                    start = match.start()
                continue
            if depth == 0:
                faults.append("malformed")
                continue
            depth -= 1
            if depth == 1:
                end = match.end()
                parts.append(Part(text[start:end], start))
            if depth == 0:
                faults += ["malformed"] if text[end : match.start()].strip() else []
                break
        else:
            faults.append("unfinished" if depth else "malformed")
            if depth > 1:
                parts.append(Part(f"{text[start:].rstrip()}{f' {_CLOSE}' * (depth - 1)}", start))
        return [part for part in parts if _NULL not in part.text], faults
