"""Sentences of a text as ranges: cut by sentencex, corrected by rules of ours, and of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
_ODD = re.compile("([\ud800-\udfff])|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029\r]")
_QUOTES = re.compile('["“”«»]')
_READABLE = re.compile(r"[^\W_]")
_CLOSING = frozenset(")]}\"'”’»")

CharRange = tuple[int, int]
"""Half-open range of characters, start and end. A bare pair: a paragraph has about ten, and a class takes time."""


def split_sentences(text: str) -> list[str]:
    """Cut a text into sentences without blanks at their ends.

    Together they hold every character of the text but white space between them. A piece without a letter or digit
    (an ellipsis, a closing bracket) stays with its neighbour, and none is longer than `MAX_SENTENCE_CHARS`.

    Args:
        text: one paragraph in English, or one item of a list.

    Source: package sentencex, chosen by measurement (docs/decisions/0004-sentence-splitter.md).

    >>> split_sentences("The U.S. Army came c. 1850. It left 3.5 years later!")
    ['The U.S. Army came c. 1850.', 'It left 3.5 years later!']
    """
    return [text[start:end] for start, end in sentence_ranges(text)]


def sentence_ranges(text: str, language: str = "en") -> list[CharRange]:
    """Find the sentences of a text: trimmed, in order, none empty, none longer than MAX_SENTENCE_CHARS.

    Args:
        text: a paragraph, or one item of a list.
        language: code of ISO 639; sentencex reads one that it does not know by common rules.

    >>> text = "To be. — Hamlet, Act III. ... He (John.) left."
    >>> [text[start:end] for start, end in sentence_ranges(text)]
    ['To be. — Hamlet, Act III.', '... He (John.) left.']
    """
    ranges: list[tuple[int, int]] = []
    unreadable_start: int | None = None  # of pieces without a letter that wait for the next piece
    for start, end in _raw_ranges(text, language):
        if unreadable_start is not None:
            start, unreadable_start = unreadable_start, None
        if ranges and text.startswith("— ", start):  # the author belongs to the quotation before
            ranges[-1] = (ranges[-1][0], end)
        elif _READABLE.search(text, start, end):
            ranges.append((start, end))
        elif ranges and text[start:end].strip()[:1] in _CLOSING:  # a bracket or quote closes the sentence before
            ranges[-1] = (ranges[-1][0], end)
        else:
            unreadable_start = start  # an ellipsis opens the sentence after it
    if unreadable_start is not None:
        ranges.append((ranges.pop()[0] if ranges else unreadable_start, len(text)))
    bounded: list[CharRange] = []
    for start, end in ranges:
        first, last = trimmed(text, start, end)
        if last - first > MAX_SENTENCE_CHARS:
            bounded += _bounded(text, first, last)
        elif last > first:
            bounded.append((first, last))
    return bounded


def _raw_ranges(text: str, language: str) -> list[CharRange]:
    """Return the pieces of sentencex as ranges that cover the text.

    sentencex sees U+FFFD for a lone surrogate, which is no valid string in Rust, and a blank for a rare line separator,
    at which it would end a sentence. Both have the length of what they replace, so that ranges stay right.
    """
    import sentencex

    if not text.isprintable() and _ODD.search(text):
        text = _ODD.sub(lambda match: "\ufffd" if match[1] else " ", text)
    ranges: list[CharRange] = []
    start = 0
    for piece in sentencex.segment(language, text):
        end = start + len(piece)
        if end - start > MAX_QUOTATION_CHARS and _QUOTES.search(piece):
            ranges += _inside_quotation(text, start, end, language)
        else:
            ranges.append((start, end))
        start = end
    if start < len(text):
        ranges.append((start, len(text)))
    return ranges


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
