r"""The brackets of wikitext: templates, links and tables, found in one pass.

A stack holds the brackets that are open. Text goes to the topmost one; a closing bracket takes it off and adds it, as a
node, to the bracket below:

    {{a|b {{c}} d}} e         open brackets, each with the parts between its bars
    {{a|b                     page [""]       {{ ["a", "b "]
          {{c                 page [""]       {{ ["a", "b "]      {{ ["c"]
             }}               page [""]       {{ ["a", "b <c> d"]
                 }} e         page ["<a> e"]

So the bars inside a bracket never cut the one around it, whatever text is shown for it later.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelines.syntax.nodes import Link, Parameter, Pieces, Table, Tag, Template
from pipelines.syntax.tags import split_tags

__all__ = ["MAX_DEPTH", "scan"]

MAX_DEPTH = 60
"""Brackets nested deeper are plain text. MediaWiki expands 40 to 100 levels. Source: Manual:$wgMaxTemplateDepth."""

_WHOLE_LINK = r"\[\[(?!\[)(?![\s_]*(?i:file|image)[\s_]*:)[^\[\]{}|\n]*+(?:\|[^\[\]{}|]*+)?+\]\]"
"""A link that holds no other bracket and is no image: nine of ten links. They stay in the text as they are."""
_WHOLE_TEMPLATE = r"\{\{(?!\{)((?:[^{}\[\]]++|" + _WHOLE_LINK + r")++)\}\}(?!\})"
"""A template that holds no other bracket but such links: nine of ten. The group is what stands between its braces."""
_LINE_START = r"\n(?:[ \t:]*\{\||[ \t]*\|\}(?!\})|==)"
"""A table's brackets, or a heading."""
_TEXT = "|".join(
    (
        r"[^\n{}\[\]]++",
        _WHOLE_LINK,
        r"(?!" + _LINE_START + r")\n",
        r"\[(?!\[(?!\[))|\](?!\])|\{(?!\{)|\}(?!\})",  # brackets that stand alone; of `[[[` the first is text
    )
)
_BRACKET = _LINE_START + r"|\{\{+|\}\}+|\[\[|\]\]+|\Z"
_TOKEN = re.compile(f"((?:{_TEXT})*+)(?:{_WHOLE_TEMPLATE}|({_BRACKET}))")
"""A text, and behind it a whole template or a bracket, or the end. All is possessive: no step back."""
_BAR = re.compile(r"\|(?![^\[\]|]*\]\])")
"""A bar outside of whole links, in a text in which two brackets beside each other belong to such a link."""
_LINK_IN_TEXT = re.compile(_WHOLE_LINK)
_TABLE_END_NAME = "!)"
_TABLE_END = Template([[_TABLE_END_NAME]])


class _Open(NamedTuple):
    """A bracket that is not closed yet. braces: how many braces of a template are open."""

    node: Template | Link | Table
    opening: str
    braces: int = 0

    @property
    def levels(self) -> int:
        """How deep it can nest: a run of six braces may be three templates."""
        return self.braces // 2 or 1


def scan(text: str) -> Pieces:
    """Read wikitext into nodes.

    A bracket that is never closed is plain text; a table that is never closed ends at the next heading. The time is
    linear in the text, whatever its nesting: a piece moves at most MAX_DEPTH times.

    >>> scan("a [[b|c]] {{d|e=f}}")
    ['a [[b|c]] ', Template(parts=[['d'], ['e=f']])]
    """
    # Every line shall start with a line break, so the text gets one more, which is taken off again.
    scanner = _Scanner()
    for part in split_tags("\n" + text):
        if isinstance(part, Tag):
            scanner.add_tag(part)
        else:
            scanner.add_text(part)
    pieces = scanner.finish()
    first = pieces[0]
    assert isinstance(first, str)
    pieces[0] = first[1:]
    return pieces if pieces[0] else pieces[1:]


class _Scanner:
    """The stack of open brackets during one pass over a text."""

    def __init__(self) -> None:
        self._page = _Open(Link(), "")  # the text outside of all brackets; never closed
        self._stack: list[_Open] = [self._page]
        self._levels = 0  # how deep the open brackets nest
        self._open_count: dict[type, int] = {Template: 0, Link: 0, Table: 0}

    def add_tag(self, tag: Tag) -> None:
        """Add an element to the topmost bracket."""
        self._stack[-1].node.parts[-1].append(tag)

    def add_text(self, text: str) -> None:
        """Find the brackets of a text between two elements."""
        top = self._stack[-1].node
        for between, inside, bracket in _TOKEN.findall(text):
            if between:
                if "|" not in between or top is self._page.node or type(top) is Table:
                    top.parts[-1].append(between)
                else:  # bars part a template and a link
                    first, *others = _split_bars(between)
                    top.parts[-1] += first
                    top.parts += others
            if inside and self._levels < MAX_DEPTH and inside != _TABLE_END_NAME:
                top.parts[-1].append(Template(_split_bars(inside)))
                continue
            if inside:
                self._take_bracket("{{")
                self.add_text(inside)
                self._take_bracket("}}")
            elif bracket:
                self._take_bracket(bracket)
            else:
                break  # the end
            top = self._stack[-1].node

    def finish(self) -> Pieces:
        """Return the pieces of the page; brackets that are still open are text."""
        while len(self._stack) > 1:
            self._abandon_top()
        return self._page.node.parts[0]

    def _add(self, piece: str | Template | Parameter | Link | Table) -> None:
        self._stack[-1].node.parts[-1].append(piece)

    def _take_bracket(self, bracket: str) -> None:
        sign = bracket[0]
        if sign == "{":
            self._open_braces(len(bracket))
        elif sign == "}":
            self._close_braces(len(bracket))
        elif sign == "[":
            self._open(_Open(Link(), bracket))
        elif sign == "]":
            self._close_links(len(bracket))
        elif bracket == "\n==":
            self._end_open_tables()
            self._add(bracket)
        elif bracket[-1] == "|":
            self._add("\n")  # it belongs to the text before the table
            self._open(_Open(Table(), bracket[1:]))
        elif self._open_count[Table]:
            self._close_table()
        else:
            self._add(bracket)

    def _open_braces(self, count: int) -> None:
        most = 2 * (MAX_DEPTH - self._levels) + 1
        if count > most:
            self._add("{" * (count - most))
            count = most
        self._open(_Open(Template(), "{" * count, count))

    def _open(self, opened: _Open) -> None:
        if self._levels + opened.levels > MAX_DEPTH:
            self._add(opened.opening)
            return
        self._levels += opened.levels
        self._open_count[type(opened.node)] += 1
        self._stack.append(opened)

    def _pop(self, kind: type) -> _Open:
        """Take off the innermost bracket of a kind; brackets that were opened inside it are text."""
        while type(self._stack[-1].node) is not kind:
            self._abandon_top()
        self._open_count[kind] -= 1
        opened = self._stack.pop()
        self._levels -= opened.levels
        return opened

    def _close_braces(self, count: int) -> None:
        """Close as many templates and parameters as a run of braces closes: three at a time before two.

        Source: MediaWiki's Preprocessor_Hash: of more opening braces than are closed, the inner ones match first.
        """
        while count >= 2 and self._open_count[Template]:  # counted, so that no stray one searches the stack
            opened = self._pop(Template)
            matched = 3 if min(count, opened.braces) >= 3 else 2
            count -= matched
            left = opened.braces - matched
            node = Template(opened.node.parts) if matched == 2 else Parameter(opened.node.parts)
            if left >= 2:
                self._open(_Open(Template([[node]]), "{" * left, left))
                continue
            if left:
                self._add("{")
            self._add(node)
            if node == _TABLE_END:
                self._close_table_by_template()
        if count:
            self._add("}" * count)

    def _close_links(self, count: int) -> None:
        """Close as many links as a run of brackets closes; an odd one ends the brackets inside a label.

        `[[Rome|the [city]]]` shows "the [city]". Source: MediaWiki's Parser::handleInternalLinks2.
        """
        is_odd = count % 2 == 1
        while count >= 2 and self._open_count[Link]:
            link = self._pop(Link).node
            if is_odd and _has_bracket(link.parts[1:]):
                link.parts[-1].append("]")
                is_odd = False
                count -= 1
            count -= 2
            self._add(link)
        if count:
            self._add("]" * count)

    def _close_table(self) -> None:
        table = self._pop(Table).node
        self._add(table)

    def _close_table_by_template(self) -> None:
        """Close a table that ends with `{{!)}}` but begins with `{|`; what opens with a template is no bracket yet."""
        if type(self._stack[-1].node) is Table:
            self._stack[-1].node.parts[-1].pop()
            self._close_table()

    def _end_open_tables(self) -> None:
        """Close the tables on top of the stack: a heading in a table is the sign that its end was forgotten."""
        while self._open_count[Table] and type(self._stack[-1].node) is Table:
            self._close_table()

    def _abandon_top(self) -> None:
        """Put the topmost bracket, which is never closed, back as text; a table is a table without its end, too."""
        abandoned = self._stack.pop()
        node, opening = abandoned.node, abandoned.opening
        self._levels -= abandoned.levels
        self._open_count[type(node)] -= 1
        if isinstance(node, Table):
            self._add(node)
            return
        below = self._stack[-1].node.parts[-1]
        below.append(opening)
        for place, pieces in enumerate(node.parts):
            if place:
                below.append("|")
            below += pieces


def _split_bars(text: str) -> list[Pieces]:
    """Cut a text at its bars outside of links."""
    texts = text.split("|") if "[" not in text else _BAR.split(text)
    return [[part] if part else [] for part in texts]


def _has_bracket(parts: list[Pieces]) -> bool:
    """Return whether the text of these parts holds a single opening bracket."""
    texts = [_LINK_IN_TEXT.sub("", piece) for pieces in parts for piece in pieces if isinstance(piece, str)]
    return any("[" in text.replace("[[", "") for text in texts)
