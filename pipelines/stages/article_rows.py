"""An article parsed: its fate, and its rows by column, as they travel from the guarded process into the tables.

Imports no Arrow: the guarded process, which ends and starts again with every page that goes wrong, needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from pipelines.dump import Page
from pipelines.wikitext import CleaningRules, parse_article, split_article
from schemas.records import ArticleImage, Fate, Link, Paragraph

__all__ = ["Columns", "ParsedArticle", "parse_page"]

Columns = tuple[Any, ...]
"""Rows as `RowColumns.add_columns` takes them; empty if there is none."""

_image_values = attrgetter(*ArticleImage.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    """What an article comes to; no rows unless its fate is "kept". The counters are those of the cleaning."""

    fate: Fate
    sentences: Columns = ()
    paragraphs: Columns = ()
    images: Columns = ()
    counters: dict[str, int] = field(default_factory=dict)
    dropped_templates: dict[str, int] = field(default_factory=dict)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by position: field by field takes three times as long."""
        columns = (self.sentences, self.paragraphs, self.images)
        return ParsedArticle, (self.fate, *columns, self.counters, self.dropped_templates)


def parse_page(page: Page, rules: CleaningRules, keep_disambiguation: bool = False) -> ParsedArticle:
    """Clean an article and cut it into rows. Runs in the guard's child.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate, which no table can.
    """
    article = parse_article(page, rules)
    counters, dropped = dict(article.counters), dict(article.dropped_templates)
    if article.is_disambiguation and not keep_disambiguation:
        return ParsedArticle("disambiguation", counters=counters, dropped_templates=dropped)
    passages = split_article(article)
    counters |= passages.counters
    if not passages.paragraphs:
        return ParsedArticle("empty", counters=counters, dropped_templates=dropped)
    for paragraph in passages.paragraphs:
        paragraph.text.encode("utf-8")
    sentences = tuple(zip(*passages.sentences, strict=True))
    images = tuple(zip(*map(_image_values, passages.images), strict=True))
    return ParsedArticle("kept", sentences, _paragraph_columns(passages.paragraphs), images, counters, dropped)


def _paragraph_columns(paragraphs: Sequence[Paragraph]) -> Columns:
    """Return paragraphs as columns, with their links laid out flat.

    >>> _paragraph_columns([Paragraph("1#0", 1, "Tea", "", "A drink.", (Link(2, 7, "Drink"),))])
    (('1#0',), (1,), ('Tea',), ('',), ('A drink.',), ((1,), (2,), (7,), ('Drink',)))
    """
    *columns, links = zip(*paragraphs, strict=True)
    flat = tuple(zip(*chain.from_iterable(links), strict=True)) or ((),) * len(Link._fields)
    return *columns, (tuple(map(len, links)), *flat)
