"""Episodes: small classifications of a few samples, in which no pair of entities is both an example and a question."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from schemas.errors import InputError
from schemas.records import Sample, Span

__all__ = ["Episode", "draw_episodes", "name_pair"]


class Episode(NamedTuple):
    """The shape of an episode.

    Args:
        ways: classes.
        shots: examples of each class.
        queries: questions of each class.
    """

    ways: int
    shots: int
    queries: int

    @property
    def samples(self) -> int:
        """Samples in an episode."""
        return self.ways * (self.shots + self.queries)


def name_pair(sample: Sample) -> str:
    r"""Return what names the pair of a sample: its group where the data has one, else the words of head and tail.

    >>> name_pair(Sample("a", ("Ann", "met", "Bob"), head=Span(0, 1), tail=Span(2, 3)))
    'Ann\tBob'
    """
    if sample.group is not None:
        return sample.group
    ends = (sample.head or Span(0, 0), sample.tail or Span(0, 0))
    return "\t".join(" ".join(sample.tokens[end.start : end.end]) for end in ends)


def draw_episodes(
    classes: Sequence[Hashable], pairs: Sequence[str], episode: Episode, count: int, seed: str
) -> list[list[int]]:
    """Draw episodes: classes without replacement, of each class as many pairs as it needs, of each pair one sample.

    A pair that stands in two classes of an episode is drawn for one of them alone, so that no question is about a pair
    of which an example speaks.

    Args:
        classes: of each sample [N].
        pairs: names the pair of each sample [N].
        episode: its shape.
        count: how many.
        seed: the episodes are a function of it.

    Returns:
        numbers of the samples of each episode: class after class, its examples first.

    Raises:
        InputError: too few classes have enough pairs.

    >>> numbers = draw_episodes(["x", "x", "y", "y"], ["a", "b", "c", "d"], Episode(2, 1, 1), 1, "0")[0]
    >>> sorted(numbers), {numbers[0] // 2, numbers[1] // 2} in ({0}, {1})
    ([0, 1, 2, 3], True)
    """
    by_class: dict[Hashable, dict[str, list[int]]] = {}
    for number, (name, pair) in enumerate(zip(classes, pairs, strict=True)):
        by_class.setdefault(name, {}).setdefault(pair, []).append(number)
    needed = episode.shots + episode.queries
    rich = [name for name, own in by_class.items() if len(own) >= needed]
    if len(rich) < episode.ways:
        raise InputError(
            f"an episode needs {episode.ways} classes with {needed} pairs each, the data has {len(rich)}",
            remedy="ask for fewer ways, shots or queries",
        )
    generator = random.Random(seed)  # noqa: S311 - an order, no secret
    return [_draw(by_class, rich, episode, generator) for _ in range(count)]


_TRIES = 1000
"""Draws of classes whose shared pairs leave too few: that many in a row do not happen by chance."""


def _draw(
    by_class: dict[Hashable, dict[str, list[int]]], rich: Sequence[Hashable], episode: Episode, draw: random.Random
) -> list[int]:
    needed = episode.shots + episode.queries
    for _ in range(_TRIES):
        taken: set[str] = set()
        numbers: list[int] = []
        for name in draw.sample(rich, episode.ways):
            free = [pair for pair in by_class[name] if pair not in taken]
            if len(free) < needed:
                break
            chosen = draw.sample(free, needed)
            taken.update(chosen)
            numbers += [draw.choice(by_class[name][pair]) for pair in chosen]
        else:
            return numbers
    raise InputError("the classes share too many pairs for an episode", remedy="ask for fewer ways, shots or queries")
