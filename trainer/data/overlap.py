"""What two sets, or two splits of one, have in common: sentences, images, and labels that disagree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from schemas.records import Sample

__all__ = ["Overlap", "Repetition", "find_overlaps", "find_repetitions"]

Splits = Mapping[str, Sequence[Sample]]
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Repetition:
    """Something that stands twice within a data set."""

    name: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a split shares with a split of another set.

    Args:
        split, other_split: the two.
        samples: samples of the first.
        same_tokens: of these, how many have a sentence that stands in the other, token for token.
        other_labels: of these, how many carry none of the labels that the sentence has there.
        same_image: samples whose image file name stands in the other (names may mean other pictures there).
    """

    split: str
    other_split: str
    samples: int
    same_tokens: int
    other_labels: int
    same_image: int
    examples: tuple[str, ...]


def find_repetitions(samples: Splits) -> list[Repetition]:
    """Find what stands twice within a split (sentence with its labels) or in two splits (sentence; image)."""
    found = []
    for split, rows in samples.items():
        seen: set[Hashable] = set()
        again = []
        for row in rows:
            key = (row.tokens, row.head, row.tail)
            if key in seen:
                again.append(row.sample_id)
            seen.add(key)
        found.append(Repetition(f"samples of {split} stand there twice", len(again), tuple(again[:_EXAMPLES])))
    for one, other in combinations(samples, 2):
        shared = _overlap(one, samples[one], other, samples[other])
        name = f"samples of {one} have a sentence of {other}"
        found.append(Repetition(name, shared.same_tokens, shared.examples))
        found.append(Repetition(f"samples of {one} have an image of {other}", shared.same_image, ()))
    return [row for row in found if row.count]


def find_overlaps(samples: Splits, others: Splits) -> list[Overlap]:
    """Compare every split of one set with every split of another; pairs with nothing in common are left out."""
    overlaps = [_overlap(one, rows, other, others[other]) for one, rows in samples.items() for other in others]
    return [overlap for overlap in overlaps if overlap.same_tokens or overlap.same_image]


def _overlap(split: str, rows: Sequence[Sample], other_split: str, others: Sequence[Sample]) -> Overlap:
    labels: dict[tuple[str, ...], set[Hashable]] = {}
    for row in others:
        labels.setdefault(row.tokens, set()).add(_labels(row))
    images = {row.image for row in others} - {None}
    same = [row for row in rows if row.tokens in labels]
    return Overlap(
        split,
        other_split,
        len(rows),
        len(same),
        sum(_labels(row) not in labels[row.tokens] for row in same),
        sum(row.image in images for row in rows),
        tuple(row.sample_id for row in same[:_EXAMPLES]),
    )


def _labels(row: Sample) -> Hashable:
    return (row.tags, row.head, row.tail, row.relation)
