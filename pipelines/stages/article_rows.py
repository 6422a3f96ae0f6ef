"""A page parsed to rows: the pure step between its wikitext and its rows in the tables. It runs in the guarded process.

It imports no Arrow: the guarded process starts again after every page that goes wrong, and has to start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from pipelines.dump import Page
from pipelines.wikitext import CleaningRules, parse_article, read_facts, split_article
from schemas.records import ArticleImage, Fate, Link, Paragraph

__all__ = ["Columns", "ParsedArticle", "paragraph_columns", "parse_page"]

Columns = tuple[Any, ...]
"""Rows as columns of values, as `ShardWriter.add_columns` takes them; empty if there is no row."""

_image_values = attrgetter(*ArticleImage.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    """The fate of an article, and its rows by table; there are rows only if the fate is "kept".

    Args:
        fate: "kept", "disambiguation" or "empty".
        sentences: columns of its rows in that table; so are paragraphs and images.
        counters: what the cleaning counted, by name.
        dropped_templates: number of uses of each template that the cleaning left out.
        dropped_in_prose: of known and unknown templates inside a line of prose.
        shown_by_argument: of unknown templates whose first plain argument stands in a sentence.
        examples: a line with one of the last two, by name.
        description: what the article says of itself in a few words; '' if nothing.
        facts: columns of the plain rows of its infobox, where they are asked for.
    """

    fate: Fate
    sentences: Columns = ()
    paragraphs: Columns = ()
    images: Columns = ()
    counters: dict[str, int] = field(default_factory=dict)
    dropped_templates: dict[str, int] = field(default_factory=dict)
    dropped_in_prose: dict[str, int] = field(default_factory=dict)
    shown_by_argument: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    description: str = ""
    facts: Columns = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by position: field by field takes three times as long, and every article is sent so."""
        return ParsedArticle, tuple(_field_values(self))


_field_values = attrgetter(*ParsedArticle.__dataclass_fields__)


def parse_page(
    page: Page, rules: CleaningRules, keep_disambiguation: bool = False, with_facts: bool = False
) -> ParsedArticle:
    """Clean the wikitext of an article and split it into rows.

    Args:
        page: an article, not a redirect.
        rules: how wikitext becomes text.
        keep_disambiguation: keep disambiguation pages as articles.
        with_facts: read the infobox, too.

    Raises:
        UnicodeEncodeError: a text has a lone surrogate, which UTF-8 and so no table can hold.
    """
    article = parse_article(page, rules)
    counts: dict[str, Any] = {
        "counters": dict(article.counters),
        "dropped_templates": article.dropped_templates,
        "dropped_in_prose": article.dropped_in_prose,
        "shown_by_argument": article.shown_by_argument,
        "examples": article.examples,
    }
    if article.is_disambiguation and not keep_disambiguation:
        return ParsedArticle("disambiguation", description=article.description, **counts)
    passages = split_article(article, rules.wiki.language)
    counts["counters"] |= passages.counters
    if not passages.paragraphs:
        return ParsedArticle("empty", description=article.description, **counts)
    if article.description:
        counts["counters"]["descriptions"] = 1
    for paragraph in passages.paragraphs:
        paragraph.text.encode("utf-8")  # fails here, where it costs this page alone, and not when the shard is written
    sentences = tuple(zip(*passages.sentences, strict=True))
    images = tuple(zip(*map(_image_values, passages.images), strict=True))
    facts = tuple(zip(*read_facts(page), strict=True)) if with_facts else ()
    columns = (sentences, paragraph_columns(passages.paragraphs), images)
    return ParsedArticle("kept", *columns, description=article.description, facts=facts, **counts)


def paragraph_columns(paragraphs: Sequence[Paragraph]) -> Columns:
    """Return paragraphs as columns; links take four: how many each paragraph has, then start, end and target of all.

    >>> paragraph_columns([Paragraph("1#0", 1, "Tea", "", "A drink.", (Link(2, 7, "Drink"),))])
    (('1#0',), (1,), ('Tea',), ('',), ('A drink.',), ((1,), (2,), (7,), ('Drink',)))
    """
    *columns, links = zip(*paragraphs, strict=True)
    flat = tuple(zip(*chain.from_iterable(links), strict=True)) or ((),) * len(Link._fields)
    return *columns, (tuple(map(len, links)), *flat)
