"""The text that a writing head learns for a sample: its symbols, what is allowed at each, and its regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.model.formats import END, Grammar, PatternFormat, Symbol
from trainer.model.generators.regions import keep_covered

__all__ = ["GoldText", "gold_text", "spread_markers"]


class GoldText(NamedTuple):
    """A text to learn, as columns of the scores.

    Args:
        symbols: with END [T].
        allowed: the columns that the grammar allows at each [T][>= 1].
        regions: the place of each symbol that names a region, and the target [K] over the columns of the features.
    """

    symbols: list[int]
    allowed: list[list[int]]
    regions: dict[int, list[float]]


def gold_text(
    format_: PatternFormat,
    seen: Sample,
    records: Sequence[Entity | Relation],
    column: Callable[[Symbol], int],
    candidates: Sequence[tuple[int, Box]] | None,
    columns: int,
) -> GoldText:
    """Return the gold text of a sample; records that reach beyond its window are left out.

    Args:
        format_: of the text.
        seen: the sample up to the end of its window.
        records: gold.
        column: of a symbol, in the scores.
        candidates: boxes of its regions with their columns; None without any.
        columns: of the features.
    """
    kept = [row for row in records if _last(row) <= len(seen.tokens)]
    targets: dict[tuple[int, int], list[float]] = {}
    if candidates is None:
        kept = [row._replace(boxes=()) if isinstance(row, Entity) else row for row in kept]
    else:
        kept, targets = keep_covered(kept, candidates, columns)
    symbols: list[Symbol] = [*format_.symbols(seen, kept), END]
    answer = format_.read_symbols(symbols[:-1], seen)
    regions = {
        place: targets[row.start, row.end]
        for row, place in zip(answer.records, answer.regions, strict=True)
        if place is not None and isinstance(row, Entity)
    }
    grammar, allowed = Grammar(format_.pattern, seen, has_regions=candidates is not None), []
    state = grammar.start()
    for symbol in symbols:
        following = grammar.allowed(state)
        allowed.append([*map(column, following.words), *map(column, following.copies)])
        state = grammar.step(state, symbol)
    return GoldText([column(symbol) for symbol in symbols], allowed, regions)


def _last(row: Entity | Relation) -> int:
    """Return the end of a record in tokens."""
    if isinstance(row, Entity):
        return row.end
    return max(end.end if isinstance(end, Span) else 0 for end in (row.head, row.tail))


def spread_markers(states: Tensor, sample: Sample) -> Tensor:
    """Return states of tokens [T, H] from those of the two markers [2, H], in the order in which they stand."""
    assert sample.head is not None and sample.tail is not None
    spread = states.new_zeros(len(sample.tokens), states.shape[-1])
    for state, span in zip(states, sorted((sample.head, sample.tail)), strict=True):
        spread[span.start : span.end] = state
    return spread
