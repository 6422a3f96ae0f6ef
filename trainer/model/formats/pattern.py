"""The pattern of a text: a record as slots that are fixed, copied or chosen, and what stands around records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from schemas.records import Span

__all__ = ["Choice", "Copy", "Filled", "Pattern", "Slot", "Symbol", "SymbolReading", "from_symbols", "to_symbols"]

Symbol: TypeAlias = str | int
"""A step of a generator: a fixed text or the word of a label, or the number of a token that is copied."""
Filled: TypeAlias = Mapping[str, Span | str]
"""What a record's slots hold: the span of a copied one, the label of a chosen one, each by the name of the slot."""


class Copy(NamedTuple):
    """A span of the sample, copied token by token. Its name is span, head or tail."""

    name: str


@dataclass(frozen=True)
class Choice:
    """One label out of a closed list.

    Args:
        name: of the slot.
        words: the word of each label.
        belongs: label -> the label that an earlier slot must hold; empty where all are free.
        of: name of that earlier slot.
    """

    name: str
    words: Mapping[str, str]
    belongs: Mapping[str, str] = field(default_factory=dict)
    of: str = ""

    def allowed(self, filled: Filled) -> dict[str, str]:
        """Return word -> label of those that fit to the slots before it."""
        parent = filled.get(self.of)
        return {word: label for label, word in self.words.items() if not self.belongs or self.belongs[label] == parent}


Slot: TypeAlias = str | Copy | Choice


@dataclass(frozen=True)
class Pattern:
    """Texts of the form OPENING record BETWEEN record ... CLOSING, or OPENING NOTHING CLOSING without a record.

    Args:
        record: its slots; a string is a fixed text.
        between: what parts two records; "" where their slots show it.
        opening, closing: around all of them.
        nothing: the text for no record.
        is_ordered: records have one span each, and stand in the order of the text.
    """

    record: tuple[Slot, ...]
    between: str = ""
    opening: str = ""
    closing: str = ""
    nothing: str = ""
    is_ordered: bool = True

    @property
    def empty(self) -> str:
        """What follows the opening where there is no record, as one symbol."""
        return self.nothing + self.closing

    def words(self) -> tuple[str, ...]:
        """Return every symbol that is no copy, each once."""
        fixed = [self.opening, *(slot for slot in self.record if isinstance(slot, str)), self.between, self.empty]
        chosen = [word for slot in self.record if isinstance(slot, Choice) for word in slot.words.values()]
        return tuple(dict.fromkeys(text for text in [*fixed, *chosen, self.closing] if text))


def to_symbols(pattern: Pattern, rows: Sequence[Filled]) -> list[Symbol]:
    """Return filled records as the symbols that a generator writes.

    >>> pattern = Pattern((Copy("span"), Choice("type", {"PER": "person"})))
    >>> to_symbols(pattern, [{"span": Span(0, 2), "type": "PER"}])
    [0, 1, 'person']
    """
    symbols: list[Symbol] = [pattern.opening] if pattern.opening else []
    for number, row in enumerate(rows):
        symbols += [pattern.between] if number and pattern.between else []
        for slot in pattern.record:
            if isinstance(slot, str):
                symbols.append(slot)
                continue
            value = row[slot.name]
            if isinstance(slot, Copy):
                assert isinstance(value, Span)
                symbols += range(value.start, value.end)
            else:
                symbols.append(slot.words[str(value)])
    last = pattern.closing if rows else pattern.empty
    return symbols + ([last] if last else [])


class SymbolReading(NamedTuple):
    """Records as filled slots; of each, the number of the symbol that names its region; and the faults."""

    rows: list[dict[str, Span | str]]
    regions: list[int | None]
    faults: list[str]


def from_symbols(pattern: Pattern, symbols: Sequence[Symbol], length: int) -> SymbolReading:
    """Return the records of symbols, and where each names its region; a wrong record is a fault and no more.

    Args:
        pattern: of the text.
        symbols: without END; any of them may be wrong, or the last ones lacking.
        length: tokens of the sample.

    >>> pattern = Pattern((Copy("span"), Choice("type", {"PER": "person"})))
    >>> from_symbols(pattern, [0, 1, "person", 3], 5)
    SymbolReading(rows=[{'span': Span(start=0, end=2), 'type': 'PER'}], regions=[None], faults=['unfinished'])
    """
    reading = SymbolReading([], [], [])
    at = 1 if pattern.opening and list(symbols[:1]) == [pattern.opening] else 0
    if at == 0 and pattern.opening:
        reading.faults.append("malformed")
    ends = {pattern.closing, pattern.empty} - {""}
    while at < len(symbols) and symbols[at] not in ends:
        if reading.rows and pattern.between and symbols[at] == pattern.between:
            at += 1
        row, region, end, fault = _read_record(pattern, symbols, at, length)
        if row is None:
            reading.faults.append(fault)
            at = _next_record(pattern, symbols, max(end, at))
            continue
        reading.rows.append(row)
        reading.regions.append(region)
        at = end
    if at >= len(symbols) and pattern.closing:
        reading.faults.append("unfinished")
    return reading


def _read_record(
    pattern: Pattern, symbols: Sequence[Symbol], at: int, length: int
) -> tuple[dict[str, Span | str] | None, int | None, int, str]:
    """Return the record that begins at a symbol, the symbol of its region, where it ends, and its fault."""
    filled: dict[str, Span | str] = {}
    region = None
    for slot in pattern.record:
        if at >= len(symbols):
            return None, None, at, "unfinished"
        symbol = symbols[at]
        if isinstance(slot, Copy):
            tokens, at = _run(symbols, at)
            if not tokens or not all(0 <= token < length for token in tokens):
                return None, None, at, "unfinished" if at >= len(symbols) else "malformed"
            if list(tokens) != list(range(tokens[0], tokens[0] + len(tokens))):
                return None, None, at, "gap in a span"
            filled[slot.name] = Span(tokens[0], tokens[-1] + 1)
            continue
        if isinstance(slot, Choice):
            label = slot.allowed(filled).get(str(symbol)) if isinstance(symbol, str) else None
            if label is None:
                return None, None, at, "malformed" if isinstance(symbol, int) else "unknown label"
            filled[slot.name] = label
            region = at if (slot.name, label) == ("shown", "yes") else region
        elif symbol != slot:
            return None, None, at, "malformed"
        at += 1
    return filled, region, at, ""


def _run(symbols: Sequence[Symbol], at: int) -> tuple[list[int], int]:
    tokens: list[int] = []
    while at < len(symbols) and isinstance(token := symbols[at], int):
        tokens.append(token)
        at += 1
    return tokens, at


def _next_record(pattern: Pattern, symbols: Sequence[Symbol], at: int) -> int:
    """Return where the next record may begin behind a wrong one: it always moves on."""
    last = pattern.record[-1]
    marks = {pattern.between} if pattern.between else set(last.words.values() if isinstance(last, Choice) else ())
    ends = {pattern.closing} - {""}
    for i in range(at, len(symbols)):
        if symbols[i] in marks:
            return i + 1
        if symbols[i] in ends:
            return i
    return len(symbols)
