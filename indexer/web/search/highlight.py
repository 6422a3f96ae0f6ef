"""The words of a text that a query matched, by the index's own tokenizer; and a sentence in its paragraph."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from indexer.report import WORD_PATTERN

__all__ = ["MarkedPiece", "MarkedText", "TermMarker", "around"]

_WORDS = re.compile(f"({WORD_PATTERN.pattern})")
_WORDS_KEPT = 20_000
_PREFIX_CHARS = 2
_MAX_TOKEN_CHARS = 255
"""Lucene cuts longer words. Source: StandardAnalyzer.DEFAULT_MAX_TOKEN_LENGTH."""


class MarkedPiece(NamedTuple):
    """A piece of a text; whether the query matched it."""

    text: str
    is_match: bool = False


MarkedText = Sequence[MarkedPiece]


class TermMarker:
    """Marks a query's words in texts. It keeps the tokens of words, because a call into Java takes most of the time.

    Args:
        tokenize: returns the tokens of each of several texts, as the index has them.
    """

    def __init__(self, tokenize: Callable[[Sequence[str]], list[list[str]]]) -> None:
        self._tokenize = tokenize
        self._tokens: dict[str, frozenset[str]] = {}

    def mark(self, query: str, texts: Sequence[str]) -> list[MarkedText]:
        """Cut each text into pieces, so that each word with a token of the query is a piece of its own.

        >>> marker = TermMarker(lambda texts: [text.split() for text in texts])
        >>> [(piece.text, piece.is_match) for piece in marker.mark("tea", ["tea, green tea"])[0]]
        [('tea', True), (', green ', False), ('tea', True)]
        """
        terms = frozenset(self._tokenize([query])[0])
        prefixes = set(map(_prefix_of, terms))
        split_texts = [_WORDS.split(text) for text in texts]  # with one group, words are at the odd positions
        all_words = set().union(*(parts[1::2] for parts in split_texts))
        candidates = {word for word in all_words if _may_match(word, prefixes)}
        self._learn(candidates)
        matched = {word for word in candidates if not self._tokens[word].isdisjoint(terms)}
        return [_cut(parts, matched) for parts in split_texts]

    def _learn(self, words: set[str]) -> None:
        """Get the tokens of the words that are not kept yet, in one call."""
        unknown = sorted(word for word in words if word not in self._tokens)
        if len(self._tokens) + len(unknown) > _WORDS_KEPT:
            self._tokens.clear()
            unknown = sorted(words)
        if unknown:
            self._tokens |= zip(unknown, map(frozenset, self._tokenize(unknown)), strict=True)


def _cut(parts: Sequence[str], matched: set[str]) -> MarkedText:
    """Join the parts of a text again, but for the matched words at its odd positions."""
    pieces: list[MarkedPiece] = []
    done = 0
    for at in [at for at in range(1, len(parts), 2) if parts[at] in matched]:
        pieces += (MarkedPiece("".join(parts[done:at])), MarkedPiece(parts[at], is_match=True))
        done = at + 1
    pieces.append(MarkedPiece("".join(parts[done:])))
    return [piece for piece in pieces if piece.text]


def _may_match(word: str, prefixes: set[str]) -> bool:
    """Return whether a word can have a token with one of these prefixes. Most cannot, which saves calls into Java.

    Both analyzers make at most one token of English letters and digits, and Porter's stemmer leaves the first two
    letters as they are, unless it cuts the second away or turns y into i (a test looks at every word of a real dump).

    >>> _may_match("Running", {"ru"}), _may_match("ran", {"ru"}), _may_match("ies", {"i"}), _may_match("d'or", {"or"})
    (True, False, True, True)
    """
    if not (word.isascii() and word.isalnum()) or len(word) > _MAX_TOKEN_CHARS:
        return True
    prefix = _prefix_of(word.lower())
    return prefix in prefixes or prefix[0] in prefixes


def _prefix_of(token: str) -> str:
    return token[:_PREFIX_CHARS].replace("y", "i")


def around(text: str, sentence: str) -> tuple[str, str, str]:
    """Split a text into what precedes a sentence, the sentence, and the rest; (text, "", "") where it is not there.

    >>> around("One. Two. Three.", "Two.")
    ('One. ', 'Two.', ' Three.')
    >>> around("One.", "Two.")
    ('One.', '', '')
    """
    return text.partition(sentence) if sentence else (text, "", "")
