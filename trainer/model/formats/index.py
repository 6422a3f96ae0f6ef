"""H-Index's text: for each entity the positions of its words, whether a region shows it, and its type, as numbers.

    0 start   1 end   2 which region   3 no region   4, 5, ... types   then the words of the sentence

Source: NUSTM/GMNER, model/data_pipe.py, with words in place of pieces. There `<s>` is the first position, here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.records import Entity, Relation, Sample, Span
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern, Symbol, to_symbols
from trainer.model.formats.pattern_format import PatternFormat, Slots
from trainer.model.formats.settings import IndexSettings
from trainer.model.formats.text_format import Answer
from trainer.model.formats.words import FormatLabels

__all__ = ["SHOWN", "IndexFormat"]

SHOWN = {"yes": "<<which region>>", "no": "<<no region>>"}
_START, _END, _FIRST_TYPE = 0, 1, 4


class IndexFormat(PatternFormat):
    """Writes entities as numbers: a text that needs no language model.

    >>> from schemas.records import Box
    >>> sample = Sample("1", ("Messi", "visits", "New", "York"))
    >>> labels = FormatLabels(("LOC", "PER", "OTHER", "ORG"))
    >>> entities = [Entity(0, 1, "PER", boxes=(Box(0, 0, 1, 1),)), Entity(2, 4, "LOC")]
    >>> IndexFormat(labels, IndexSettings()).write(sample, entities)
    '0 9 2 5 11 12 3 4 1'
    """

    def __init__(self, labels: FormatLabels, settings: IndexSettings) -> None:  # noqa: ARG002 - as all formats
        self.types = labels.types
        self.pattern = Pattern(
            (Copy("span"), Choice("shown", SHOWN), Choice("type", {name: f"<<{name}>>" for name in labels.types}))
        )
        chosen = [f"<<{name}>>" for name in labels.types]
        self.numbers = {SHOWN["yes"]: 2, SHOWN["no"]: 3, **{word: _FIRST_TYPE + i for i, word in enumerate(chosen)}}
        self.first_word = _FIRST_TYPE + len(chosen) + 1  # one more for <s>, which stands before the first word

    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:  # noqa: ARG002
        """Return the slots of entities, in the order of the text."""
        rows = sorted((row for row in records if isinstance(row, Entity)), key=lambda row: row[:2])
        return [
            {"span": Span(row.start, row.end), "shown": "yes" if row.boxes else "no", "type": row.type} for row in rows
        ]

    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:  # noqa: ARG002
        """Return the entity of a row; its region is pointed at, and is no part of the text."""
        span, kind = row.filled["span"], row.filled["type"]
        assert isinstance(span, Span)
        return [Entity(span.start, span.end, str(kind))]

    def render(self, sample: Sample, rows: Sequence[Filled]) -> str:  # noqa: ARG002
        """Return filled slots as numbers."""
        symbols = to_symbols(self.pattern, rows)
        numbers = [self.first_word + item if isinstance(item, int) else self.numbers[item] for item in symbols]
        return " ".join(map(str, [_START, *numbers, _END]))

    def read(self, text: str, sample: Sample) -> Answer:
        """Return the entities of numbers, and the faults. Never raises."""
        words = {number: word for word, number in self.numbers.items()}
        found = [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
        if found and found[0][0] == str(_START):
            found.pop(0)
        faults: list[str] = []
        symbols: list[Symbol] = []
        starts: list[int] = []
        is_ended = False
        for item, start in found:
            if not re.fullmatch(r"[0-9]{1,9}", item):
                faults.append("malformed")
                continue
            number = int(item)
            if number == _END:
                is_ended = True
                break
            # 0 and numbers between types and words say nothing: they stay, as a word that no slot knows
            symbols.append(number - self.first_word if number >= self.first_word else words.get(number, item))
            starts.append(start)
        answer = self.read_symbols(symbols, sample)
        faults += [*answer.faults, *([] if is_ended else ["unfinished"])]
        regions = tuple(None if place is None else starts[place] for place in answer.regions)
        return answer._replace(faults=tuple(faults), regions=regions)
