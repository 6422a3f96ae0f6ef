"""A format that is a pattern: its parts are read by one expression, and each wrong part is a fault of its own."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, NamedTuple

from schemas.records import Entity, Relation, Sample, Span
from trainer.model.formats.alignment import Aligner
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern, Symbol, from_symbols, to_symbols
from trainer.model.formats.text_format import Answer, Format

__all__ = ["Part", "PatternFormat", "Slots", "as_pattern", "squeezed"]

_LONGEST_PART = 1_000
"""Characters of a part that is read at all: the longest of the known sets has 170, and a text that loops has no end."""
_BLANKS = r"\s*"
_JOINED = 4
"""A name may hold the mark between two parts, which cuts it: so many neighbours are tried as one part."""


class Part(NamedTuple):
    """A piece of a text that should be one record, and where it begins in the text."""

    text: str
    start: int


class Slots(NamedTuple):
    """What a part or a run of symbols says: its slots, and where it names the region; None where there is none."""

    filled: dict[str, Span | str]
    region: int | None


class PatternFormat(Format):
    """Reads and writes by a pattern. What is left to a format is what its slots mean."""

    pattern: Pattern
    has_grammar: ClassVar[bool] = True
    """Whether its texts are those of its pattern, symbol by symbol."""

    @abstractmethod
    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:
        """Return the slots of the records that the format can say, in its order."""

    @abstractmethod
    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:
        """Return the records that filled slots stand for."""

    def project(self, sample: Sample, records: Sequence[Entity | Relation]) -> tuple[Entity | Relation, ...]:
        """Return what the format can say of records: those that its slots stand for, each once."""
        rows = [self.build(sample, Slots(dict(row), None)) for row in self.fill(sample, records)]
        return tuple(dict.fromkeys(record for part in rows for record in part))

    def symbols(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Symbol]:
        """Return records as the symbols that a generator learns to write."""
        return to_symbols(self.pattern, self.fill(sample, records))

    def read_symbols(self, symbols: Sequence[Symbol], sample: Sample) -> Answer:
        """Return the records of symbols, without END, and their faults: no name has to be found again. Never raises."""
        reading = from_symbols(self.pattern, symbols, len(sample.tokens))
        rows = [Slots(row, region) for row, region in zip(reading.rows, reading.regions, strict=True)]
        return self.answer(sample, rows, reading.faults)

    def write(self, sample: Sample, records: Sequence[Entity | Relation]) -> str:
        """Return the text of records."""
        return self.render(sample, self.fill(sample, records))

    def render(self, sample: Sample, rows: Sequence[Filled]) -> str:
        """Return the text of filled slots."""
        aligner, pattern = Aligner(sample.tokens), self.pattern
        parts = []
        for row in rows:
            text = ""
            for slot in pattern.record:
                text += slot if isinstance(slot, str) else self._word(slot, row, aligner, sample)
            parts.append(text)
        return f"{pattern.opening}{pattern.between.join(parts) if parts else pattern.nothing}{pattern.closing}"

    def _word(self, slot: Copy | Choice, row: Filled, aligner: Aligner, sample: Sample) -> str:
        value = row[slot.name]
        if isinstance(slot, Choice):
            return slot.words[str(value)]
        assert isinstance(value, Span)
        if self.pattern.is_ordered:
            return aligner.name_in_order(value)
        if value == _given(slot.name, sample):  # the reader knows the pair: its names need no number
            return " ".join(sample.tokens[value.start : value.end])
        return aligner.name(value)

    def read(self, text: str, sample: Sample) -> Answer:
        """Return the records of a generated text, and its faults. Never raises."""
        parts, faults = self.parts(text)
        aligner = Aligner(sample.tokens)
        found: list[Slots] = []
        i = 0
        while i < len(parts):
            taken, row, kind = self._read_part(parts, i, text, aligner, sample)
            i += taken
            if row is not None:
                found.append(row)
            elif kind:
                faults.append(kind)
        return self.answer(sample, found, faults)

    def parts(self, text: str) -> tuple[list[Part], list[str]]:
        """Return the pieces of a text that should be one record each, and the faults of what stands around them."""
        inner, start, faults = _without_frame(text, self.pattern)
        if squeezed(inner) == squeezed(self.pattern.nothing):
            return [], faults
        mark = as_pattern(self.pattern.between)
        ends = [(match.start(), match.end()) for match in re.finditer(mark, inner)] if self.pattern.between else []
        bounds = [0, *(bound for pair in ends for bound in pair), len(inner)]
        return [Part(inner[a:b], start + a) for a, b in list(pairwise(bounds))[::2]], faults

    def answer(self, sample: Sample, rows: Sequence[Slots], faults: list[str]) -> Answer:
        """Return filled slots as an answer; what was said before is a fault."""
        records: dict[Entity | Relation, int | None] = {}
        for row in rows:
            new = {record: row.region for record in self.build(sample, row) if record not in records}
            if not new:
                faults.append("repeated")
            records |= new
        return Answer(tuple(records), tuple(faults), tuple(records.values()))

    def _read_part(
        self, parts: Sequence[Part], i: int, text: str, aligner: Aligner, sample: Sample
    ) -> tuple[int, Slots | None, str]:
        """Read a part, or it and its neighbours as one; return how many were taken, the slots, and the fault."""
        fault, before = "", aligner.copy()
        found: tuple[int, Slots] | None = None
        for taken in range(1, min(_JOINED, len(parts) - i) + 1):
            last = parts[i + taken - 1]
            if found and self._is_like_a_record(last.text):
                break
            whole = parts[i]
            if taken > 1:
                whole = Part(text[whole.start : last.start + len(last.text)], whole.start)
            if len(whole.text) > _LONGEST_PART:
                fault = fault or "too long"
                break
            attempt = before.copy()
            row, kind = self.read_one(whole, attempt, sample)
            fault = fault or kind
            if row is not None:
                found = taken, row
                aligner.adopt(attempt)
            if found and not isinstance(self.pattern.record[-1], Copy):
                break  # only a name at the end can go on in the next part
        return (*found, "") if found else (1, None, fault)

    def _is_like_a_record(self, text: str) -> bool:
        return self._loose.fullmatch(text[:300]) is not None

    def read_one(self, part: Part, aligner: Aligner, sample: Sample) -> tuple[Slots | None, str]:
        """Return the slots of one part, or its fault."""
        match = self._strict.fullmatch(part.text)
        if match is None:
            return None, self.fault(part.text)
        filled: dict[str, Span | str] = {}
        region = None
        for slot in self.pattern.record:
            if isinstance(slot, Choice):
                word = {squeezed(word): label for word, label in slot.allowed(filled).items()}
                value = word.get(squeezed(match[slot.name]))
                if value is None:
                    return None, "unknown label"  # a fine type of another coarse one
                filled[slot.name] = value
                if slot.name == "shown" and value == "yes":
                    region = part.start + match.start(slot.name)
            elif isinstance(slot, Copy):
                span, fault = self.span(slot, match[slot.name].strip(), aligner, sample)
                if span is None:
                    return None, fault
                filled[slot.name] = span
        return Slots(filled, region), ""

    def span(self, slot: Copy, name: str, aligner: Aligner, sample: Sample) -> tuple[Span | None, str]:
        """Return the span that a name means in a slot, and the fault if there is none."""
        given = _given(slot.name, sample)
        if given is not None:
            same = squeezed(" ".join(sample.tokens[given.start : given.end])) == squeezed(name)
            return (given, "") if same else (None, "another pair")
        span = aligner.place(name) if self.pattern.is_ordered else aligner.locate(name)
        return span, "not in the text"

    def fault(self, text: str) -> str:
        """Return what is wrong with a part that does not fit."""
        return "unknown label" if self._is_like_a_record(text) else "malformed"

    @cached_property
    def _strict(self) -> re.Pattern[str]:
        return self._expression(is_strict=True)

    @cached_property
    def _loose(self) -> re.Pattern[str]:
        return self._expression(is_strict=False)

    def _expression(self, *, is_strict: bool) -> re.Pattern[str]:
        written = [_BLANKS]
        for slot in self.pattern.record:
            if isinstance(slot, str):
                written.append(as_pattern(slot))
            elif isinstance(slot, Copy) or not is_strict:
                written.append(f"(?P<{slot.name}>.+?)" if isinstance(slot, Copy) else f"(?P<{slot.name}>.*?)")
            else:
                words = sorted(slot.words.values(), key=len, reverse=True)
                written.append(f"(?P<{slot.name}>{'|'.join(as_pattern(word) for word in words)})")
        return re.compile("".join([*written, _BLANKS]), re.DOTALL)


def as_pattern(text: str) -> str:
    r"""Return the expression of a fixed text, in which blanks may be more, fewer or at its ends.

    >>> as_pattern(" is a ")
    '\\s*is\\s+a\\s*'
    """
    inner = r"\s+".join(re.escape(word) for word in text.split())
    before, after = (_BLANKS if end.isspace() else "" for end in (text[:1], text[-1:]))
    return f"{before}{inner}{after}"


def _without_frame(text: str, pattern: Pattern) -> tuple[str, int, list[str]]:
    """Return what stands between opening and closing, where it begins, and a fault where one of them is lacking."""
    start, end, faults = 0, len(text), []
    if pattern.opening:
        opening = re.search(as_pattern(pattern.opening), text)
        faults += [] if opening else ["malformed"]
        start = opening.end() if opening else 0
    if pattern.closing:
        closing = re.search(as_pattern(pattern.closing), text[start:])
        faults += [] if closing else ["unfinished"]
        end = start + closing.start() if closing else end
    return text[start:end], start, faults


def _given(name: str, sample: Sample) -> Span | None:
    """Return the span that a sample of one pair gives to the slot of its head or tail."""
    return {"head": sample.head, "tail": sample.tail}.get(name)


def squeezed(text: str) -> str:
    """Return a text without blanks.

    >>> squeezed("place of birth")
    'placeofbirth'
    """
    return "".join(text.split())
