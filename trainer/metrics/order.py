"""What the order of two entities says about their relation, without a word of the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from schemas.dataset import NO_RELATION
from schemas.records import Sample

__all__ = ["label_by_order"]


def label_by_order(train: Sequence[Sample], samples: Sequence[Sample]) -> list[str]:
    """Return for each sample the relation that pairs of its order have most often in train.

    In MNRE-2 a tail that stands before its head nearly always has a relation: 1388 of 1424 pairs of train. Any model
    that sees which entity is the head can use it, so what it gives stands beside results.

    Args:
        train: pairs with their relation.
        samples: pairs.

    >>> from schemas.records import Span
    >>> pair = Sample("a", ("x", "y"), head=Span(1, 2), tail=Span(0, 1), relation="peer")
    >>> label_by_order([pair], [pair])
    ['peer']
    """
    counts: dict[bool, Counter[str]] = {}
    for row in train:
        if row.relation is not None:
            counts.setdefault(_is_turned(row), Counter())[row.relation] += 1
    return [
        counts[turned].most_common(1)[0][0] if (turned := _is_turned(row)) in counts else NO_RELATION for row in samples
    ]


def _is_turned(row: Sample) -> bool:
    return row.head is not None and row.tail is not None and row.tail.start < row.head.start
