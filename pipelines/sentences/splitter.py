"""Sentences of a text as ranges: cut by sentencex, corrected by rules of ours, and of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.sentences.boundaries import has_missed_cuts, sentence_pieces
from schemas.records import Link

__all__ = [
    "MAX_QUOTATION_CHARS",
    "MAX_SENTENCE_CHARS",
    "CharRange",
    "is_readable",
    "sentence_ranges",
    "split_sentences",
    "trimmed",
]

MAX_SENTENCE_CHARS = 2_000
"""A longer sentence is cut at a blank: it is a table or a list that lost its markup."""
MAX_QUOTATION_CHARS = 300
"""A longer sentence is cut at the sentences inside its quotations. Source: benchmarks/sentence_splitters.py.

Cutting inside every quotation breaks titles such as "Have you eaten yet? The Reader in A Modest Proposal".
"""
_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTES = re.compile('["“”«»]')
_READABLE = re.compile(r"[^\W_]")
_DASHES = frozenset("—–-")
_AUTHOR = re.compile(r"[–—-] ?[A-Z]")
_CLOSING = frozenset(")]}\"'”’»")

CharRange = tuple[int, int]
"""Half-open range of characters, start and end. A bare pair: a paragraph has about ten, and a class takes time."""


def split_sentences(text: str, names: tuple[str, ...] = ()) -> list[str]:
    """Cut a text into sentences without blanks at their ends.

    Together they hold every character of the text but white space between them. A piece without a letter or digit
    (an ellipsis, a closing bracket) stays with its neighbour, and none is longer than `MAX_SENTENCE_CHARS`.

    Args:
        text: one paragraph in English, or one item of a list.
        names: names in it with a mark that could end a sentence, such as "Jeopardy!".

    Source: package sentencex, chosen by measurement (docs/decisions/0004-sentence-splitter.md).

    >>> split_sentences("The U.S. Army came c. 1850. It left 3.5 years later!")
    ['The U.S. Army came c. 1850.', 'It left 3.5 years later!']
    """
    return [text[start:end] for start, end in sentence_ranges(text, names)]


def sentence_ranges(
    text: str, names: tuple[str, ...] = (), links: Sequence[Link] = (), language: str = "en"
) -> list[CharRange]:
    """Find the sentences of a text: trimmed, in order, none empty, none longer than MAX_SENTENCE_CHARS.

    Args:
        text: a paragraph, or one item of a list.
        names: names in it that hold a mark which could end a sentence.
        links: of the text, by start; no sentence ends inside one.
        language: code of ISO 639; sentencex reads one that it does not know by common rules.

    >>> text = "To be. — Hamlet, Act III. ... He (John.) left."
    >>> [text[start:end] for start, end in sentence_ranges(text)]
    ['To be. — Hamlet, Act III.', '... He (John.) left.']
    """
    has_mark = text.find(".", 0, -1) >= 0 or "!" in text or "?" in text or not text.isascii() or "\n" in text
    places = _places(text, language) if has_mark else []  # half of the items of lists are spared the splitter
    if not places and not (has_mark and has_missed_cuts(text)):
        return _within_bounds(text, [(0, len(text))])
    pieces, begin_with_letter = sentence_pieces(text, places, names, links)
    if begin_with_letter and text[0].isalnum():  # most paragraphs
        return _within_bounds(text, pieces)
    ranges: list[CharRange] = []
    unreadable_start: int | None = None  # of pieces without a letter that wait for the next piece
    for start, end in pieces:
        if unreadable_start is not None:
            start, unreadable_start = unreadable_start, None
        first = text[start]
        if first.isalnum():  # nearly all
            ranges.append((start, end))
        elif first in _DASHES and ranges and _is_author(text, ranges[-1][1], start):
            ranges[-1] = (ranges[-1][0], end)  # the author belongs to the quotation before
        elif _READABLE.search(text, start, end):
            ranges.append((start, end))
        elif ranges and text[start:end].strip()[:1] in _CLOSING:  # a bracket or quote closes the sentence before
            ranges[-1] = (ranges[-1][0], end)
        else:
            unreadable_start = start  # an ellipsis opens the sentence after it
    if unreadable_start is not None:
        ranges.append((ranges.pop()[0] if ranges else unreadable_start, len(text)))
    return _within_bounds(text, ranges)


def _within_bounds(text: str, ranges: list[CharRange]) -> list[CharRange]:
    """Trim the first and the last range, between which all are trimmed, and cut those that are too long."""
    start, end = ranges[0][0], ranges[-1][1]
    if start == end:
        return []
    if text[start].isspace() or text[end - 1].isspace():
        start, end = trimmed(text, start, end)
        if start == end:
            return []
        ranges[0] = (start, ranges[0][1])
        ranges[-1] = (ranges[-1][0], end)
    if end - start <= MAX_SENTENCE_CHARS:
        return ranges
    bounded: list[CharRange] = []
    for start, end in ranges:
        if end - start > MAX_SENTENCE_CHARS:
            bounded += _bounded(text, start, end)
        else:
            bounded.append((start, end))
    return bounded


def _is_author(text: str, end: int, start: int) -> bool:
    """Return whether a piece is the author of the quotation before it: "— Hamlet", or -Aristotle behind a quote."""
    return text.startswith("— ", start) or (text[end - 1] in "\"”’'" and bool(_AUTHOR.match(text, start)))


def _places(text: str, language: str) -> list[int]:
    """Return where sentencex starts a new sentence, with the sentences inside long quotations.

    It sees U+FFFD for a lone surrogate, which is no valid string in Rust and has the same length.
    """
    import sentencex

    try:
        pieces = sentencex.segment(language, text)
    except UnicodeEncodeError:
        pieces = sentencex.segment(language, _SURROGATE.sub("\ufffd", text))
    places: list[int] = []
    at = 0
    for piece in pieces:
        end = at + len(piece)
        if end - at > MAX_QUOTATION_CHARS and _QUOTES.search(piece):
            places += [cut for _, cut in _inside_quotation(text, at, end, language)]
        else:
            places.append(end)
        at = end
    if places and places[-1] >= len(text):
        places.pop()
    return places


def _inside_quotation(text: str, first: int, last: int, language: str) -> Iterator[CharRange]:
    """Cut a long piece at the sentences of its quotations, which sentencex keeps whole.

    Without quotes, which become blanks of the same length, sentencex cuts inside. A closing quote or bracket behind a
    cut stays with the sentence before it.
    """
    import sentencex

    start = at = first
    for piece in sentencex.segment(language, _QUOTES.sub(" ", text[first:last])):
        cut = at + len(piece.rstrip())
        at += len(piece)
        while cut < last and text[cut] in _CLOSING:
            cut += 1
        if start < cut < last:
            yield start, cut
            start = cut
    yield start, last


def _bounded(text: str, start: int, end: int) -> Iterator[CharRange]:
    """Cut a range that is too long at the last blank that fits, or in a word where there is no blank."""
    while end - start > MAX_SENTENCE_CHARS:
        limit = start + MAX_SENTENCE_CHARS
        blank = max(text.rfind(" ", start + 1, limit + 1), text.rfind("\n", start + 1, limit + 1))
        cut = blank if blank > start else limit
        yield trimmed(text, start, cut)
        start = trimmed(text, cut, end)[0]
    if end > start:
        yield start, end


def trimmed(text: str, start: int, end: int) -> CharRange:
    """Return a range without the white space at its ends; an empty range stays at its start.

    >>> trimmed(" a b ", 0, 5)
    (1, 4)
    """
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def is_readable(text: str) -> bool:
    """Return whether a text holds a letter or a digit of any script.

    >>> is_readable("... 茶"), is_readable("_ (...)")
    (True, False)
    """
    return _READABLE.search(text) is not None
