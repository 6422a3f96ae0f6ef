"""W2NER's grid of word pairs: a cell links a word to the next of its mention, or a mention's last word to its first.

    The rows and columns of "severe pain": a mention of type ADR over both words

            severe  pain
    severe    .     NEXT
    pain     ADR     .

A cell that is empty has the number 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEXT", "NONE", "Mention", "decode_w2ner", "encode_w2ner"]

Mention: TypeAlias = tuple[tuple[int, ...], str]
"""The words of a mention, ascending and not always side by side, and its type."""
Grid: TypeAlias = NDArray[np.int64]
NONE, NEXT = 0, 1
"""Cells without a label, and from a word to the next of its mention. Types count from 2."""
_MAX_MENTIONS = 10_000
"""Of one pair of first and last word: an untrained model can link every word to every other."""


def encode_w2ner(mentions: Iterable[Mention], length: int, types: Sequence[str]) -> Grid:
    """Write the mentions of a sentence as a grid [T, T]: upper triangle NEXT, lower triangle and diagonal types.

    Of two types on one pair of last and first word, the later one stays.

    Args:
        mentions: of the sentence.
        length: T, words.
        types: in the order of their numbers, from 2.

    Source: Li et al., AAAI 2022; ljynlp/W2NER, data_loader.py.

    >>> encode_w2ner([((0, 1), "ADR")], 2, ["ADR"]).tolist()
    [[0, 1], [2, 0]]
    """
    grid = np.zeros((length, length), dtype=np.int64)
    for words, kind in mentions:
        for word, following in pairwise(words):
            grid[word, following] = NEXT
        grid[words[-1], words[0]] = types.index(kind) + 2
    return grid


def decode_w2ner(grid: Grid, types: Sequence[str]) -> set[Mention]:
    """Read the mentions of a grid [T, T]: for each typed pair, all chains of NEXT from its first to its last word.

    Chains stay between the two words. At most 10,000 are read for a pair, the shortest first words first.

    Source: ljynlp/W2NER, utils.decode, which knows no such bound.

    >>> sorted(decode_w2ner(np.array([[0, 1, 0], [0, 0, 1], [2, 0, 3]]), ["ADR", "LOC"]))
    [((0, 1, 2), 'ADR'), ((2,), 'LOC')]
    """
    following = [[int(j) for j in np.flatnonzero(grid[i, i + 1 :] == NEXT) + i + 1] for i in range(len(grid))]
    mentions: set[Mention] = set()
    for last, first in np.argwhere(np.tril(grid) > NEXT):
        kind = types[int(grid[last, first]) - 2]
        mentions |= {(words, kind) for words in _chains(int(first), int(last), following)}
    return mentions


def _chains(first: int, last: int, following: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the chains of words from first to last."""
    if first == last:
        return [(first,)]
    # words that reach the last one: without them the search would walk into dead ends without number
    reaching = {last}
    for word in range(last - 1, first - 1, -1):
        if any(target in reaching for target in following[word]):
            reaching.add(word)
    found: list[tuple[int, ...]] = []
    open_chains: list[tuple[int, ...]] = [(first,)] if first in reaching else []
    while open_chains and len(found) < _MAX_MENTIONS:
        chain = open_chains.pop()
        for target in reversed(following[chain[-1]]):
            if target == last:
                found.append((*chain, last))
            elif target < last and target in reaching:
                open_chains.append((*chain, target))
    return found[:_MAX_MENTIONS]
