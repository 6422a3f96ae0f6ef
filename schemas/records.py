"""The records: one frozen value per row of each table. Offsets are half-open, in Unicode code points.

Records of which an article or a sample has many are named tuples: making one takes a quarter of the time, and rows turn
into columns by one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "DEFAULT_K",
    "FATES",
    "ArticleImage",
    "Box",
    "Context",
    "Count",
    "Entity",
    "Fact",
    "Fate",
    "ImageEmbedding",
    "Ledger",
    "Link",
    "PageRow",
    "Paragraph",
    "Query",
    "Reject",
    "Relation",
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
    """One page of the dump and what became of it. redirect_target is None but for redirects.

    description: what an article says of itself in a few words, as in "American rapper"; '' if nothing.
    """

    page_id: int
    revision_id: int
    title: str
    namespace: int
    fate: Fate
    redirect_target: str | None
    size_bytes: int
    description: str


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

    source is the spec of the image source that gave the bytes; page_url is the address of the file's page, which names
    author and licence.
    """

    file: str
    vector: tuple[float, ...]
    sha256: str
    width: int
    height: int
    source: str
    page_url: str


class Count(NamedTuple):
    """How often something was counted, by its name."""

    name: str
    number: int


class Fact(NamedTuple):
    """A plain row of an article's infobox: key ("occupation") and value ("Singer; actor")."""

    page_id: int
    key: str
    value: str


class WrittenLink(NamedTuple):
    """A link to a redirect: the title that it names in the wikitext. Paragraph and link count from 0."""

    paragraph: int
    link: int
    title: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a later build needs to take over the rows of an article without parsing it again.

    counters, dropped_templates, dropped_in_prose, shown_by_argument: the article's part of the manifest's sums, by
    name; redirected: links to redirects.
    """

    page_id: int
    counters: tuple[Count, ...]
    dropped_templates: tuple[Count, ...]
    dropped_in_prose: tuple[Count, ...]
    shown_by_argument: tuple[Count, ...]
    redirected: tuple[WrittenLink, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A page, article or image that was dropped, and why. stage: dump, article, image; id: which one, and where."""

    stage: str
    id: str
    reason: str
    detail: str


class Span(NamedTuple):
    """Tokens start up to, but not including, end of a sample."""

    start: int
    end: int


class Box(NamedTuple):
    """A rectangle in a picture, in pixels from its upper left corner: x1 < x2, y1 < y2."""

    x1: float
    y1: float
    x2: float
    y2: float


class Entity(NamedTuple):
    """Tokens start up to, but not including, end of a sample are an entity.

    Args:
        start, end: tokens, half-open.
        type: for instance PER.
        fine: the type in a finer set of types, for instance actor; None where the data has none.
        boxes: where the picture shows the entity; () where it does not, or where nobody looked.
        score: how sure a system is of the entity, in [0, 1]; None for gold entities.
    """

    start: int
    end: int
    type: str
    fine: str | None = None
    boxes: tuple[Box, ...] = ()
    score: float | None = None


class Relation(NamedTuple):
    """A directed relation from head to tail. Each end is a span of tokens or a box in the picture.

    score is how sure a system is of the relation, in [0, 1]; None for gold relations.
    """

    head: Span | Box
    tail: Span | Box
    type: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A post of a data set. A label is None where the data does not give it.

    Args:
        sample_id: unique over all splits of its data set.
        tokens: of the text.
        image: a file name, relative to the folder of images.
        tags: one per token, as the data set writes them: scorers need an I- tag that has no B- before it.
        head, tail, relation: the pair of a sample that asks for one relation, and its name.
        split: train, dev or test.
        entities: as records, with what tags cannot say: fine types and boxes.
        relations: as records: any number of them, between spans or boxes.
        group: names the samples that belong together, for instance all posts with one picture.
        step: the place of the sample in its group, from 0, where their order matters.
    """

    sample_id: str
    tokens: tuple[str, ...]
    image: str | None = None
    tags: tuple[str, ...] | None = None
    head: Span | None = None
    tail: Span | None = None
    relation: str | None = None
    split: str = "test"
    entities: tuple[Entity, ...] | None = None
    relations: tuple[Relation, ...] | None = None
    group: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """A text that belongs to a sample. source: text, image, caption, ...; rank counts from 1 within it.

    matched is the key that was hit: the sentence (text view) or the image file (image view), "" where there is none;
    score is None where the source gives none. description: that of the article, '' where there is none.
    """

    sample_id: str
    source: str
    rank: int
    score: float | None
    doc_id: str
    title: str
    text: str
    matched: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One search of a source for the contexts of a sample, and its outcome.

    digest identifies what the source could see of the sample (`schemas.dataset.input_digest`); status is hit, no_hit,
    no_image, missing_image or broken_image; contexts counts the Context rows.
    """

    sample_id: str
    source: str
    digest: str
    status: str
    contexts: int
