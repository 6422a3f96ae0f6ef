"""Slots: in which order the yes-or-no decisions about the spans of a sentence stand.

First whether there is a span at all; then for each word j: whether a span starts with it, whether one ends with it, and
for each word i up to j whether a span goes from i to j. So the slots of the first T words come first, however long the
sentences are that are padded together:

    exists | start 0, end 0, 0-0 | start 1, end 1, 0-1, 1-1 | start 2, ...
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["EXISTS", "Slots", "slot_count", "slots_of", "words_of"]

EXISTS = 0
"""The number of the first slot."""


class Slots(NamedTuple):
    """The slots of T words, S in all.

    Args:
        starts, ends: slot of each word [T] int64.
        spans: slot of each span [T (T + 1) / 2] int64.
        firsts, lasts: words of each span, both inclusive [T (T + 1) / 2] int64.
    """

    starts: Tensor
    ends: Tensor
    spans: Tensor
    firsts: Tensor
    lasts: Tensor


@lru_cache(maxsize=512)
def slots_of(words: int) -> Slots:
    """Return the slots of so many words.

    >>> [part.tolist() for part in slots_of(2)]
    [[1, 4], [2, 5], [3, 6, 7], [0, 0, 1], [0, 1, 1]]
    """
    lasts = torch.arange(words).repeat_interleave(torch.arange(words) + 1)
    starts = torch.tensor([slot_count(word) for word in range(words)], dtype=torch.long)
    firsts = torch.arange(len(lasts)) - lasts * (lasts + 1) // 2
    return Slots(starts, starts + 1, starts[lasts] + 2 + firsts, firsts, lasts)


def slot_count(words: int) -> int:
    """Return how many slots so many words have.

    >>> [slot_count(words) for words in range(4)]
    [1, 4, 8, 13]
    """
    return 1 + 2 * words + words * (words + 1) // 2


def words_of(slots: int) -> int:
    """Return how many words have so many slots.

    >>> [words_of(slot_count(words)) for words in (0, 1, 2, 57)]
    [0, 1, 2, 57]
    """
    return (isqrt(17 + 8 * slots) - 5) // 2
