"""What two data sets, or two splits of one, have in common: sentences, images, and labels that disagree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from schemas.records import Box, Sample

__all__ = ["Overlap", "Repetition", "find_overlaps", "find_repetitions"]

Splits = Mapping[str, Sequence[Sample]]
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Repetition:
    """A kind of repetition within a data set: sentences or images that occur more than once.

    Args:
        name: what is repeated, in words that follow the count.
        count: samples that are repetitions.
        examples: ids of the first of them.
    """

    name: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a split shares with a split of another set.

    Args:
        split: the split of this set.
        other_split: the split of the other set.
        samples: number of samples in this split.
        same_tokens: samples whose sentence is in the other split too, token for token.
        other_labels: those among same_tokens whose labels the sentence never has in the other split.
        same_image: samples whose image file name is in the other split too (it may name another picture there).
        examples: ids of the first samples of same_tokens.
    """

    split: str
    other_split: str
    samples: int
    same_tokens: int
    other_labels: int
    same_image: int
    examples: tuple[str, ...]


def find_repetitions(samples: Splits) -> list[Repetition]:
    """Find sentences that occur twice in a split, and sentences and images that two splits share.

    Pairs of a relation set share their sentence: within a split, a repetition has the same head and tail too, also
    where one of them is an object of the picture.
    """
    repetitions = []
    for split, rows in samples.items():
        seen: set[Hashable] = set()
        repeated = []
        for row in rows:
            key = (row.tokens, row.head, row.tail, _objects_of(row))
            if key in seen:
                repeated.append(row.sample_id)
            seen.add(key)
        repetitions.append(
            Repetition(f"samples of {split} stand there twice", len(repeated), tuple(repeated[:_EXAMPLES]))
        )
    for one, other in combinations(samples, 2):
        shared = _overlap(one, samples[one], other, samples[other])
        name = f"samples of {one} have a sentence of {other}"
        repetitions.append(Repetition(name, shared.same_tokens, shared.examples))
        repetitions.append(Repetition(f"samples of {one} have an image of {other}", shared.same_image, ()))
    return [row for row in repetitions if row.count]


def find_overlaps(samples: Splits, others: Splits) -> list[Overlap]:
    """Compare every split of one set with every split of another; pairs with nothing in common are left out."""
    overlaps = [_overlap(one, rows, other, others[other]) for one, rows in samples.items() for other in others]
    return [overlap for overlap in overlaps if overlap.same_tokens or overlap.same_image]


def _overlap(split: str, rows: Sequence[Sample], other_split: str, others: Sequence[Sample]) -> Overlap:
    labels: dict[tuple[str, ...], set[Hashable]] = {}
    for row in others:
        labels.setdefault(row.tokens, set()).add(_labels_of(row))
    images = {row.image for row in others} - {None}
    same = [row for row in rows if row.tokens in labels]
    return Overlap(
        split,
        other_split,
        len(rows),
        len(same),
        sum(_labels_of(row) not in labels[row.tokens] for row in same),
        sum(row.image in images for row in rows),
        tuple(row.sample_id for row in same[:_EXAMPLES]),
    )


def _labels_of(row: Sample) -> Hashable:
    if row.tags is None and row.relation is None:
        return (row.entities, row.relations)
    return (row.tags, row.head, row.tail, row.relation)


def _objects_of(row: Sample) -> Hashable:
    """Return the ends of the relations that have a box: MORE's lines each ask for one such pair of a post."""
    pairs = [(relation.head, relation.tail) for relation in row.relations or ()]
    return tuple(pair for pair in pairs if any(isinstance(end, Box) for end in pair))
