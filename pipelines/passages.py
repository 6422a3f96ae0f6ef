"""How an article is cut: paragraphs of bounded length, their sentences, and images with the article's introduction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pipelines.sentences import Span, is_readable, sentence_spans, split_sentences, trimmed
from schemas.records import ArticleImage, Link, Paragraph, Sentence
from schemas.titles import thumbnail_url

if TYPE_CHECKING:
    from pipelines.wikitext import Article, Block

__all__ = [
    "MAX_INTRO_CHARS",
    "MAX_LIST_CHARS",
    "MAX_PARAGRAPH_CHARS",
    "Passages",
    "split_article",
    "split_sentences",
]

MAX_LIST_CHARS = 1_500
"""A longer list is cut between items."""
MAX_PARAGRAPH_CHARS = 6_000
"""A longer paragraph is cut between sentences."""
MAX_INTRO_CHARS = 4_000
"""The introduction beside an image ends at the last sentence that fits."""


@dataclass(frozen=True, slots=True)
class Passages:
    """The rows of one article. counters: paragraphs dropped as duplicate_paragraphs and empty_paragraphs."""

    sentences: list[Sentence]
    paragraphs: list[Paragraph]
    images: list[ArticleImage]
    counters: dict[str, int] = field(default_factory=dict)


class _Piece(NamedTuple):
    """A text that becomes one paragraph, with its links. is_list: one item a line."""

    section: str
    text: str
    links: tuple[Link, ...]
    is_list: bool


def split_article(article: Article) -> Passages:
    """Cut an article into sentences, paragraphs and images.

    Items of consecutive lists of a section form one paragraph, one item a line; each line has sentences of its own. A
    paragraph whose text came before in the article is dropped, as in the KB-NER retrieval (a key finds one value).

    Args:
        article: what `parse_article` gives.

    Returns:
        Rows with ids from 0 in the order of the article. The intro of an image is the introduction (section "") up to
        `MAX_INTRO_CHARS`, or the first paragraph where the article has none.
    """
    counters = {"duplicate_paragraphs": 0, "empty_paragraphs": 0}
    paragraphs: list[Paragraph] = []
    sentences: list[Sentence] = []
    seen: set[str] = set()
    for piece in _pieces(article.blocks):
        spans = list(_line_spans(piece.text)) if piece.is_list else sentence_spans(piece.text)
        if not spans or not is_readable(piece.text):
            counters["empty_paragraphs"] += 1
            continue
        if piece.text in seen:
            counters["duplicate_paragraphs"] += 1
            continue
        seen.add(piece.text)
        paragraph_id = f"{article.page_id}#{len(paragraphs)}"
        paragraphs.append(
            Paragraph(paragraph_id, article.page_id, article.title, piece.section, piece.text, piece.links)
        )
        sentences.extend(
            Sentence(f"{paragraph_id}#{place}", paragraph_id, article.page_id, article.title, piece.text[start:end])
            for place, (start, end) in enumerate(spans)
        )
    return Passages(sentences, paragraphs, _images(article, _introduction(paragraphs)), counters)


def _images(article: Article, intro: str) -> list[ArticleImage]:
    """Give one row for each file; a file that is used twice keeps its first use, and a caption if any use has one."""
    captions: dict[str, str] = {}
    for image in article.images:
        captions[image.file] = captions.get(image.file) or image.caption
    rows: dict[str, ArticleImage] = {}
    for image in article.images:
        if image.file not in rows:
            rows[image.file] = ArticleImage(
                file=image.file,
                page_id=article.page_id,
                title=article.title,
                caption=captions[image.file],
                section=image.section,
                position=image.position,
                intro=intro,
                thumbnail_url=thumbnail_url(image.file),
            )
    return list(rows.values())


def _introduction(paragraphs: list[Paragraph]) -> str:
    """Join the paragraphs before the first heading by blank lines, up to MAX_INTRO_CHARS."""
    texts = [paragraph.text for paragraph in paragraphs if not paragraph.section] or [
        paragraph.text for paragraph in paragraphs[:1]
    ]
    text = "\n\n".join(texts)
    if len(text) <= MAX_INTRO_CHARS:
        return text
    ends = [end for _, end in sentence_spans(text[: MAX_INTRO_CHARS + 1])]
    return text[: ends[-2]] if len(ends) > 1 else text[: ends[0]][:MAX_INTRO_CHARS]


def _pieces(blocks: Iterable[Block]) -> Iterator[_Piece]:
    """Give the texts of paragraphs: lists of a section joined, long ones cut, blanks at the ends taken off."""
    for (is_list, section), group in groupby(blocks, key=lambda block: (block.kind == "list", block.section)):
        members = list(group)
        whole = [_joined(members, section)] if is_list else [_as_piece(block) for block in members]
        for piece in whole:
            bound = MAX_LIST_CHARS if is_list else MAX_PARAGRAPH_CHARS
            if len(piece.text) <= bound:
                yield _cut(piece, trimmed(piece.text, Span(0, len(piece.text))))
                continue
            for span in _packed(_lines(piece.text) if is_list else sentence_spans(piece.text), bound):
                yield _cut(piece, span)


def _as_piece(block: Block) -> _Piece:
    return _Piece(block.section, block.text, tuple(block.links), is_list=False)


def _joined(blocks: list[Block], section: str) -> _Piece:
    """Join lists that follow each other, a line for each item; links move with their text."""
    texts: list[str] = []
    links: list[Link] = []
    offset = 0
    for block in blocks:
        links.extend(Link(link.start + offset, link.end + offset, link.target) for link in block.links)
        texts.append(block.text)
        offset += len(block.text) + 1
    return _Piece(section, "\n".join(texts), tuple(links), is_list=True)


def _cut(piece: _Piece, span: Span) -> _Piece:
    """Give a part of a piece with the links that lie whole in it."""
    if span == (0, len(piece.text)):
        return piece
    links = tuple(
        Link(link.start - span.start, link.end - span.start, link.target)
        for link in piece.links
        if span.start <= link.start and link.end <= span.end
    )
    return piece._replace(text=piece.text[span.start : span.end], links=links)


def _packed(spans: Iterable[Span], bound: int) -> Iterator[Span]:
    """Put neighbouring spans together as long as they fit the bound; one that does not fit stands alone."""
    current: Span | None = None
    for span in spans:
        if current is not None and span.end - current.start <= bound:
            current = Span(current.start, span.end)
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def _lines(text: str) -> Iterator[Span]:
    """Give the lines that hold anything, without blanks at their ends; one longer than a list may be is cut."""
    start = 0
    for line in text.split("\n"):
        span = trimmed(text, Span(start, start + len(line)))
        if span.end > span.start:
            if span.end - span.start > MAX_LIST_CHARS:
                inner = sentence_spans(text[span.start : span.end])
                yield from (Span(s + span.start, e + span.start) for s, e in _packed(inner, MAX_LIST_CHARS))
            else:
                yield span
        start += len(line) + 1


def _line_spans(text: str) -> Iterator[Span]:
    """Give the sentences of each line; a line without a letter or digit gives none."""
    for line in _lines(text):
        if is_readable(text[line.start : line.end]):
            for start, end in sentence_spans(text[line.start : line.end]):
                yield Span(start + line.start, end + line.start)
