"""The names of a training set: how often each was an entity of a type, and how often it only stood there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.checked_json import read_checked
from schemas.entities import find_entities
from schemas.errors import IndexCorrupt
from schemas.records import Sample

__all__ = ["LONGEST", "Lexicon", "make_lexicon", "read_lexicon"]

LONGEST = 8
"""Tokens of a name, or of a candidate span, at most."""
_LARGEST = 200_000_000
"""Bytes of a file at most: ten million tweets have less."""


@dataclass(frozen=True)
class Lexicon:
    """Counts of a training set; all words in lower case.

    Args:
        types: of entities.
        names: of each name, joined by blanks, how often it was an entity of each type.
        seen: how often it stands there in all.
        words: of each word, how often it stood in an entity of each type, and outside ("O").
    """

    types: tuple[str, ...]
    names: dict[str, dict[str, int]]
    seen: dict[str, int]
    words: dict[str, dict[str, int]]

    def name_shares(self, tokens: Sequence[str], kind: str) -> tuple[int, int, float, float]:
        """Return how often a name was an entity of a type and of another, and the shares of all that stand there.

        A name that was never seen has shares of 0: one is added to all that were seen.
        """
        name = _join(tokens)
        counts = self.names.get(name, {})
        own, seen = counts.get(kind, 0), self.seen.get(name, 0) + 1
        others = sum(counts.values()) - own
        return own, others, own / seen, others / seen

    def word_share(self, token: str, kind: str) -> float:
        """Return in what share of its places a word is in an entity of a type, or outside ("O")."""
        counts = self.words.get(token.lower(), {})
        return counts.get(kind, 0) / (sum(counts.values()) + 1)


def make_lexicon(samples: Iterable[Sample], types: Iterable[str]) -> Lexicon:
    """Count the names and words of tagged samples.

    >>> lexicon = make_lexicon([Sample("a", ("Rocky", "met", "rocky"), tags=("B-PER", "O", "O"))], ["PER"])
    >>> lexicon.names, lexicon.seen, lexicon.words["rocky"]
    ({'rocky': {'PER': 1}}, {'rocky': 2}, {'PER': 1, 'O': 1})
    """
    rows = [(sample.tokens, sample.tags or ()) for sample in samples]
    names: dict[str, Counter[str]] = {}
    words: dict[str, Counter[str]] = {}
    for tokens, tags in rows:
        for entity in find_entities(tags):
            names.setdefault(_join(tokens[entity.start : entity.end]), Counter())[entity.type] += 1
        for token, tag in zip(tokens, tags, strict=False):
            words.setdefault(token.lower(), Counter())[tag.partition("-")[2] or tag] += 1
    seen = Counter(name for tokens, _ in rows for name in _runs(tokens) if name in names)
    by_name, by_word = ({key: dict(row) for key, row in table.items()} for table in (names, words))
    return Lexicon(tuple(types), by_name, dict(seen), by_word)


def read_lexicon(path: Path, remedy: str) -> Lexicon:
    """Read a lexicon.

    Raises:
        InputError: the file is not there.
        IndexCorrupt: it is no lexicon, or larger than one can be.
    """
    lexicon = read_checked(path, Lexicon, limit=_LARGEST, remedy=remedy)
    tables = [lexicon.seen, *lexicon.names.values(), *lexicon.words.values()]
    if any(count < 0 for table in tables for count in table.values()):
        raise IndexCorrupt("a count is below 0", path=path, remedy=remedy)
    return lexicon


def _join(tokens: Sequence[str]) -> str:
    return " ".join(tokens).lower()


def _runs(tokens: Sequence[str]) -> Iterator[str]:
    for start in range(len(tokens)):
        for end in range(start + 1, min(len(tokens), start + LONGEST) + 1):
            yield _join(tokens[start:end])
