"""The wikitext of a page as an article: blocks of plain text by section, with links, and its images."""

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
from pipelines.wikitext.images import DEFAULT_ICON_PATTERNS, ImageCollector, is_file_target
from pipelines.wikitext.placeholders import clean_input, image_placeholders, number_of
from pipelines.wikitext.plain_text import clean_inline
from pipelines.wikitext.sections import DEFAULT_CUT_SECTIONS, BlockBuilder, TextBlock
from pipelines.wikitext.tags import break_blocks, replace_extensions, strip_comments, unescape_page

__all__ = ["Article", "CleaningRules", "ImageUse", "parse_article"]

_NOT_IN_KEYS = re.compile(r"[\[\]{}<>\n]")
_MAX_KEY_CHARS = 80
"""Longer names of templates are cut where they are counted; longer keys of arguments are text with an equals sign."""
_MAX_DROPPED_NAMES = 1_000
"""So many names of unknown templates are counted one by one in an article; the others are counted together."""
_DISAMBIGUATION_TITLE = re.compile(r"\(disambiguation\)$", re.IGNORECASE)


@dataclass(frozen=True)
class CleaningRules:
    """Which parts of an article are kept.

    Args:
        cut_sections: headings, in upper or lower case, that are cut with all below them; their images stay.
        icon_patterns: regular expressions of files that decorate and do not show the subject.
    """

    cut_sections: tuple[str, ...] = DEFAULT_CUT_SECTIONS
    icon_patterns: tuple[str, ...] = DEFAULT_ICON_PATTERNS


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image where the article shows it. position: its place among the images, from 0."""

    file: str
    caption: str
    section: str
    position: int


class Article(NamedTuple):
    """The text and the images of a page.

    Args:
        page_id, title: of the page.
        is_disambiguation: whether the page lists the meanings of its title.
        blocks: paragraphs and lists in their order.
        images: in their order.
        counters: references, tables, math, galleries, code_blocks, extensions (timelines, scores, ...), icons, media
            (sounds, films, documents), cut_sections, parser_functions, images_over_limit.
        dropped_templates: name of an unknown template -> how often it occurs.
    """

    page_id: int
    title: str
    is_disambiguation: bool
    blocks: tuple[TextBlock, ...]
    images: tuple[ImageUse, ...]
    counters: dict[str, int]
    dropped_templates: dict[str, int]


def parse_article(page: Page, rules: CleaningRules = CleaningRules()) -> Article:
    r"""Read the wikitext of a page. Any text gives an article, in time that is linear in its length.

    Args:
        page: a page of the dump.
        rules: which parts are kept.

    Returns:
        Text as a person would read it: inline templates rendered, formulas as their LaTeX source, lists as lines;
        without tables, references and captions.

    >>> page = Page(1, 1, "Tea", 0, None, "'''Tea''' is a [[drink]].<ref>x</ref>\n== Uses ==\n* [[Ice tea|iced]]", 0)
    >>> [(block.kind, block.section, block.text) for block in parse_article(page).blocks]
    [('paragraph', '', 'Tea is a drink.'), ('list', 'Uses', 'iced')]
    """
    counters: dict[str, int] = defaultdict(int)
    collector = ImageCollector(rules.icon_patterns, counters)
    renderer = _ArticleRenderer(collector, counters)
    # What may hold everything else goes first: a comment holds any text, an extension tag holds brackets, and a bracket
    # holds lines. Only after them does each line break end a paragraph's line, a list item or a heading.
    text = strip_comments(unescape_page(clean_input(page.wikitext)))
    text = replace_extensions(text, counters, lambda tag, content: _render_images(collector, tag, content))
    text = break_blocks(resolve_brackets(text, renderer))
    builder = BlockBuilder(rules.cut_sections, counters)
    for line in text.split("\n"):
        builder.add_line(line)
    blocks = builder.finish()
    return Article(
        page.page_id,
        page.title,
        renderer.is_disambiguation or bool(_DISAMBIGUATION_TITLE.search(page.title)),
        tuple(blocks),
        tuple(_image_uses(builder.image_numbers, collector)),
        dict(counters),
        dict(renderer.dropped),
    )


def _render_images(collector: ImageCollector, tag: str, content: str) -> str:
    return collector.gallery(content) if tag == "gallery" else collector.image_map(content)


def _image_uses(numbers: list[tuple[str, str]], collector: ImageCollector) -> Iterator[ImageUse]:
    """Yield the images in the order of the text, which differs from the order in which they were collected."""
    for position, (number, section) in enumerate(numbers):
        image = collector.images[number_of(number)]
        yield ImageUse(image.file, clean_inline(image.caption).text, section, position)


class _ArticleRenderer:
    """Renders the templates, links and tables of an article, and counts them."""

    def __init__(self, collector: ImageCollector, counters: dict[str, int]) -> None:
        self._collector = collector
        self._counters = counters
        self.dropped: dict[str, int] = defaultdict(int)
        self.is_disambiguation = False

    def template(self, parts: list[str]) -> str:
        read_name = _cached_name if len(parts[0]) <= _MAX_KEY_CHARS else _read_name
        name, marks_disambiguation = read_name(parts[0])
        args = _arguments(parts[1:])
        self.is_disambiguation |= marks_disambiguation
        # The text behind the colon of a parser function keeps its capitals: {{lcfirst:Big Ben}}.
        shown = render(parts[0] if ":" in name else name, args)
        if name.startswith("#"):
            self._counters["parser_functions"] += 1
            self._count_dropped(name.partition(":")[0], is_dropped=not shown)
        else:
            self._count_dropped(name, is_dropped=shown is None)
        # A template without text may be a box with images.
        return shown or self._collector.template(name, args)

    def _count_dropped(self, name: str, is_dropped: bool) -> None:
        if is_dropped:
            name = name[:_MAX_KEY_CHARS]
            is_listed = name in self.dropped or len(self.dropped) < _MAX_DROPPED_NAMES
            self.dropped[name if is_listed else "(others)"] += 1

    def link(self, parts: list[str]) -> str:
        # Other links stay as they are: clean_inline reads them line by line, where their positions are known.
        return self._collector.link(parts) if is_file_target(parts[0]) else f"[[{'|'.join(parts)}]]"

    def table(self, content: str) -> str:
        self._counters["tables"] += 1
        return "\n" + image_placeholders(content)


def _read_name(written: str) -> tuple[str, bool]:
    """Return a template's name in its normal form, and whether it marks a disambiguation page.

    >>> _read_name(" Human_name  disambiguation")
    ('human name disambiguation', True)
    """
    name = " ".join(written.replace("_", " ").lower().split())
    return name, is_disambiguation(name)


_cached_name = lru_cache(maxsize=1 << 13)(_read_name)


def _arguments(parts: list[str]) -> dict[str, str]:
    """Return the arguments of a template by name: `key=value` by its key, others by their place.

    >>> _arguments(["330", "abbr = on", "mi"])
    {'1': '330', 'abbr': 'on', '2': 'mi'}
    """
    args: dict[str, str] = {}
    place = 0
    for part in parts:
        key, equals, value = part.partition("=")
        key = key.strip()
        if equals and 0 < len(key) <= _MAX_KEY_CHARS and not _NOT_IN_KEYS.search(key):
            args[key] = value.strip()
        else:
            place += 1
            args[str(place)] = part.strip()
    return args
