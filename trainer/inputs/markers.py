"""Markers around the two entities of a relation: special pieces in the sentence, which survive when it is cut."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Sample

__all__ = ["MARKERS", "cut_around", "mark_entities"]

MARKERS = ("<head>", "</head>", "<tail>", "</tail>")
"""The special pieces, in the order in which the functions of this file take their ids."""


def mark_entities(sample: Sample, pieces: Sequence[Sequence[int]], marks: Sequence[int]) -> list[list[int]]:
    """Put markers around head and tail; nested and overlapping spans keep their own ends.

    Args:
        sample: with head and tail.
        pieces: of each token [T][>= 0].
        marks: pieces of `<head>`, `</head>`, `<tail>`, `</tail>`.

    Returns:
        the markers and the tokens as pieces, in order [T + 4][>= 0].

    >>> sample = Sample("a", ("Anna", "of", "Rome"), head=(0, 1), tail=(2, 3))
    >>> mark_entities(sample, [[10], [11], [12]], [1, 2, 3, 4])
    [[1], [10], [2], [11], [3], [12], [4]]
    """
    assert sample.head is not None and sample.tail is not None
    (head_start, head_end), (tail_start, tail_end) = sample.head, sample.tail
    marked: list[list[int]] = []
    for position in range(len(pieces) + 1):
        ends = [(head_start, marks[1])] * (head_end == position) + [(tail_start, marks[3])] * (tail_end == position)
        begins = [(head_end, marks[0])] * (head_start == position) + [(tail_end, marks[2])] * (tail_start == position)
        marked += [[mark] for _, mark in sorted(ends, key=lambda item: -item[0])]
        marked += [[mark] for _, mark in sorted(begins, key=lambda item: -item[0])]
        if position < len(pieces):
            marked.append(list(pieces[position]))
    return marked


def cut_around(marked: list[list[int]], marks: Sequence[int], room: int) -> tuple[list[list[int]], int]:
    """Drop tokens of a sentence longer than the window from its ends, then from its middle; markers stay.

    Dropped are, until it fits: what lies farthest from the entities; last, tokens between and in them.
    """
    places = [i for i, row in enumerate(marked) if len(row) == 1 and row[0] in marks]
    kept = set(range(len(marked)))
    size = sum(len(row) for row in marked)

    def distance(i: int) -> int:
        return min(abs(i - place) for place in places)

    by_distance = sorted((i for i in kept if i not in places), key=lambda i: (-distance(i), -i))
    for i in by_distance:
        if size <= room:
            break
        kept.discard(i)
        size -= len(marked[i])
    return [row for i, row in enumerate(marked) if i in kept], len(marked) - len(kept)
