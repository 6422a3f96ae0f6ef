"""The lines of an article as blocks of text by section: headings, paragraphs, lists, and where images stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from pipelines.sentences import is_readable, sentence_ranges
from pipelines.wikitext.link_spans import CleanText
from pipelines.wikitext.placeholders import IMAGE, TABLE_NUMBER, TRACE, image_placeholders, without_images
from pipelines.wikitext.plain_text import clean_inline
from pipelines.wikitext.traces import split_leading_traces, without_traces
from schemas.records import Link

__all__ = ["DEFAULT_CUT_SECTIONS", "BlockBuilder", "TextBlock"]

DEFAULT_CUT_SECTIONS = (
    "bibliography", "citations", "cited sources", "cited works", "endnotes", "external links", "footnotes",
    "further reading", "general references", "notes", "notes and citations", "notes and references",
    "other references", "primary sources", "references", "references and notes", "related pages",
    "secondary sources", "see also", "sources", "sources and further reading", "suggested reading", "works cited",
)  # fmt: skip
"""Sections that hold no prose about the subject. Source: Wikipedia's Manual of Style, standard appendices.

"Literature" is not among them: in the article about a country it is a part of the culture.
"""

_HEADING = re.compile(r"^(={1,6})(.+?)\1[ \t]*$")
_TABLE_LINE = re.compile(r"^[ \t]*(?:\||\{\||![^|!\n]{0,200}(?:!!|\|))")
_HATNOTE = re.compile(
    r"^''+(?:main articles?|see(?: also)?|further (?:information|reading)|for [^\n]{0,80}?, see"
    r"|this article is about)\b",
    re.IGNORECASE,
)
"""A note that leads elsewhere, written by hand: an indented line in italics. Source: Wikipedia:Hatnote."""
_HORIZONTAL_RULE = re.compile(r"^-{4,}")
_MAX_HEADING_CHARS = 500
_MAX_INDENTS = 8
"""Items of lists that are nested deeper are indented no further."""
_MAX_LEAD_IN_CHARS = 300
_ANNOUNCES = re.compile(r":$|\b(?:following|as follows|below|table)\b", re.IGNORECASE)


class TextBlock(NamedTuple):
    """A paragraph, or a list with an item on each line. section: headings joined by ' / ', or ''.

    Items of a list inside another one are indented by two blanks for each level.
    """

    kind: Literal["paragraph", "list"]
    section: str
    text: str
    links: tuple[Link, ...]


@lru_cache(maxsize=64)
def _lowered(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class BlockBuilder:
    """Builds paragraphs and lists from the lines of an article, and remembers in which section each image stands.

    Args:
        cut_sections: headings, in upper or lower case, that are cut with all below them.
        counters: counts the cut sections, and the table_lead_ins: paragraphs that only announce a table, which the
            text does not hold.
        resolve: replaces the traces of dropped templates in a paragraph or list item (`Traces.resolve`).
    """

    def __init__(
        self, cut_sections: Iterable[str], counters: dict[str, int], resolve: Callable[[str], str] = without_traces
    ) -> None:
        self._cut = _lowered(tuple(cut_sections))
        self._counters = counters
        self._resolve = resolve
        self._headings: list[tuple[int, str]] = []
        self._section = ""
        self._cut_level: int | None = None
        self._lines: list[str] = []
        self._depths: list[int] = []  # of the items of a list, 0 for the outermost
        self._kind: Literal["paragraph", "list"] = "paragraph"
        self._blocks: list[TextBlock] = []
        self._lead_ins = 0  # how many blocks there were when a lead-in was counted last
        self.image_numbers: list[tuple[str, str]] = []
        """The number character of each image placeholder in the order of the text, with its section."""

    def add_line(self, line: str) -> None:
        """Add the next line of wikitext, without templates, tables and file links."""
        if not line:  # nearly half of the lines
            if self._lines:
                self._end_block()
            return
        if IMAGE in line:
            found = image_placeholders(line)
            # Every second character is a number: IMAGE 0 IMAGE 1 ... Images of cut sections count, too.
            self.image_numbers += [(number, self._section) for number in found[1::2] if number != TABLE_NUMBER]
            line = without_images(line)
            if TABLE_NUMBER in found:
                self._end_block()
                self._count_lead_in()
            if not without_traces(line).strip():
                return
        # What a line is, its first character tells, but for traces before it.
        traces, rest = split_leading_traces(line) if TRACE in line else ("", line)
        is_heading = rest[:1] == "=" and len(line) <= _MAX_HEADING_CHARS
        heading = _HEADING.match(without_traces(line).lstrip(" \t")) if is_heading else None
        if heading:
            self._add_heading(len(heading.group(1)), heading.group(2))
        elif self._cut_level is None:
            self._add_text(traces, rest)

    def _add_heading(self, level: int, name: str) -> None:
        self._end_block()
        name = clean_inline(name.strip()).text
        # A heading ends the sections of its own level and of all levels below.
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, name))
        self._section = " / ".join(name for _, name in self._headings)
        if self._cut_level is not None and level > self._cut_level:
            return  # a section inside a cut one
        is_cut = name.lower().strip(" :") in self._cut
        self._cut_level = level if is_cut else None
        if is_cut:
            self._counters["cut_sections"] += 1

    def _add_text(self, traces: str, line: str) -> None:
        """Add a line, without the traces before it: they are put behind its bullets."""
        bare = line.strip()
        if not bare or (line[0] == "-" and _HORIZONTAL_RULE.match(line)):
            self._end_block()
        elif line[0] in "*#:;":
            self._add_item(line, traces)
        # Lines of tables are left where a table's brackets do not match. The first character rules nearly all out.
        elif bare[0] not in "|{!" or not _TABLE_LINE.match(line):
            self._add("paragraph", traces + bare)

    def _add_item(self, line: str, traces: str) -> None:
        text = line.lstrip("*#:;")
        bullets, text = line[: len(line) - len(text)], text.lstrip(" \t")
        if without_traces(text).strip() and not (line[0] == ":" and _HATNOTE.match(text)):
            self._add("list", traces + _list_text(bullets, text))
            self._depths.append(len(bullets) - 1)
        else:
            self._end_block()

    def _add(self, kind: Literal["paragraph", "list"], line: str) -> None:
        if self._kind != kind:
            self._end_block()
        self._kind = kind
        self._lines.append(line)

    def _end_block(self) -> None:
        if self._lines:
            # A paragraph is cleaned as a whole, because a link may run over a line break; an item alone.
            lines = [" ".join(self._lines)] if self._kind == "paragraph" else self._lines
            text, links = _join_lines([clean_inline(self._resolve(line)) for line in lines], self._depths)
            if is_readable(text):
                self._blocks.append(TextBlock(self._kind, self._section, text, links))
        self._lines = []
        self._depths = []

    def _count_lead_in(self) -> None:
        """Count the last paragraph if all that it does is to announce the table that stands here."""
        if self._cut_level is None and self._blocks and len(self._blocks) != self._lead_ins:
            last = self._blocks[-1]
            is_near = last.kind == "paragraph" and last.section == self._section and len(last.text) < _MAX_LEAD_IN_CHARS
            if is_near and _ANNOUNCES.search(last.text) and len(sentence_ranges(last.text)) == 1:
                self._counters["table_lead_ins"] += 1
                self._lead_ins = len(self._blocks)  # a second table behind it is not counted again

    def finish(self) -> list[TextBlock]:
        """End the last block and return all blocks."""
        self._end_block()
        return self._blocks


def _list_text(bullets: str, text: str) -> str:
    """Return a list item's text; in a definition list, `; term : meaning`, a colon follows the term.

    >>> _list_text(";", "Tea : a drink")
    'Tea: a drink'
    """
    return re.sub(r"(?<!\s)\s+:\s+", ": ", text, count=1) if bullets.endswith(";") else text


def _join_lines(lines: list[CleanText], depths: list[int]) -> CleanText:
    r"""Join cleaned lines by line breaks and move their links along; empty lines are left out.

    >>> _join_lines([CleanText("tea", ()), CleanText("green", ()), CleanText("milk", ())], [1, 2, 1]).text
    'tea\n  green\nmilk'
    """
    if len(lines) == 1:
        return lines[0]
    outermost = min(depths, default=0)
    texts: list[str] = []
    links: list[Link] = []
    shift = 0
    for place, line in enumerate(lines):
        if line.text:
            indent = "  " * min(depths[place] - outermost, _MAX_INDENTS) if depths else ""
            shift += len(indent)
            links += [Link(link.start + shift, link.end + shift, link.target) for link in line.links]
            texts.append(indent + line.text)
            shift += len(line.text) + 1
    return CleanText("\n".join(texts), tuple(links))
