"""Which parts of a text the query found: its words by the index's own tokenizer, and the matched sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from indexer.answers import WORD

__all__ = ["TermMarker", "around"]

_WORDS_HELD = 20_000


class TermMarker:
    """Marks a query's words in texts. Tokens of words are held: each call of Java takes longer than the rest.

    Args:
        tokenize: gives the tokens of a text, as the index has them.
    """

    def __init__(self, tokenize: Callable[[str], Sequence[str]]) -> None:
        self._tokenize = tokenize
        self._tokens: dict[str, frozenset[str]] = {}

    def mark(self, query: str, texts: Sequence[str]) -> list[Markup]:
        """Write each text as HTML, all of it escaped, with <mark> around each word of the query.

        >>> TermMarker(str.split).mark("tea", ["<i>tea, green tea"])
        [Markup('&lt;i&gt;<mark>tea</mark>, green <mark>tea</mark>')]
        """
        wanted = frozenset(self._tokenize(query))
        return [self._mark(text, wanted) for text in texts]

    def _mark(self, text: str, wanted: frozenset[str]) -> Markup:
        done, parts = 0, []
        for word in WORD.finditer(text):
            if not self._tokens_of(word.group()).isdisjoint(wanted):
                start, end = word.span()
                parts.append(f"{escape(text[done:start])}<mark>{escape(text[start:end])}</mark>")
                done = end
        parts.append(escape(text[done:]))
        return Markup("".join(parts))  # noqa: S704 - every part is escaped

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
