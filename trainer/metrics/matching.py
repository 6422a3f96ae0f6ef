"""How many predictions can be right at once, where a gold record answers for one prediction."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["count_matches"]


def count_matches(fits: Sequence[Sequence[int]]) -> int:
    """Return the largest number of predictions that can each have a gold record of their own.

    Args:
        fits: for each prediction, the numbers of the gold records that it fits.

    Source: augmenting paths (Berge, PNAS 1957).

    >>> count_matches([[0, 1], [0]]), count_matches([[0], [0]])
    (2, 1)
    """
    owner: dict[int, int] = {}  # gold record -> the prediction that has it

    def can_place(prediction: int, seen: set[int]) -> bool:
        for gold in fits[prediction]:
            if gold in seen:
                continue
            seen.add(gold)
            if gold not in owner or can_place(owner[gold], seen):
                owner[gold] = prediction
                return True
        return False

    return sum(can_place(prediction, set()) for prediction in range(len(fits)))
