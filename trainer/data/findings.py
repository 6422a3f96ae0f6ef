"""A finding: what a check of a data set has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Finding", "first_names"]

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """An observation that somebody who reads results on this data should know.

    Args:
        split: the split, or "all".
        kind: what was checked, one word for programs.
        count: how many were found.
        message: the observation in words.
        is_warning: whether the data are not as they should be.
        examples: ids of samples, or names of images.
    """

    split: str
    kind: str
    count: int
    message: str
    is_warning: bool
    examples: tuple[str, ...] = ()


def first_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the first five names, as examples of a finding.

    >>> first_names("abcdefg")
    ('a', 'b', 'c', 'd', 'e')
    """
    return tuple(name for name, _ in zip(names, range(_EXAMPLES), strict=False))
