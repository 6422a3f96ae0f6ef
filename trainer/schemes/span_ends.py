"""Spans by their ends: which start belongs to which end, as readers of one question for each type decide it."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Span

__all__ = ["decode_flat", "decode_nested"]

Matrix = Sequence[Sequence[bool]]


def decode_flat(starts: Sequence[bool], ends: Sequence[bool], matches: Matrix | None = None) -> list[Span]:
    """Join each start with the nearest end at or after it, and keep the spans that match.

    Args:
        starts: [T], whether a span starts with a token.
        ends: [T], whether one ends with it.
        matches: [T, T], whether start i and end j make a span; None keeps all.

    Source: ShannonAI/mrc-for-flat-nested-ner, metrics/functional/query_span_f1.py, without its filter of overlaps,
    which asks for the truth value True among token numbers.

    >>> decode_flat([True, False, True], [False, True, True])
    [Span(start=0, end=2), Span(start=2, end=3)]
    """
    spans, nearest = [], None
    for position in range(len(starts) - 1, -1, -1):
        nearest = position if ends[position] else nearest
        if starts[position] and nearest is not None and (matches is None or matches[position][nearest]):
            spans.append(Span(position, nearest + 1))
    return spans[::-1]


def decode_nested(starts: Sequence[bool], ends: Sequence[bool], matches: Matrix) -> list[Span]:
    """Return every span whose start, end and match are set: spans may lie within each other.

    >>> decode_nested([True, True], [False, True], [[True, True], [True, True]])
    [Span(start=0, end=2), Span(start=1, end=2)]
    """
    places = range(len(starts))
    return [Span(i, j + 1) for i in places if starts[i] for j in places[i:] if ends[j] and matches[i][j]]
