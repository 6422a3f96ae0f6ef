"""How an article is cut: paragraphs of bounded length, their sentences, and images with the article's introduction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, cast

from pipelines.wikitext.sentences import Span, is_readable, sentence_spans, split_sentences, trimmed
from schemas.records import ArticleImage, Link, Paragraph, Sentence
from schemas.titles import thumbnail_url

if TYPE_CHECKING:
    from pipelines.wikitext.article import Article, Block

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


class Passages(NamedTuple):
    """The rows of one article. counters: paragraphs dropped as duplicate_paragraphs and empty_paragraphs."""

    sentences: list[Sentence]
    paragraphs: list[Paragraph]
    images: list[ArticleImage]
    counters: dict[str, int]


_new_sentence = cast("Callable[[type[Sentence], tuple[str, str, int, str, str]], Sentence]", tuple.__new__)
"""Makes a sentence in half the time that calling `Sentence` takes."""


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
    page_id, title = article.page_id, article.title
    for section, text, links, is_list in _pieces(article.blocks):
        spans = _line_spans(text) if is_list else sentence_spans(text)
        if not spans or not is_readable(text):
            counters["empty_paragraphs"] += 1
            continue
        if text in seen:
            counters["duplicate_paragraphs"] += 1
            continue
        seen.add(text)
        paragraph_id = f"{page_id}#{len(paragraphs)}"
        paragraphs.append(Paragraph(paragraph_id, page_id, title, section, text, links))
        sentences += [
            _new_sentence(Sentence, (f"{paragraph_id}#{place}", paragraph_id, page_id, title, text[start:end]))
            for place, (start, end) in enumerate(spans)
        ]
    images = _images(article, _introduction(paragraphs)) if article.images else []
    return Passages(sentences, paragraphs, images, counters)


def _images(article: Article, intro: str) -> list[ArticleImage]:
    """Return one row for each file; a file that is used twice keeps its first use, and a caption if any use has one."""
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
    """Return the texts of paragraphs: lists of a section joined, long ones cut, blanks at the ends taken off."""
    for (is_list, section), group in groupby(blocks, key=lambda block: (block.kind == "list", block.section)):
        if is_list:
            whole = [_joined(list(group), section)]
        else:
            whole = [_Piece(section, block.text, block.links, is_list=False) for block in group]
        bound = MAX_LIST_CHARS if is_list else MAX_PARAGRAPH_CHARS
        for piece in whole:
            text = piece.text
            if len(text) <= bound:
                yield _cut(piece, trimmed(text, 0, len(text)))
            else:
                for span in _packed(_lines(text) if is_list else sentence_spans(text), bound):
                    yield _cut(piece, span)


def _joined(blocks: list[Block], section: str) -> _Piece:
    """Join lists that follow each other, a line for each item; links move with their text."""
    if len(blocks) == 1:
        return _Piece(section, blocks[0].text, blocks[0].links, is_list=True)
    links: list[Link] = []
    offset = 0
    for block in blocks:
        links += [Link(start + offset, end + offset, target) for start, end, target in block.links]
        offset += len(block.text) + 1
    return _Piece(section, "\n".join([block.text for block in blocks]), tuple(links), is_list=True)


def _cut(piece: _Piece, span: Span) -> _Piece:
    """Return a part of a piece with the links that lie whole in it."""
    first, last = span
    if first == 0 and last == len(piece.text):
        return piece
    links = [
        Link(start - first, end - first, target) for start, end, target in piece.links if first <= start and end <= last
    ]
    return piece._replace(text=piece.text[first:last], links=tuple(links))


def _packed(spans: Iterable[Span], bound: int) -> Iterator[Span]:
    """Put neighbouring spans together as long as they fit the bound; one that does not fit stands alone."""
    current: Span | None = None
    for span in spans:
        if current is not None and span[1] - current[0] <= bound:
            current = (current[0], span[1])
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def _lines(text: str) -> Iterator[Span]:
    """Return the lines that hold anything, without blanks at their ends; one longer than a list may be is cut."""
    at = 0
    for line in text.split("\n"):
        start, end = trimmed(text, at, at + len(line))
        if end - start > MAX_LIST_CHARS:
            inner = sentence_spans(text[start:end])
            yield from ((first + start, last + start) for first, last in _packed(inner, MAX_LIST_CHARS))
        elif end > start:
            yield start, end
        at += len(line) + 1


def _line_spans(text: str) -> list[Span]:
    """Return the sentences of each line; a line without a letter or digit gives none."""
    spans: list[Span] = []
    for first, last in _lines(text):
        line = text[first:last]
        if is_readable(line):
            spans += [(start + first, end + first) for start, end in sentence_spans(line)]
    return spans
