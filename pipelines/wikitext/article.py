"""The wikitext of a page as an article: blocks of plain text by section, with links, and its pictures. No Beam here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pipelines.dump import Page
from pipelines.templates import is_disambiguation, render
from pipelines.wikitext.brackets import resolve_brackets
from pipelines.wikitext.pictures import DEFAULT_ICON_PATTERNS, PictureBook, is_file_target
from pipelines.wikitext.placeholders import clean_input, image_marks, number_of
from pipelines.wikitext.plain_text import clean_inline
from pipelines.wikitext.sections import DEFAULT_CUT_SECTIONS, Block, Layout
from pipelines.wikitext.tags import break_blocks, strip_comments, take_extensions, unescape_page

__all__ = ["DEFAULT_CUT_SECTIONS", "Article", "Block", "CleaningRules", "ImageUse", "parse_article"]

_NO_KEY = re.compile(r"[\[\]{}<>\n]")
_MAX_KEY_CHARS = 80
_MAX_DROPPED_NAMES = 1_000
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
class ImageUse:
    """A picture where the article shows it; position counts from 0."""

    file: str
    caption: str
    section: str
    position: int


class Article(NamedTuple):
    """What a page says.

    counters: references, tables, math, galleries, code_blocks, extensions (timelines, scores, ...), icons, media
    (sounds, films, documents), cut_sections, parser_functions, images_over_limit. dropped_templates: unknown ones by
    name.
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
    counters: dict[str, int] = defaultdict(int)
    book = PictureBook(rules.icon_patterns, counters)
    brackets = _Brackets(book, counters)
    text = strip_comments(unescape_page(clean_input(page.wikitext)))
    text = take_extensions(text, counters, lambda tag, content: _take_images(book, tag, content))
    text = break_blocks(resolve_brackets(text, brackets))
    layout = Layout(rules.cut_sections, counters)
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

    def __init__(self, book: PictureBook, counters: dict[str, int]) -> None:
        self._book = book
        self._counters = counters
        self.dropped: dict[str, int] = defaultdict(int)
        self.is_disambiguation = False

    def template(self, parts: list[str]) -> str:
        name, is_disambiguation = (_cached_name if len(parts[0]) <= _MAX_KEY_CHARS else _name_of)(parts[0])
        args = _arguments(parts[1:])
        self.is_disambiguation |= is_disambiguation
        shown = render(name, args)
        if name.startswith("#"):
            self._counters["parser_functions"] += 1
            self._count_dropped(name.partition(":")[0], is_dropped=not shown)
        else:
            self._count_dropped(name, is_dropped=shown is None)
        return shown or self._book.template(name, args)

    def _count_dropped(self, name: str, is_dropped: bool) -> None:
        if is_dropped:
            name = name[:_MAX_KEY_CHARS]
            is_listed = name in self.dropped or len(self.dropped) < _MAX_DROPPED_NAMES
            self.dropped[name if is_listed else "(others)"] += 1

    def link(self, parts: list[str]) -> str:
        return self._book.link(parts) if is_file_target(parts[0]) else f"[[{'|'.join(parts)}]]"

    def table(self, content: str) -> str:
        self._counters["tables"] += 1
        return "\n" + image_marks(content)


def _name_of(written: str) -> tuple[str, bool]:
    """Return a template's name in one form, and whether it marks a disambiguation page."""
    name = " ".join(written.replace("_", " ").lower().split())
    return name, is_disambiguation(name)


_cached_name = lru_cache(maxsize=1 << 13)(_name_of)


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
