"""The grammar of a pattern: which symbols may come next, so that a generator can write nothing that is no answer.

                 +------------- BETWEEN <------------+
                 v                                   |
    OPENING -> slot 0 -> slot 1 -> ... -> slot n -> after -> CLOSING -> END
       |                                                                   ^
       +--------------------- NOTHING CLOSING -----------------------------+

A copied slot takes one token and then its right neighbours: a span is contiguous by construction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from schemas.records import Sample, Span
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern, Slot, Symbol

__all__ = ["END", "Grammar", "Next", "State"]

END = "<end>"
"""The symbol after the last one."""
_AFTER, _CLOSED, _DONE, _OPENING = -1, -2, -3, -4


class Next(NamedTuple):
    """What may come next.

    Args:
        words: fixed texts, words of labels, END.
        copies: numbers of tokens.
    """

    words: frozenset[str]
    copies: frozenset[int]

    def has(self, symbol: Symbol) -> bool:
        """Return whether a symbol may come next."""
        return symbol in self.words if isinstance(symbol, str) else symbol in self.copies


@dataclass(frozen=True)
class State:
    """Where a text is.

    Args:
        slot: the slot that comes next; or that a record has ended, all have, the text has.
        is_first: whether no record stands before this one.
        open_span: the tokens that were copied for the slot so far; None outside a copied slot.
        filled: slots of the record so far.
        last: the span of the record before, where spans are in order.
        types: of the spans of all records so far: an entity has one type, however often it is named.
        done: head, tail and relation of the records before, where they may be in any order.
    """

    slot: int
    is_first: bool = True
    open_span: Span | None = None
    filled: tuple[tuple[str, Span | str], ...] = ()
    last: Span | None = None
    types: frozenset[tuple[Span, str]] = frozenset()
    done: frozenset[tuple[tuple[str, Span | str], ...]] = frozenset()


class _Open(NamedTuple):
    """A span that is being copied: its slot, its first token, and the least end that it may have."""

    name: str
    start: int
    end: int


class Grammar:
    """The texts of a pattern about one sample.

    Args:
        pattern: of the text.
        sample: its tokens are copied; its pair, if it has one, is the only one that is written.
        has_regions: whether there is a region to point at; without one no record can be in the picture.
    """

    def __init__(self, pattern: Pattern, sample: Sample, has_regions: bool = True) -> None:
        self.pattern = pattern
        self.has_regions = has_regions
        self.length = len(sample.tokens)
        self.given = {} if sample.head is None or sample.tail is None else {"head": sample.head, "tail": sample.tail}
        spans = self.length * (self.length + 1) // 2
        slots = [slot for slot in pattern.record if not isinstance(slot, str)]
        # how many values each slot can have by which a record differs from the others
        self._values = {
            slot.name: spans if isinstance(slot, Copy) else len(slot.words)
            for slot in slots
            if slot.name in ("head", "tail", "relation") and not self.given
        }

    def start(self) -> State:
        """Return the state before the first symbol."""
        return State(_OPENING) if self.pattern.opening else State(0)

    def allowed(self, state: State) -> Next:
        """Return what may come next; nothing after END."""
        if state.slot == _OPENING:
            return _words(self.pattern.opening)
        if state.slot == _DONE:
            return _words()
        if state.slot == _CLOSED:
            return _words(END)
        if state.slot == _AFTER:
            return self._after(state)
        if state.open_span is not None:
            return self._inside(state)
        here = self._at(state)
        if state.slot == 0 and state.is_first and not state.filled:
            return _joined(here, _words(self.pattern.empty or END))
        return here

    def step(self, state: State, symbol: Symbol) -> State:
        """Return the state after a symbol.

        Raises:
            ValueError: it is not allowed here.
        """
        if not self.allowed(state).has(symbol):
            raise ValueError(f"{symbol!r} is not allowed here")
        if state.slot == _OPENING:
            return replace(state, slot=0)
        if symbol == END:
            return replace(state, slot=_DONE)
        if isinstance(symbol, int):
            return self._copied(state, symbol)
        if state.open_span is not None:
            state = self._left(state)
        if state.slot == _AFTER or (state.slot == 0 and symbol not in self._at(state).words):
            return self._stepped_after(state, symbol)
        return self._worded(state, symbol)

    def walk(self, symbols: Iterable[Symbol]) -> State:
        """Return the state after symbols.

        Raises:
            ValueError: one of them is not allowed where it stands.
        """
        state = self.start()
        for symbol in symbols:
            state = self.step(state, symbol)
        return state

    def _slot(self, state: State) -> Slot:
        return self.pattern.record[state.slot]

    def _at(self, state: State) -> Next:
        """Return what may begin the slot of a state."""
        slot = self._slot(state)
        if isinstance(slot, str):
            return _words(slot)
        if isinstance(slot, Choice):
            words = slot.allowed(dict(state.filled))
            if slot.name == "shown" and not self.has_regions:
                return _words(*(word for word, label in words.items() if label != "yes"))
            filled = dict(state.filled)
            known = dict(state.types).get(filled.get(slot.name.removesuffix("_type")))  # type: ignore[arg-type]
            if slot.name.endswith("_type") and known is not None:
                return _words(slot.words[known])
            return _words(*(word for word, label in words.items() if self._is_new(state, {**filled, slot.name: label})))
        if slot.name in self.given:
            return Next(frozenset(), frozenset({self.given[slot.name].start}))
        return Next(frozenset(), frozenset(self._starts(state, slot)))

    def _starts(self, state: State, slot: Copy) -> Iterable[int]:
        """Return the tokens at which a span may begin."""
        if not self.pattern.is_ordered:
            filled = dict(state.filled)
            return [
                token for token in range(self.length) if self._is_new(state, filled, _Open(slot.name, token, token + 1))
            ]
        if state.last is None:
            return range(self.length)
        # the same first token again only if a longer span can begin there
        return range(state.last.start + (state.last.end >= self.length), self.length)

    def _inside(self, state: State) -> Next:
        """Return what may follow a copied token: the next token, and what comes after the slot if it may end here."""
        span, slot = state.open_span, self._slot(state)
        assert span is not None and isinstance(slot, Copy)
        given = self.given.get(slot.name)
        more = {span.end} if span.end < (given.end if given else self.length) else set()
        if not self._is_new(state, dict(state.filled), _Open(slot.name, span.start, span.end + 1)):
            more = set()
        if not self._may_end(state, slot, span, given):
            return Next(frozenset(), frozenset(more))
        left = self._left(state)
        after = self._after(left) if left.slot == _AFTER else self._at(left)
        return Next(after.words, frozenset(more))

    def _may_end(self, state: State, slot: Copy, span: Span, given: Span | None) -> bool:
        if given is not None:
            return span == given
        if self.pattern.is_ordered:
            return state.last is None or span > state.last
        return self._is_new(state, {**dict(state.filled), slot.name: span})

    def _is_new(self, state: State, filled: Filled, open_: _Open | None = None) -> bool:
        """Return whether some record with these slots, and a span that is at least so long, was not said before."""
        ways = 1
        for name, number in self._values.items():
            if name not in filled:
                ways *= self.length - open_.end + 1 if open_ and open_.name == name else number
        said = sum(_fits(dict(fact), filled, open_) for fact in state.done)
        return said < ways or not self._values

    def _after(self, state: State) -> Next:
        """Return what may follow a record: another one, or the end. A sample of one pair has one record."""
        end = _words(self.pattern.closing or END)
        if self.given:
            return end
        new = replace(state, slot=0, is_first=False, filled=())
        is_more = bool(list(self._starts(new, Copy("span")))) if self.pattern.is_ordered else self._is_new(new, {})
        if not is_more:
            return end
        return _joined(_words(self.pattern.between) if self.pattern.between else self._at(new), end)

    def _copied(self, state: State, token: int) -> State:
        if state.slot == _AFTER:
            state = replace(state, slot=0, is_first=False, filled=())
        start = token if state.open_span is None else state.open_span.start
        return replace(state, open_span=Span(start, token + 1))

    def _left(self, state: State) -> State:
        """Return the state after a copied slot."""
        slot, span = self._slot(state), state.open_span
        assert isinstance(slot, Copy) and span is not None
        return self._filled(state, slot.name, span)

    def _worded(self, state: State, symbol: str) -> State:
        slot = self._slot(state)
        if isinstance(slot, Choice):
            return self._filled(state, slot.name, slot.allowed(dict(state.filled))[symbol])
        return self._forward(state)

    def _filled(self, state: State, name: str, value: Span | str) -> State:
        if name.endswith("_type") and isinstance(value, str):
            span = dict(state.filled)[name.removesuffix("_type")]
            assert isinstance(span, Span)
            state = replace(state, types=state.types | {(span, value)})
        return self._forward(replace(state, open_span=None, filled=(*state.filled, (name, value))))

    def _forward(self, state: State) -> State:
        """Return the state at the next slot; a record that is whole is remembered."""
        if state.slot + 1 < len(self.pattern.record):
            return replace(state, slot=state.slot + 1)
        filled = dict(state.filled)
        span = filled.get("span")
        last = span if isinstance(span, Span) else None
        fact = tuple((name, filled[name]) for name in self._values)
        return replace(state, slot=_AFTER, last=last, done=state.done | ({fact} if fact else set()))

    def _stepped_after(self, state: State, symbol: str) -> State:
        """Return the state after a symbol that stands around records."""
        pattern = self.pattern
        if symbol == END:
            return replace(state, slot=_DONE)
        if state.slot == _AFTER and symbol != pattern.closing:
            new = replace(state, slot=0, is_first=False, filled=())
            return new if pattern.between else self._worded(new, symbol)
        return replace(state, slot=_CLOSED)


def _fits(fact: Filled, filled: Filled, open_: _Open | None) -> bool:
    """Return whether a record that was said has these slots, and a span as the open one may become."""
    if open_ is not None:
        span = fact.get(open_.name)
        if not isinstance(span, Span) or span.start != open_.start or span.end < open_.end:
            return False
    return all(filled[name] == value for name, value in fact.items() if name in filled)


def _words(*words: str) -> Next:
    return Next(frozenset(words), frozenset())


def _joined(*parts: Next) -> Next:
    return Next(frozenset().union(*(part.words for part in parts)), frozenset().union(*(part.copies for part in parts)))
