"""Which parts of a text the query found: its words by the index's own tokenizer, and the matched sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from indexer.answers import WORD

__all__ = ["TermMarker", "around"]

_WORDS_HELD = 20_000
_START = 2
_LONGEST_TOKEN = 255
"""Lucene cuts longer words. Source: StandardAnalyzer.DEFAULT_MAX_TOKEN_LENGTH."""


class TermMarker:
    """Marks a query's words in texts. Tokens of words are held: each call of Java takes longer than the rest.

    Args:
        tokenize: gives the tokens of each of some texts, as the index has them.
    """

    def __init__(self, tokenize: Callable[[Sequence[str]], list[list[str]]]) -> None:
        self._tokenize = tokenize
        self._tokens: dict[str, frozenset[str]] = {}

    def mark(self, query: str, texts: Sequence[str]) -> list[Markup]:
        """Write each text as HTML, all of it escaped, with <mark> around each word of the query.

        >>> TermMarker(lambda some: [text.split() for text in some]).mark("tea", ["<i>tea, green tea"])
        [Markup('&lt;i&gt;<mark>tea</mark>, green <mark>tea</mark>')]
        """
        wanted = frozenset(self._tokenize([query])[0])
        starts = set(map(_start_of, wanted))
        likely = [[word for word in WORD.finditer(text) if _may_be(word.group(), starts)] for text in texts]
        self._learn({word.group() for words in likely for word in words})
        return [self._mark(text, words, wanted) for text, words in zip(texts, likely, strict=True)]

    def _mark(self, text: str, words: Sequence[re.Match[str]], wanted: frozenset[str]) -> Markup:
        done, parts = 0, []
        for word in words:
            if not self._tokens[word.group()].isdisjoint(wanted):
                start, end = word.span()
                parts.append(f"{escape(text[done:start])}<mark>{escape(text[start:end])}</mark>")
                done = end
        parts.append(escape(text[done:]))
        return Markup("".join(parts))  # noqa: S704 - every part is escaped

    def _learn(self, words: set[str]) -> None:
        """Ask for the tokens of the words that are not held, all at once."""
        unknown = sorted(word for word in words if word not in self._tokens)
        if len(self._tokens) + len(unknown) > _WORDS_HELD:
            self._tokens.clear()
            unknown = sorted(words)
        if unknown:
            self._tokens |= zip(unknown, map(frozenset, self._tokenize(unknown)), strict=True)


def _may_be(word: str, starts: set[str]) -> bool:
    """Say whether a word can have a token that starts so, without Java: most cannot.

    Both analyzers make one token at most of English letters and digits, and Porter's stemmer leaves the first two
    letters as they are, unless it cuts the second away or makes y an i (a test looks at every word of a real dump).

    >>> _may_be("Running", {"ru"}), _may_be("ran", {"ru"}), _may_be("ies", {"i"}), _may_be("d'or", {"or"})
    (True, False, True, True)
    """
    if not (word.isascii() and word.isalnum()) or len(word) > _LONGEST_TOKEN:
        return True
    start = _start_of(word.lower())
    return start in starts or start[0] in starts


def _start_of(token: str) -> str:
    return token[:_START].replace("y", "i")


def around(text: str, sentence: str) -> tuple[str, str, str]:
    """Give what stands before a sentence, the sentence, and what stands behind it; all before if it is not there.

    >>> around("One. Two. Three.", "Two.")
    ('One. ', 'Two.', ' Three.')
    >>> around("One.", "Two.")
    ('One.', '', '')
    """
    return text.partition(sentence) if sentence else (text, "", "")
