r"""The brackets of wikitext: templates, links and tables, found and replaced from the inside out in one pass.

A stack holds the brackets that are open. Text goes to the topmost one; a closing bracket takes it off, asks the
renderer for its text, and adds that text to the bracket below:

    {{a|b {{c}} d}} e         open brackets, each with the parts between its bars
    {{a|b                     page [""]       {{ ["a", "b "]
          {{c                 page [""]       {{ ["a", "b "]      {{ ["c"]
             }}               page [""]       {{ ["a", "b <c> d"]
                 }} e         page ["<a> e"]

So a renderer never sees a bracket inside its arguments, and each piece of text is joined once for each level around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["MAX_DEPTH", "BracketRenderer", "resolve_brackets"]

MAX_DEPTH = 60
"""Brackets nested deeper are plain text. MediaWiki expands 40 to 100 levels. Source: Manual:$wgMaxTemplateDepth."""

_TOKEN = re.compile(
    r"(\n(?:[ \t:]*\{\||[ \t]*\|\}(?!\})|==)|\{\{|\}\}"
    r"|\[\[(?:(?![\s_]*(?i:file|image)[\s_]*:)[^\[\]{}|\n]*(?:\|[^\[\]{}|]*)?\]\])?|\]\]|\|)"
)
"""A table's brackets or a heading at the start of a line; brackets of templates; `[[`, or a whole link; `]]`; a bar.

A whole link holds no other bracket and is no image. Nine of ten links are such, and stay in the text as they are.
"""

Kind = Literal["template", "link", "table"]
_OPENS: dict[str, Kind] = {"{{": "template", "[[": "link", "{|": "table"}
_CLOSES: dict[str, Kind] = {"}}": "template", "]]": "link", "|}": "table"}


class BracketRenderer(Protocol):
    """Returns the text that replaces each closed bracket. The brackets inside its arguments are replaced already."""

    def template(self, parts: list[str]) -> str:
        """Return the text for a template: its name and its arguments, as written between the bars."""
        ...

    def link(self, parts: list[str]) -> str:
        """Return the text for a link: its target, then what follows each bar."""
        ...

    def table(self, content: str) -> str:
        """Return the text for a table."""
        ...


@dataclass(slots=True)
class _OpenBracket:
    """A bracket that is not closed yet: its kind, how it was written, and its parts, each a list of pieces of text."""

    kind: Kind
    opening: str
    parts: list[list[str]] = field(default_factory=lambda: [[]])

    def texts(self) -> list[str]:
        return ["".join(pieces) for pieces in self.parts]

    def as_written(self) -> str:
        return self.opening + "|".join(self.texts())


def resolve_brackets(text: str, renderer: BracketRenderer) -> str:
    """Replace every template, link and table by the text that the renderer returns for it, the innermost first.

    A bracket that is never closed is plain text; a table that is never closed ends at the next heading. The time is
    linear in the text, whatever its nesting: a piece is joined at most MAX_DEPTH times.

    Args:
        text: wikitext without comments and extension tags.
        renderer: returns the text for each bracket.

    Returns:
        The text without closed brackets of these kinds, except for those in the renderer's own texts.
    """
    if not any(bracket in text for bracket in _OPENS):
        return text
    return _Resolver(renderer).run(text)


class _Resolver:
    """The stack of open brackets during one pass over a text."""

    def __init__(self, renderer: BracketRenderer) -> None:
        self._renderer = renderer
        self._page = _OpenBracket("link", "")  # the text outside of all brackets; never closed
        self._stack: list[_OpenBracket] = [self._page]
        self._open_count = {"template": 0, "link": 0, "table": 0}

    def run(self, text: str) -> str:
        # Every line shall start with a line break, so the text gets one more, which the last line takes off.
        tokens = iter(_TOKEN.split("\n" + text))
        top, pieces = self._page, self._page.parts[-1]
        # The split alternates: text, bracket, text, bracket, ..., text.
        for between in tokens:
            if between:
                pieces.append(between)
            bracket = next(tokens, "")
            if bracket == "|" and top.kind != "table" and top is not self._page:
                pieces = []
                top.parts.append(pieces)
            elif len(bracket) == 2 or bracket[:1] == "\n":
                self._take_bracket(bracket)
                top = self._stack[-1]
                pieces = top.parts[-1]
            else:
                pieces.append(bracket)  # a whole link, or a bar that separates nothing
        while len(self._stack) > 1:
            self._abandon_top()
        return "".join(self._page.parts[0])[1:]

    def _add(self, text: str) -> None:
        if text:
            self._stack[-1].parts[-1].append(text)

    def _take_bracket(self, bracket: str) -> None:
        bare = bracket.strip(" \t:\n")
        if bare == "==":
            self._end_open_tables()
            self._add(bracket)
        elif bare in _OPENS and len(self._stack) <= MAX_DEPTH:
            if bracket[0] == "\n":  # a table's bracket takes the line break before it, which belongs to the text
                self._add("\n")
            kind = _OPENS[bare]
            self._open_count[kind] += 1
            self._stack.append(_OpenBracket(kind, bracket.lstrip("\n")))
        elif bare in _CLOSES and self._open_count[_CLOSES[bare]]:  # counted, so that no stray one searches the stack
            self._close(_CLOSES[bare])
        else:
            self._add(bracket)

    def _close(self, kind: Kind) -> None:
        """Close the innermost bracket of a kind; brackets opened inside it and not closed are plain text."""
        while self._stack[-1].kind != kind:
            self._abandon_top()
        closed = self._stack.pop()
        self._open_count[kind] -= 1
        if kind == "table":
            self._add(self._renderer.table("".join(closed.texts())))
        elif kind == "link":
            self._add(self._renderer.link(closed.texts()))
        else:
            self._add(self._renderer.template(closed.texts()))

    def _end_open_tables(self) -> None:
        """Close the tables on top of the stack: a heading in a table is the sign that its end was forgotten."""
        while self._open_count["table"] and self._stack[-1].kind == "table":
            self._close("table")

    def _abandon_top(self) -> None:
        """Put the topmost bracket, which is never closed, back as text; a table is a table without its end, too."""
        abandoned = self._stack.pop()
        self._open_count[abandoned.kind] -= 1
        if abandoned.kind == "table":
            self._add(self._renderer.table("".join(abandoned.texts())))
        else:
            self._add(abandoned.as_written())
