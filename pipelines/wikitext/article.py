"""The wikitext of a page as an article: blocks of plain text by section, with links, and its images."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.dump import Page
from pipelines.syntax import WikitextParser
from pipelines.wikitext.article_renderer import ArticleRenderer
from pipelines.wikitext.images import DEFAULT_ICON_PATTERNS, ImageCollector
from pipelines.wikitext.placeholders import clean_input, number_of
from pipelines.wikitext.plain_text import clean_inline
from pipelines.wikitext.sections import DEFAULT_CUT_SECTIONS, BlockBuilder, TextBlock
from pipelines.wikitext.tags import break_blocks, drop_hidden, unescape_page
from pipelines.wikitext.traces import Traces, without_traces
from pipelines.wikitext.wiki_words import WikiWords, with_english_names

__all__ = ["ENGLISH", "Article", "CleaningRules", "ImageUse", "parse_article"]

_DISAMBIGUATION_TITLE = re.compile(r"\(disambiguation\)$", re.IGNORECASE)


ENGLISH = WikiWords()
_DISAMBIGUATION_WORD = re.compile("__DISAMBIG__", re.IGNORECASE)
"""The magic word by which MediaWiki itself knows a disambiguation page. Source: Extension:Disambiguator."""


@dataclass(frozen=True)
class CleaningRules:
    """Which parts of an article are kept.

    Args:
        cut_sections: headings, in upper or lower case, that are cut with all below them; their images stay.
        icon_patterns: regular expressions of files that decorate and do not show the subject.
        wikitext_parser: what finds templates, links and tables; the text is made of them in one way.
        wiki: language and namespaces of the wiki.
    """

    cut_sections: tuple[str, ...] = DEFAULT_CUT_SECTIONS
    icon_patterns: tuple[str, ...] = DEFAULT_ICON_PATTERNS
    wikitext_parser: WikitextParser = "scanner"
    wiki: WikiWords = ENGLISH


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
            (sounds, films, documents), cut_sections, parser_functions, images_over_limit,
            table_lead_ins (paragraphs that only announce a table).
        dropped_templates: name of an unknown template -> how often it shows nothing.
        dropped_in_prose: name of a template, known or unknown -> how often it shows nothing inside a line of prose.
        shown_by_argument: name of an unknown template -> how often its first plain argument stands in a sentence.
        examples: name in one of the last two -> a line with one, in short.
        description: what the article says of itself in a few words (`{{Short description}}`); '' if nothing.
    """

    page_id: int
    title: str
    is_disambiguation: bool
    blocks: tuple[TextBlock, ...]
    images: tuple[ImageUse, ...]
    counters: dict[str, int]
    dropped_templates: dict[str, int]
    dropped_in_prose: dict[str, int]
    shown_by_argument: dict[str, int]
    examples: dict[str, str]
    description: str


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
    traces = Traces(page.title)
    renderer = ArticleRenderer(page.title, rules.wikitext_parser, collector, counters, traces)
    wikitext = unescape_page(clean_input(page.wikitext))
    if rules.wiki != ENGLISH:
        wikitext = with_english_names(wikitext, rules.wiki)
    # What may hold lines goes first: elements and brackets. Only after them does each line break end a paragraph's
    # line, a list item or a heading.
    text = renderer.render(wikitext)
    text = break_blocks(renderer.drop_unclosed(renderer.drop_tables(drop_hidden(text))))
    has_disambiguation_word = "__" in text and _DISAMBIGUATION_WORD.search(text) is not None
    builder = BlockBuilder(rules.cut_sections, counters, traces.resolve)
    for line in text.split("\n"):
        builder.add_line(line)
    blocks = builder.finish()
    images = tuple(_image_uses(builder.image_numbers, collector, traces))
    return Article(
        page.page_id,
        page.title,
        renderer.is_disambiguation or has_disambiguation_word or bool(_DISAMBIGUATION_TITLE.search(page.title)),
        tuple(blocks),
        images,
        dict(counters),
        _without(renderer.dropped, traces.shown),
        dict(traces.in_prose),
        dict(traces.shown),
        traces.examples,
        clean_inline(without_traces(renderer.description)).text,
    )


def _without(dropped: dict[str, int], shown: dict[str, int]) -> dict[str, int]:
    """Return counts of dropped templates less those that show an argument after all."""
    return {name: number for name in dropped if (number := dropped[name] - shown.get(name, 0)) > 0}


def _image_uses(numbers: list[tuple[str, str]], collector: ImageCollector, traces: Traces) -> Iterator[ImageUse]:
    """Yield the images in the order of the text, which differs from the order in which they were collected."""
    for position, (number, section) in enumerate(numbers):
        image = collector.images[number_of(number)]
        yield ImageUse(image.file, clean_inline(traces.resolve(image.caption)).text, section, position)
