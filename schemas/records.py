"""The records: one frozen value per row of each table. Offsets are half-open, in Unicode code points.

Those that an article has many of are named tuples: one is made in a quarter of the time, and rows turn into columns by
one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "DEFAULT_K",
    "FATES",
    "ArticleImage",
    "Context",
    "Count",
    "Fate",
    "ImageEmbedding",
    "Ledger",
    "Link",
    "PageRow",
    "Paragraph",
    "Query",
    "Reject",
    "Sample",
    "Sentence",
    "Span",
    "WrittenLink",
]

DEFAULT_K = 10
"""Hits of a search, and contexts of a sample from each source, where nobody says how many: as in the paper (MoRe)."""
Fate = Literal["kept", "redirect", "disambiguation", "other_namespace", "empty", "rejected"]
FATES: tuple[Fate, ...] = ("kept", "redirect", "disambiguation", "other_namespace", "empty", "rejected")
"""What became of a page. The counts of all fates sum to the pages read."""


class Link(NamedTuple):
    """An anchor in a paragraph: text[start:end] links to the page called target."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page of the dump and what became of it. redirect_target is None but for redirects."""

    page_id: int
    revision_id: int
    title: str
    namespace: int
    fate: Fate
    redirect_target: str | None
    size_bytes: int


class Sentence(NamedTuple):
    """The key of the text view. sentence_id is `page#paragraph#sentence`, each counted from 0."""

    sentence_id: str
    paragraph_id: str
    page_id: int
    title: str
    text: str


class Paragraph(NamedTuple):
    """The value of the text view. section is the path of headings, joined by ' / '; '' is the introduction."""

    paragraph_id: str
    page_id: int
    title: str
    section: str
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ArticleImage:
    """The key (file) and value (intro) of the image view. position counts an article's images from 0."""

    file: str
    page_id: int
    title: str
    caption: str
    section: str
    position: int
    intro: str
    thumbnail_url: str


@dataclass(frozen=True, slots=True)
class ImageEmbedding:
    """A unit vector [dim] float32 of one file; sha256 of the bytes read; size in pixels as displayed.

    source is the spec of what gave the bytes; page_url the address of the file's page: author and licence stand there.
    """

    file: str
    vector: tuple[float, ...]
    sha256: str
    width: int
    height: int
    source: str
    page_url: str


class Count(NamedTuple):
    """So many of what a name stands for."""

    name: str
    number: int


class WrittenLink(NamedTuple):
    """The title that link number `link` of paragraph number `paragraph` names in the wikitext: a redirect's."""

    paragraph: int
    link: int
    title: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What else is known of an article that was parsed: with it, a later build can take its rows over unparsed.

    counters, dropped_templates: what the manifest sums, by name; redirected: links whose target was a redirect.
    """

    page_id: int
    counters: tuple[Count, ...]
    dropped_templates: tuple[Count, ...]
    redirected: tuple[WrittenLink, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that was dropped, and why. stage: dump, article, image; id: what and where."""

    stage: str
    id: str
    reason: str
    detail: str


class Span(NamedTuple):
    """Tokens start up to, but not including, end of a sample."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A post of a data set. Labels are None where there are none: tags for entities; head, tail, relation for pairs.

    image is a file name, relative to the folder of images; sample_id is unique over all splits of its set.
    """

    sample_id: str
    tokens: tuple[str, ...]
    image: str | None = None
    tags: tuple[str, ...] | None = None
    head: Span | None = None
    tail: Span | None = None
    relation: str | None = None
    split: str = "test"


@dataclass(frozen=True, slots=True)
class Context:
    """A text that belongs to a sample. source: text, image, caption, ...; rank counts from 1 within it.

    matched is the key that was hit: the sentence (text view) or the image file (image view), "" where there is none;
    score is None where the source gives none.
    """

    sample_id: str
    source: str
    rank: int
    score: float | None
    doc_id: str
    title: str
    text: str
    matched: str


@dataclass(frozen=True, slots=True)
class Query:
    """That a source was asked for a sample, and what came back.

    digest identifies what was asked (`schemas.dataset.input_digest`); status is hit, no_hit, no_image,
    missing_image or broken_image; contexts counts the Context rows.
    """

    sample_id: str
    source: str
    digest: str
    status: str
    contexts: int
