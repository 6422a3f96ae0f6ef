"""Sentences of a text as ranges: cut by sentencex, mended, of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = [
    "MAX_QUOTATION_CHARS",
    "MAX_SENTENCE_CHARS",
    "Span",
    "is_readable",
    "sentence_spans",
    "split_sentences",
    "trimmed",
]

MAX_SENTENCE_CHARS = 2_000
"""A longer sentence is cut at a blank: such a one is a table or a list that lost its marks."""
MAX_QUOTATION_CHARS = 300
"""A longer sentence is cut at the sentences inside its quotations. Source: benchmarks/sentence_splitters.py."""
_ODD = re.compile("([\ud800-\udfff])|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029\r]")
_QUOTES = re.compile('["“”«»]')
_READABLE = re.compile(r"[^\W_]")
_CLOSING = frozenset(")]}\"'”’»")

Span = tuple[int, int]
"""Half-open range of characters; a bare pair, for there are ten of them in a paragraph."""


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
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[Span]:
    """Find the sentences of a text: trimmed, in order, none empty, none longer than MAX_SENTENCE_CHARS."""
    spans: list[tuple[int, int]] = []
    pending: int | None = None
    for start, end in _raw_spans(text):
        if pending is not None:
            start, pending = pending, None
        if spans and text.startswith("— ", start):  # who said it belongs to what was said
            spans[-1] = (spans[-1][0], end)
        elif _READABLE.search(text, start, end):
            spans.append((start, end))
        elif spans and text[start:end].strip()[:1] in _CLOSING:
            spans[-1] = (spans[-1][0], end)
        else:
            pending = start
    if pending is not None:
        spans.append((spans.pop()[0] if spans else pending, len(text)))
    tight: list[Span] = []
    for start, end in spans:
        span = trimmed(text, start, end)
        if span[1] - span[0] > MAX_SENTENCE_CHARS:
            tight += _bounded(text, *span)
        elif span[1] > span[0]:
            tight.append(span)
    return tight


def _raw_spans(text: str) -> list[Span]:
    """Return the pieces of sentencex as ranges that cover the text.

    Lone surrogates and rare line separators stand in for marks of the same length: the first cannot be passed on, the
    second would end a sentence.
    """
    import sentencex

    if not text.isprintable() and _ODD.search(text):
        text = _ODD.sub(lambda match: "\ufffd" if match[1] else " ", text)
    spans: list[Span] = []
    start = 0
    for piece in sentencex.segment("en", text):
        end = start + len(piece)
        if end - start > MAX_QUOTATION_CHARS and _QUOTES.search(piece):
            spans += _inside_quotation(text, start, end)
        else:
            spans.append((start, end))
        start = end
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def _inside_quotation(text: str, first: int, last: int) -> Iterator[Span]:
    """Cut a long piece at the sentences of its quotations, which sentencex keeps whole."""
    import sentencex

    start = at = first
    for piece in sentencex.segment("en", _QUOTES.sub(" ", text[first:last])):
        cut = at + len(piece.rstrip())
        at += len(piece)
        while cut < last and text[cut] in _CLOSING:
            cut += 1
        if start < cut < last:
            yield start, cut
            start = cut
    yield start, last


def _bounded(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut a span that is too long at the last blank that fits, or where it must be where there is none."""
    while end - start > MAX_SENTENCE_CHARS:
        limit = start + MAX_SENTENCE_CHARS
        blank = max(text.rfind(" ", start + 1, limit + 1), text.rfind("\n", start + 1, limit + 1))
        cut = blank if blank > start else limit
        yield trimmed(text, start, cut)
        start = trimmed(text, cut, end)[0]
    if end > start:
        yield start, end


def trimmed(text: str, start: int, end: int) -> Span:
    """Take white space off the ends of a span; an empty span stays at its start.

    >>> trimmed(" a b ", 0, 5)
    (1, 4)
    """
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def is_readable(text: str) -> bool:
    """Say whether a text holds a letter or a digit of any script."""
    return _READABLE.search(text) is not None
