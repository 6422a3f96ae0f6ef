"""Which parts of a text the query found: its words by the index's own tokenizer, and the matched sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from indexer.answers import WORD

__all__ = ["Piece", "TermMarker", "around"]

_WORDS_HELD = 20_000


class Piece(NamedTuple):
    """A part of a text; is_term: a word of the query."""

    text: str
    is_term: bool


class TermMarker:
    """Finds a query's words in texts. Tokens of words are held: each call of Java takes longer than the rest.

    Args:
        tokenize: gives the tokens of a text, as the index has them.
    """

    def __init__(self, tokenize: Callable[[str], Sequence[str]]) -> None:
        self._tokenize = tokenize
        self._tokens: dict[str, frozenset[str]] = {}

    def pieces(self, query: str, texts: Sequence[str]) -> list[list[Piece]]:
        """Cut each text where a word of the query begins or ends; the pieces make up the text again."""
        wanted = frozenset(self._tokenize(query))
        return [list(self._cut(text, wanted)) for text in texts]

    def _cut(self, text: str, wanted: frozenset[str]) -> Iterator[Piece]:
        done = 0
        for word in WORD.finditer(text):
            if self._tokens_of(word.group()) & wanted:
                if word.start() > done:
                    yield Piece(text[done : word.start()], False)
                yield Piece(word.group(), True)
                done = word.end()
        if done < len(text):
            yield Piece(text[done:], False)

    def _tokens_of(self, word: str) -> frozenset[str]:
        found = self._tokens.get(word)
        if found is None:
            if len(self._tokens) >= _WORDS_HELD:
                self._tokens.clear()
            found = self._tokens[word] = frozenset(self._tokenize(word))
        return found


def around(text: str, sentence: str) -> tuple[str, str, str]:
    """Give what stands before a sentence, the sentence, and what stands behind it; all before if it is not there.

    >>> around("One. Two. Three.", "Two.")
    ('One. ', 'Two.', ' Three.')
    >>> around("One.", "Two.")
    ('One.', '', '')
    """
    return text.partition(sentence) if sentence else (text, "", "")
