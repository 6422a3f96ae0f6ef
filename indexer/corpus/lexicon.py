"""Words of a lexicon in a sentence: the longest that begin at each place, as a context row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.corpus.cache import Made, read_splits, write_made
from schemas.context_cache import CacheInfo
from schemas.entities import find_entities
from schemas.errors import InputError, UsageError
from schemas.manifest import sha256_file
from schemas.records import Sample
from schemas.text_files import TextFile

__all__ = ["Trie", "find_words", "make_lexicon"]

Word = tuple[str, ...]
"""A word as tokens: of Chinese, its characters."""


class Trie:
    """Words by their first tokens.

    Args:
        words: each as tokens; an empty one is left out.
    """

    def __init__(self, words: Iterable[Word]) -> None:
        self.root: dict[str, Any] = {}
        for word in words:
            node = self.root
            for token in word:
                node = node.setdefault(token, {})
            if word:
                node[""] = True  # no token is empty: a word ends here

    def longest(self, tokens: Sequence[str], start: int) -> int:
        """Return the end of the longest word that begins at a token; start where none does."""
        node, end = self.root, start
        for position in range(start, len(tokens)):
            following = node.get(tokens[position]) if tokens[position] else None
            if following is None:
                break
            node = following
            if "" in node:
                end = position + 1
        return end


def find_words(tokens: Sequence[str], trie: Trie) -> Iterator[tuple[int, int]]:
    """Find words from left to right, the longest at each place; found ones do not overlap.

    >>> trie = Trie([("new",), ("new", "york"), ("york", "city")])
    >>> list(find_words(["in", "new", "york", "city"], trie))
    [(1, 3)]
    """
    start = 0
    while start < len(tokens):
        end = trie.longest(tokens, start)
        if end > start:
            yield start, end
        start = max(end, start + 1)


def make_lexicon(
    samples: Path, out: Path, source: str = "lexicon", words: Path | None = None, *, overwrite: bool = False
) -> CacheInfo:
    """Write the words of a lexicon that a sample has as its context.

    Without a file, the lexicon is the names of entities in the training samples. A training sample finds only those
    that are an entity in another training sample too: else each of its own names would be known.

    Args:
        samples: the folder of the data set.
        out: the folder of the cache.
        source: its name there.
        words: a file with a word a line, its tokens parted by blanks; where tokens are characters, a word is split into
            them.
        overwrite: replace another cache.

    Raises:
        UsageError: there is no file and no labelled split train, or another cache is at out.
        InputError: the file holds no word.
    """
    rows = read_splits(samples)
    is_chinese = _has_character_tokens(rows)
    glue = "" if is_chinese else " "
    counts: Counter[Word] = Counter()
    if words is not None:
        lexicon = set(_read_words(words, is_chinese=is_chinese))
    else:
        counts = Counter(name for sample in rows.get("train", ()) for name in _names(sample))
        lexicon = set(counts)
        if not lexicon:
            raise UsageError("no training sample has an entity", path=samples, remedy="add --words FILE")
    trie = Trie(lexicon)
    lone = {name for name, count in counts.items() if count == 1}
    rare = Trie(lexicon - lone)  # for the training samples, whose lone names are their own
    made = {}
    for split, part in rows.items():
        for sample in part:
            own = rare if split == "train" and words is None else trie
            found = dict.fromkeys(sample.tokens[start:end] for start, end in find_words(sample.tokens, own))
            text = " , ".join(glue.join(word) for word in found)
            made[sample.sample_id] = [Made(text)] if text else []
    parameters = {
        "made": "lexicon",
        "words": sha256_file(words) if words else "entities of train",
        "count": len(lexicon),
    }
    return write_made(out, source, samples, made, parameters, overwrite=overwrite)


def _names(sample: Sample) -> set[Word]:
    """Return the names of the entities of a sample."""
    if sample.entities is not None:
        return {tuple(sample.tokens[entity.start : entity.end]) for entity in sample.entities}
    return {tuple(sample.tokens[entity.start : entity.end]) for entity in find_entities(sample.tags or ())}


def _has_character_tokens(rows: dict[str, list[Sample]]) -> bool:
    """Return whether nearly all tokens are single characters."""
    lengths = [len(token) for part in rows.values() for sample in part[:50] for token in sample.tokens]
    return bool(lengths) and sum(length == 1 for length in lengths) > 0.8 * len(lengths)


def _read_words(file: Path, *, is_chinese: bool) -> list[Word]:
    found = [tuple(line.strip()) if is_chinese else tuple(line.split()) for _, line in TextFile(file).lines()]
    found = [word for word in found if word]
    if not found:
        raise InputError("no word stands here", path=file, remedy="write a word a line")
    return found
