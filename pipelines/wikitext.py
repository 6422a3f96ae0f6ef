"""The wikitext of a page as an article: blocks of plain text by section, with links, and its pictures. No Beam here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.inline_text import CleanText, clean_inline
from pipelines.markers import IMAGE_MARK, clean_input, image_marks, number_of, without_image_marks
from pipelines.markup_tags import break_blocks, strip_comments, take_extensions
from pipelines.page_xml import Page
from pipelines.pictures import DEFAULT_ICON_PATTERNS, PictureBook, is_file_target
from pipelines.scanner import resolve_brackets
from pipelines.templates import render
from schemas.records import Link

__all__ = ["DEFAULT_CUT_SECTIONS", "Article", "Block", "CleaningRules", "ImageUse", "parse_article"]

DEFAULT_CUT_SECTIONS = (
    "bibliography", "citations", "cited sources", "cited works", "endnotes", "external links", "footnotes",
    "further reading", "general references", "literature", "notes", "notes and citations", "notes and references",
    "other references", "primary sources", "reading", "references", "references and notes", "related pages",
    "secondary sources", "see also", "sources", "sources and further reading", "suggested reading", "works cited",
)  # fmt: skip
"""Sections that hold no prose about the subject. Source: Wikipedia's Manual of Style, standard appendices."""

_HEADING = re.compile(r"^(={1,6})(.+?)\1[ \t]*$")
_LIST_LINE = re.compile(r"^([*#:;]+)[ \t]*(.*)$", re.DOTALL)
_TABLE_LINE = re.compile(r"^[ \t]*(?:\||\{\||![^|!\n]{0,200}(?:!!|\|))")
_RULE = re.compile(r"^-{4,}")
_NO_KEY = re.compile(r"[\[\]{}<>\n]")
_MAX_KEY_CHARS = 80
_MAX_HEADING_CHARS = 500
_MAX_DROPPED_NAMES = 1_000
_DISAMBIGUATION = re.compile(
    r"^(?:disambig(?:uation)?(?: (?:cleanup|page))?|disamb|dab|hndis|geodis|human name disambiguation|roaddis|mathdab"
    r"|mathematical disambiguation|schooldis|school disambiguation|hospitaldis|numberdis|letter-numbercombdisambig"
    r"|letter-number combination disambiguation|callsigndis|call sign disambiguation|airport disambiguation|biology"
    r" disambiguation|taxonomy disambiguation|species latin name disambiguation|species latin name abbreviation"
    r" disambiguation|place name disambiguation|airport disambig|chinese title disambiguation|chinesetitledisambig"
    r"|music disambiguation|station disambiguation|stationdis|wikipedia disambiguation|[234][a-z]+disambig)$"
)
_DISAMBIGUATION_TITLE = re.compile(r"\(disambiguation\)$", re.IGNORECASE)


@dataclass(frozen=True)
class CleaningRules:
    """What is kept of an article.

    Args:
        cut_sections: names of headings, in any case, that are cut with all below them; their pictures stay.
        icon_patterns: regular expressions of files that are no pictures of the subject.
    """

    cut_sections: tuple[str, ...] = DEFAULT_CUT_SECTIONS
    icon_patterns: tuple[str, ...] = DEFAULT_ICON_PATTERNS


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a list with an item on each line. section: headings joined by ' / ', '' is the introduction."""

    kind: Literal["paragraph", "list"]
    section: str
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A picture where the article shows it; position counts from 0."""

    file: str
    caption: str
    section: str
    position: int


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says.

    counters: references, tables, math, galleries, code_blocks, extensions (timelines, scores, ...), icons, media
    (sounds, films, documents), cut_sections, parser_functions. dropped_templates: unknown ones by name.
    """

    page_id: int
    title: str
    is_disambiguation: bool
    blocks: tuple[Block, ...]
    images: tuple[ImageUse, ...]
    counters: dict[str, int]
    dropped_templates: dict[str, int]


def parse_article(page: Page, rules: CleaningRules = CleaningRules()) -> Article:
    r"""Read the wikitext of a page. Any text gives an article, in time that is linear in its length.

    Args:
        page: a page of the dump.
        rules: what is kept.

    Returns:
        Text as a person would read it: inline templates rendered, formulas as their LaTeX source, lists as lines,
        tables, references and captions out of the text.

    >>> page = Page(1, 1, "Tea", 0, None, "'''Tea''' is a [[drink]].<ref>x</ref>\n== Uses ==\n* [[Ice tea|iced]]", 0)
    >>> [(block.kind, block.section, block.text) for block in parse_article(page).blocks]
    [('paragraph', '', 'Tea is a drink.'), ('list', 'Uses', 'iced')]
    """
    counters: Counter[str] = Counter()
    book = PictureBook(rules.icon_patterns, counters)
    brackets = _Brackets(book, counters)
    text = strip_comments(clean_input(page.wikitext))
    text = take_extensions(text, counters, lambda tag, content: _take_images(book, tag, content))
    text = break_blocks(resolve_brackets(text, brackets))
    layout = _Layout(rules, counters)
    for line in text.split("\n"):
        layout.take(line)
    blocks = layout.finish()
    return Article(
        page.page_id,
        page.title,
        brackets.is_disambiguation or bool(_DISAMBIGUATION_TITLE.search(page.title)),
        tuple(blocks),
        tuple(_image_uses(layout.marks, book)),
        dict(counters),
        dict(brackets.dropped),
    )


def _take_images(book: PictureBook, tag: str, content: str) -> str:
    return book.gallery(content) if tag == "gallery" else book.image_map(content)


def _image_uses(marks: list[tuple[str, str]], book: PictureBook) -> Iterator[ImageUse]:
    for position, (mark, section) in enumerate(marks):
        picture = book.pictures[number_of(mark)]
        yield ImageUse(picture.file, clean_inline(picture.caption).text, section, position)


class _Brackets:
    """What templates, links and tables of an article become."""

    def __init__(self, book: PictureBook, counters: Counter[str]) -> None:
        self._book = book
        self._counters = counters
        self.dropped: Counter[str] = Counter()
        self.is_disambiguation = False

    def template(self, parts: list[str]) -> str:
        name = " ".join(parts[0].replace("_", " ").lower().split())
        args = _arguments(parts[1:])
        if _DISAMBIGUATION.match(name):
            self.is_disambiguation = True
        shown = render(name, args)
        if shown is None:
            if name.startswith("#"):
                self._counters["parser_functions"] += 1
            name = name[:_MAX_KEY_CHARS]
            is_listed = name in self.dropped or len(self.dropped) < _MAX_DROPPED_NAMES
            self.dropped[name if is_listed else "(others)"] += 1
        if shown:
            return shown
        return self._book.template(name, args)

    def link(self, parts: list[str]) -> str:
        return self._book.link(parts) if is_file_target(parts[0]) else f"[[{'|'.join(parts)}]]"

    def table(self, content: str) -> str:
        self._counters["tables"] += 1
        return "\n" + image_marks(content)


def _arguments(parts: list[str]) -> dict[str, str]:
    """Name the arguments of a template: `key=value` by its key, others by their place.

    >>> _arguments(["330", "abbr = on", "mi"])
    {'1': '330', 'abbr': 'on', '2': 'mi'}
    """
    args: dict[str, str] = {}
    place = 0
    for part in parts:
        key, equals, value = part.partition("=")
        key = key.strip()
        if equals and 0 < len(key) <= _MAX_KEY_CHARS and not _NO_KEY.search(key):
            args[key] = value.strip()
        else:
            place += 1
            args[str(place)] = part.strip()
    return args


class _Layout:
    """Puts the lines of an article together: headings, paragraphs, lists; remembers where picture marks stand."""

    def __init__(self, rules: CleaningRules, counters: Counter[str]) -> None:
        self._cut = {name.lower() for name in rules.cut_sections}
        self._counters = counters
        self._path: list[tuple[int, str]] = []
        self._section = ""
        self._cut_level: int | None = None
        self._lines: list[str] = []
        self._kind: Literal["paragraph", "list"] = "paragraph"
        self._blocks: list[Block] = []
        self.marks: list[tuple[str, str]] = []

    def take(self, line: str) -> None:
        if IMAGE_MARK in line:
            marks = image_marks(line)
            self.marks += [(marks[at + 1], self._section) for at in range(0, len(marks), 2)]
            line = without_image_marks(line)
            if not line.strip():
                return
        is_heading = line.startswith("=") and len(line) <= _MAX_HEADING_CHARS
        heading = _HEADING.match(line) if is_heading else None
        if heading:
            self._take_heading(len(heading.group(1)), heading.group(2))
        elif self._cut_level is None:
            self._take_text(line)

    def _take_heading(self, level: int, name: str) -> None:
        self._end_block()
        name = clean_inline(name.strip()).text
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, name))
        self._section = " / ".join(name for _, name in self._path)
        if self._cut_level is not None and level > self._cut_level:
            return
        is_cut = name.lower().strip(" :") in self._cut
        self._cut_level = level if is_cut else None
        self._counters["cut_sections"] += is_cut

    def _take_text(self, line: str) -> None:
        if not line.strip() or _RULE.match(line):
            self._end_block()
            return
        item = _LIST_LINE.match(line)
        if item and item.group(2).strip():
            self._add("list", _list_text(*item.groups()))
        elif item:
            self._end_block()
        elif not _TABLE_LINE.match(line):
            self._add("paragraph", line.strip())

    def _add(self, kind: Literal["paragraph", "list"], line: str) -> None:
        if self._kind != kind:
            self._end_block()
        self._kind = kind
        self._lines.append(line)

    def _end_block(self) -> None:
        if self._lines:
            lines = [" ".join(self._lines)] if self._kind == "paragraph" else self._lines
            text, links = _join_lines([clean_inline(line) for line in lines])
            if any(char.isalnum() for char in text):
                self._blocks.append(Block(self._kind, self._section, text, links))
        self._lines = []

    def finish(self) -> list[Block]:
        self._end_block()
        return self._blocks


def _list_text(marks: str, text: str) -> str:
    """Give a list item's text; in a definition list `; term : meaning` the term keeps its colon.

    >>> _list_text(";", "Tea : a drink")
    'Tea: a drink'
    """
    return re.sub(r"(?<!\s)\s+:\s+", ": ", text, count=1) if marks.endswith(";") else text


def _join_lines(lines: list[CleanText]) -> CleanText:
    """Join cleaned lines by line breaks, moving their links along; empty ones are left out."""
    if len(lines) == 1:
        return lines[0]
    texts: list[str] = []
    links: list[Link] = []
    shift = 0
    for line in lines:
        if line.text:
            links += [Link(link.start + shift, link.end + shift, link.target) for link in line.links]
            texts.append(line.text)
            shift += len(line.text) + 1
    return CleanText("\n".join(texts), tuple(links))
