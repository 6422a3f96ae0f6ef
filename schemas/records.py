"""The records: one frozen value per row of each table. Offsets are half-open, in Unicode code points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "FATES",
    "ArticleImage",
    "Fate",
    "ImageEmbedding",
    "Link",
    "PageRow",
    "Paragraph",
    "Reject",
    "Sentence",
]

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
    """One page of the dump and what became of it. redirect_target is null but for redirects."""

    page_id: int
    revision_id: int
    title: str
    namespace: int
    fate: Fate
    redirect_target: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """The key of the text view. sentence_id is `page#paragraph#sentence`, each counted from 0."""

    sentence_id: str
    paragraph_id: str
    page_id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
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
    """A unit vector [dim] float32 of one file; sha256 of the bytes read; size in pixels as displayed."""

    file: str
    vector: tuple[float, ...]
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that was dropped, and why. stage: dump, article, image; id: what and where."""

    stage: str
    id: str
    reason: str
    detail: str
