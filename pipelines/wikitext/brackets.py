"""The brackets of wikitext: templates, links and tables, found and resolved from the inside out in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["MAX_DEPTH", "BracketRules", "resolve_brackets"]

MAX_DEPTH = 60
"""Brackets nested deeper are plain text. MediaWiki expands 40 to 100 levels. Source: Manual:$wgMaxTemplateDepth."""

_TOKEN = re.compile(
    r"(\n(?:[ \t:]*\{\||[ \t]*\|\}(?!\})|==)|\{\{|\}\}"
    r"|\[\[(?:(?![\s_]*(?i:file|image)[\s_]*:)[^\[\]{}|\n]*(?:\|[^\[\]{}|]*)?\]\])?|\]\]|\|)"
)
"""The fifth form is a whole link that holds no other bracket and no picture: nine of ten, and plain text here."""

Kind = Literal["template", "link", "table"]
_OPENS: dict[str, Kind] = {"{{": "template", "[[": "link", "{|": "table"}
_CLOSES: dict[str, Kind] = {"}}": "template", "]]": "link", "|}": "table"}


class BracketRules(Protocol):
    """What stands in the place of each closed bracket. Arguments hold what stands for the brackets inside."""

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
class _Frame:
    """A bracket that is open: what it is, how it was written, and its parts, each a list of pieces."""

    kind: Kind
    opening: str
    parts: list[list[str]] = field(default_factory=lambda: [[]])

    def texts(self) -> list[str]:
        return ["".join(pieces) for pieces in self.parts]

    def as_written(self) -> str:
        return self.opening + "|".join(self.texts())


def resolve_brackets(text: str, rules: BracketRules) -> str:
    """Replace every template, link and table by what the rules give for it, the innermost first.

    A bracket that is never closed is plain text; a table that is never closed ends at the next heading. The time is
    linear in the text, whatever its nesting: a piece is joined at most MAX_DEPTH times.

    Args:
        text: wikitext without comments and extension tags.
        rules: what stands for what.

    Returns:
        The text in which no closed bracket of these kinds is left, but for those that the rules give.
    """
    if not any(bracket in text for bracket in _OPENS):
        return text
    return _Resolver(rules).run(text)


class _Resolver:
    def __init__(self, rules: BracketRules) -> None:
        self._rules = rules
        self._root = _Frame("link", "")
        self._stack: list[_Frame] = [self._root]
        self._open = {"template": 0, "link": 0, "table": 0}

    def run(self, text: str) -> str:
        tokens = iter(_TOKEN.split("\n" + text))  # so that every line starts with a line break
        top, pieces = self._root, self._root.parts[-1]
        for between in tokens:
            if between:
                pieces.append(between)
            bracket = next(tokens, "")
            if bracket == "|" and top.kind != "table" and top is not self._root:
                pieces = []
                top.parts.append(pieces)
            elif len(bracket) == 2 or bracket[:1] == "\n":
                self._take(bracket)
                top = self._stack[-1]
                pieces = top.parts[-1]
            else:
                pieces.append(bracket)
        while len(self._stack) > 1:
            self._give_up_top()
        return "".join(self._root.parts[0])[1:]

    def _add(self, text: str) -> None:
        if text:
            self._stack[-1].parts[-1].append(text)

    def _take(self, bracket: str) -> None:
        bare = bracket.strip(" \t:\n")
        if bare == "==":
            self._end_open_table()
            self._add(bracket)
        elif bare in _OPENS and len(self._stack) <= MAX_DEPTH:
            if bracket[0] == "\n":
                self._add("\n")
            kind = _OPENS[bare]
            self._open[kind] += 1
            self._stack.append(_Frame(kind, bracket.lstrip("\n")))
        elif bare in _CLOSES and self._open[_CLOSES[bare]]:
            self._close(_CLOSES[bare])
        else:
            self._add(bracket)

    def _close(self, kind: Kind) -> None:
        """Close the innermost bracket of a kind; brackets opened inside it and not closed are plain text."""
        while self._stack[-1].kind != kind:
            self._give_up_top()
        frame = self._stack.pop()
        self._open[kind] -= 1
        if kind == "table":
            self._add(self._rules.table("".join(frame.texts())))
        elif kind == "link":
            self._add(self._rules.link(frame.texts()))
        else:
            self._add(self._rules.template(frame.texts()))

    def _end_open_table(self) -> None:
        while self._open["table"] and self._stack[-1].kind == "table":
            self._close("table")

    def _give_up_top(self) -> None:
        frame = self._stack.pop()
        self._open[frame.kind] -= 1
        if frame.kind == "table":
            self._add(self._rules.table("".join(frame.texts())))
        else:
            self._add(frame.as_written())
