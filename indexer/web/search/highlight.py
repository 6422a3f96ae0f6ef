"""Which parts of a text the query found: its words by the index's own tokenizer, and the matched sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from indexer.report import WORD_PATTERN

__all__ = ["TermMarker", "around"]

_WORDS = re.compile(f"({WORD_PATTERN.pattern})")
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
        cut = [_WORDS.split(text) for text in texts]  # words stand at the odd places
        likely = {word for word in set().union(*(parts[1::2] for parts in cut)) if _may_be(word, starts)}
        self._learn(likely)
        found = {word for word in likely if not self._tokens[word].isdisjoint(wanted)}
        return [_mark(parts, found) for parts in cut]

    def _learn(self, words: set[str]) -> None:
        """Ask for the tokens of the words that are not held, all at once."""
        unknown = sorted(word for word in words if word not in self._tokens)
        if len(self._tokens) + len(unknown) > _WORDS_HELD:
            self._tokens.clear()
            unknown = sorted(words)
        if unknown:
            self._tokens |= zip(unknown, map(frozenset, self._tokenize(unknown)), strict=True)


def _mark(parts: Sequence[str], found: set[str]) -> Markup:
    """Put a text together again, escaped, with <mark> around some of the words at its odd places."""
    done, written = 0, []
    for at in [at for at in range(1, len(parts), 2) if parts[at] in found]:
        written.append(f"{escape(''.join(parts[done:at]))}<mark>{escape(parts[at])}</mark>")
        done = at + 1
    written.append(escape("".join(parts[done:])))
    return Markup("".join(written))  # noqa: S704 - every part is escaped


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
    """Return what stands before a sentence, the sentence, and what stands behind it; all before if it is not there.

    >>> around("One. Two. Three.", "Two.")
    ('One. ', 'Two.', ' Three.')
    >>> around("One.", "Two.")
    ('One.', '', '')
    """
    return text.partition(sentence) if sentence else (text, "", "")
