"""An article cut into passages: paragraphs of bounded length, their sentences, and images with the introduction."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, cast

from pipelines.sentences import CharRange, is_readable, marked_names, sentence_ranges, trimmed
from schemas.records import ArticleImage, Link, Paragraph, Sentence
from schemas.titles import thumbnail_url

if TYPE_CHECKING:
    from pipelines.wikitext.article import Article
    from pipelines.wikitext.sections import TextBlock

__all__ = ["MAX_INTRO_CHARS", "MAX_LIST_CHARS", "MAX_PARAGRAPH_CHARS", "Passages", "split_article"]

MAX_LIST_CHARS = 1_500
"""A longer list is cut between items."""
MAX_LEAD_IN_CHARS = 600
"""A longer paragraph gives the list behind it only its last sentence."""
MAX_PARAGRAPH_CHARS = 6_000
"""A longer paragraph is cut between sentences."""
MAX_INTRO_CHARS = 4_000
"""The introduction beside an image ends at the last sentence that fits."""


_AUTHOR_LAST = re.compile(r"[\"”’] ?[–—-]+ ?[A-Z][^.!?:]{0,80}$")
_ANNOUNCES_LIST = re.compile(r"\b(?:the following|as follows|(?:listed|given|shown|named) below)\b[^.!?]*[.!?]\W*$")


class Passages(NamedTuple):
    """The rows of one article. counters: dropped paragraphs, as duplicate_paragraphs and empty_paragraphs."""

    sentences: list[Sentence]
    paragraphs: list[Paragraph]
    images: list[ArticleImage]
    counters: dict[str, int]


_new_sentence = cast("Callable[[type[Sentence], tuple[str, str, int, str, str]], Sentence]", tuple.__new__)
"""Makes a sentence in half the time of a call of `Sentence`."""


class _Piece(NamedTuple):
    """A text that becomes one paragraph, with its links. is_list: one item a line."""

    section: str
    text: str
    links: tuple[Link, ...]
    is_list: bool


def split_article(article: Article, language: str = "en") -> Passages:
    """Cut an article into sentences, paragraphs and images.

    The items of neighbouring lists of a section form one paragraph, one item a line; each line has its own sentences.
    The paragraph that leads into a list ("The parts are:") is the first line of it; of a long one, its last sentence.
    A paragraph is dropped where the article had the same text before, as in the KB-NER retrieval: there a key finds
    one value.

    Args:
        article: the result of `parse_article`.
        language: code of ISO 639, by whose rules sentences end.

    Returns:
        Rows with ids from 0 in the order of the article. The intro of an image is the introduction (section "") up to
        `MAX_INTRO_CHARS`, or the first paragraph where the article has none.

    >>> from pipelines.dump import Page
    >>> from pipelines.wikitext.article import parse_article
    >>> tea = parse_article(Page(7, 1, "Tea", 0, None, "Tea is hot. It is old.", 0))
    >>> [(row.sentence_id, row.text) for row in split_article(tea).sentences]
    [('7#0#0', 'Tea is hot.'), ('7#0#1', 'It is old.')]
    """
    counters = {"duplicate_paragraphs": 0, "empty_paragraphs": 0}
    paragraphs: list[Paragraph] = []
    sentences: list[Sentence] = []
    seen: set[str] = set()
    page_id, title = article.page_id, article.title
    targets = list(map(itemgetter(2), chain.from_iterable(block.links for block in article.blocks)))
    names = marked_names(title, targets)
    for section, text, links, is_list in _pieces(article.blocks, language):
        ranges = (
            _sentences_by_line(text, names, links, language)
            if is_list
            else sentence_ranges(text, names, links, language)
        )
        # Dropped paragraphs get no number: ids count the rows that are written.
        if not ranges or not is_readable(text):
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
            for place, (start, end) in enumerate(ranges)
        ]
    images = _images(article, _introduction(paragraphs, language)) if article.images else []
    return Passages(sentences, paragraphs, images, counters)


def _images(article: Article, intro: str) -> list[ArticleImage]:
    """Return one row for each file; a file that is used twice keeps its first use, and a caption if any use has one."""
    # Captions first: the use that has one may come after the first use.
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


def _introduction(paragraphs: list[Paragraph], language: str) -> str:
    """Join the paragraphs before the first heading by blank lines, up to MAX_INTRO_CHARS."""
    texts = [paragraph.text for paragraph in paragraphs if not paragraph.section] or [
        paragraph.text for paragraph in paragraphs[:1]
    ]
    text = "\n\n".join(texts)
    if len(text) <= MAX_INTRO_CHARS:
        return text
    # The cut breaks the last sentence; the one before it is the last whole one.
    ends = [end for _, end in sentence_ranges(text[: MAX_INTRO_CHARS + 1], language=language)]
    return text[: ends[-2]] if len(ends) > 1 else text[: ends[0]][:MAX_INTRO_CHARS]


def _pieces(blocks: Iterable[TextBlock], language: str) -> Iterator[_Piece]:
    """Yield the texts of paragraphs, trimmed: neighbouring lists of a section are joined, long texts are cut."""
    waiting: _Piece | None = None  # a paragraph that may lead into the list behind it
    for (is_list, section), group in groupby(blocks, key=lambda block: (block.kind == "list", block.section)):
        if is_list:
            whole = [_join_lists(list(group), section)]
            if waiting and waiting.section == section and _leads_in(waiting.text):
                waiting, whole[0] = _move_lead_in(waiting, whole[0], language)
        else:
            whole = [_Piece(section, block.text, block.links, is_list=False) for block in group]
        if waiting:
            yield from _cut_to_bound(waiting, language)
        waiting = None if is_list else whole.pop()
        for piece in whole:
            yield from _cut_to_bound(piece, language)
    if waiting:
        yield from _cut_to_bound(waiting, language)


def _cut_to_bound(piece: _Piece, language: str) -> Iterator[_Piece]:
    """Yield a piece trimmed, or its parts where it is too long: between items, or between sentences."""
    text, bound = piece.text, MAX_LIST_CHARS if piece.is_list else MAX_PARAGRAPH_CHARS
    if len(text) <= bound and text and not text[0].isspace() and not text[-1].isspace():  # nearly all
        yield piece
    elif len(text) <= bound:
        first, last = trimmed(text, 0, len(text))
        yield piece if last - first == len(text) else _cut_piece(piece, (first, last))
    else:
        for part in _pack(_lines(text, language) if piece.is_list else sentence_ranges(text, language=language), bound):
            yield _cut_piece(piece, part)


def _leads_in(text: str) -> bool:
    """Return whether a paragraph leads into the list behind it: it has no end, or its last sentence says so.

    >>> [_leads_in(text) for text in ("It has:", "The parts are", "A fox. Its parts are as follows.", "It runs.")]
    [True, True, True, False]
    """
    if _AUTHOR_LAST.search(text):
        return False
    last = text.rstrip("\"'”’)")[-1:]
    return last not in ".!?…" or _ANNOUNCES_LIST.search(text) is not None


def _move_lead_in(paragraph: _Piece, items: _Piece, language: str) -> tuple[_Piece | None, _Piece]:
    """Put a paragraph, or only its last sentence where it is long, before a list; return what is left of it."""
    start = 0
    if len(paragraph.text) > MAX_LEAD_IN_CHARS:
        ranges = sentence_ranges(paragraph.text, (), paragraph.links, language)
        start = ranges[-1][0]
        if len(paragraph.text) - start > MAX_LEAD_IN_CHARS:
            return paragraph, items
    lead_in = _cut_piece(paragraph, trimmed(paragraph.text, start, len(paragraph.text)))
    offset = len(lead_in.text) + 1
    links = tuple(Link(start + offset, end + offset, target) for start, end, target in items.links)
    joined = items._replace(text=f"{lead_in.text}\n{items.text}", links=lead_in.links + links)
    return _cut_piece(paragraph, trimmed(paragraph.text, 0, start)) if start else None, joined


def _join_lists(blocks: list[TextBlock], section: str) -> _Piece:
    """Join neighbouring lists, a line for each item; links move with their text."""
    if len(blocks) == 1:
        return _Piece(section, blocks[0].text, blocks[0].links, is_list=True)
    links: list[Link] = []
    offset = 0
    for block in blocks:
        links += [Link(start + offset, end + offset, target) for start, end, target in block.links]
        offset += len(block.text) + 1
    return _Piece(section, "\n".join([block.text for block in blocks]), tuple(links), is_list=True)


def _cut_piece(piece: _Piece, part: CharRange) -> _Piece:
    """Return a part of a piece with the links that lie in it as a whole."""
    first, last = part
    if first == 0 and last == len(piece.text):
        return piece
    links = [
        Link(start - first, end - first, target) for start, end, target in piece.links if first <= start and end <= last
    ]
    return piece._replace(text=piece.text[first:last], links=tuple(links))


def _pack(ranges: Iterable[CharRange], bound: int) -> Iterator[CharRange]:
    """Join neighbouring ranges as long as they fit the bound; a range that is longer stays alone.

    >>> list(_pack([(0, 4), (5, 9), (10, 30), (31, 33)], 10))
    [(0, 9), (10, 30), (31, 33)]
    """
    current: CharRange | None = None
    for following in ranges:
        if current is not None and following[1] - current[0] <= bound:
            current = (current[0], following[1])
            continue
        if current is not None:
            yield current
        current = following
    if current is not None:
        yield current


def _lines(text: str, language: str) -> Iterator[CharRange]:
    """Yield the lines that are not blank, trimmed; one longer than MAX_LIST_CHARS is cut between sentences."""
    at = 0
    for line in text.split("\n"):
        start, end = trimmed(text, at, at + len(line))
        if end - start > MAX_LIST_CHARS:
            inner = sentence_ranges(text[start:end], language=language)
            yield from ((first + start, last + start) for first, last in _pack(inner, MAX_LIST_CHARS))
        elif end > start:
            yield start, end
        at += len(line) + 1


def _sentences_by_line(text: str, names: tuple[str, ...], links: tuple[Link, ...], language: str) -> list[CharRange]:
    """Return the sentences of each line; a line without a letter or digit has none."""
    ranges: list[CharRange] = []
    for first, last in _lines(text, language):
        line = text[first:last]
        if is_readable(line):
            found = sentence_ranges(line, names, (), language)
            if len(found) > 1 and links:  # few items have two sentences: links are moved only for those
                inner = links[bisect_left(links, (first,)) : bisect_left(links, (last,))]
                moved = [Link(start - first, end - first, target) for start, end, target in inner]
                found = sentence_ranges(line, names, moved, language) if moved else found
            ranges += [(start + first, end + first) for start, end in found]
    return ranges
