"""The samples that pass the filters, and how many would pass with each other choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indexer.web.given import (
    CHANGES,
    KINDS,
    OpenedDataset,
    SampleEvaluation,
    SplitEvaluation,
    SplitSamples,
    change_between,
)
from indexer.web.samples.filters import FACETS, PICTURES, WINDOWS, Filters, complete

__all__ = ["Choice", "Selection", "select"]

_ALL_ALIKE = "all alike"
_MAX_EXPERTS = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter, and how many samples would pass with it under all other filters."""

    value: str
    count: int


@dataclass(frozen=True)
class Selection:
    """The samples that pass the filters.

    Args:
        filters: as they were completed.
        positions: of the samples in their split, in its order.
        facets: choices of each filter, counted under all other filters.
        rows: the samples of the split.
        evaluation: of the run; None without runs.
        reference: evaluation of the run it is compared with; None where there is no other.
        total: samples in the split.
    """

    filters: Filters
    positions: list[int]
    facets: dict[str, list[Choice]]
    rows: SplitSamples
    evaluation: SplitEvaluation | None
    reference: SplitEvaluation | None
    total: int


def select(dataset: OpenedDataset, filters: Filters) -> Selection:
    """Find the samples that pass the filters, and count how many would pass with each other choice.

    A sample counts for a choice of a filter if it passes all other filters. So one pass over the samples is enough: a
    sample that fails no filter counts in every facet, one that fails a single filter counts in that facet alone.

    Raises:
        UsageError: a filter names a choice that does not exist.
    """
    filters = complete(dataset, filters)
    runs = dataset.runs.by_name
    rows = dataset.split(filters.split)
    evaluation = dataset.evaluate(filters.split, runs[filters.run]) if filters.run else None
    is_compared = filters.against not in ("", filters.run)
    reference = dataset.evaluate(filters.split, runs[filters.against]) if is_compared else None
    counts: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    positions = []
    for position in _with_words(rows, filters.q):
        values = _values(rows, evaluation, reference, position)
        failed = [name for name in FACETS if (choice := getattr(filters, name)) and choice not in values[name]]
        if not failed:
            positions.append(position)
        # No filter failed: it counts in every facet. One failed: in that facet alone. More: in none.
        for name in FACETS if not failed else failed if len(failed) == 1 else ():
            for value in values[name]:
                counts[name][value] = counts[name].get(value, 0) + 1
    facets = _facets(dataset, filters, counts, evaluation, reference)
    return Selection(filters, positions, facets, rows, evaluation, reference, len(rows.samples))


def _with_words(rows: SplitSamples, words: str) -> Iterable[int]:
    """Return the positions of the samples whose tokens, joined by blanks, contain a text, in any case."""
    text = " ".join(words.casefold().split())
    if not text:
        return range(len(rows.samples))
    return [position for position, row in enumerate(rows.samples) if text in " ".join(row.tokens).casefold()]


def _values(
    rows: SplitSamples, evaluation: SplitEvaluation | None, reference: SplitEvaluation | None, position: int
) -> Mapping[str, Iterable[str]]:
    """Return the values of a sample in each facet."""
    sample = rows.samples[position]
    types = {entity.type for entity in rows.gold[position]} | ({sample.relation} if sample.relation else set())
    row = evaluation.rows[position] if evaluation else None
    if row is not None and row.prediction is not None:
        types |= {entity.type for entity in row.entities}
        types |= {row.prediction.relation} if row.prediction.relation else set()
    change = change_between(reference.rows[position], row) if row and reference else None
    return {
        "kind": row.kinds if row else (),
        "change": (change,) if change else (),
        "type": types,
        "window": _window(row),
        "gate": _most_trusted(row),
        "picture": (rows.pictures[position],),
    }


def _window(row: SampleEvaluation | None) -> tuple[str, ...]:
    if row is None or row.prediction is None:
        return ()
    return (WINDOWS[0] if row.prediction.contexts else WINDOWS[1],)


def _most_trusted(row: SampleEvaluation | None) -> tuple[str, ...]:
    if row is None or row.prediction is None or not row.prediction.gate:
        return ()
    first, *others = sorted(row.prediction.gate, key=lambda part: -part.weight)
    return (_ALL_ALIKE if others and others[0].weight == first.weight else first.expert,)


def _facets(
    dataset: OpenedDataset,
    filters: Filters,
    counts: Mapping[str, Mapping[str, int]],
    evaluation: SplitEvaluation | None,
    reference: SplitEvaluation | None,
) -> dict[str, list[Choice]]:
    """Order the choices; one without a sample is left out unless it is chosen."""
    known: dict[str, tuple[str, ...]] = {
        "kind": KINDS if evaluation else (),
        "change": CHANGES if reference else (),
        "type": dataset.types,
        "window": WINDOWS if evaluation else (),
        "gate": tuple(sorted({*counts["gate"], filters.gate} - {""})[:_MAX_EXPERTS]),
        "picture": PICTURES,
    }
    return {
        name: [
            Choice(value, counts[name].get(value, 0))
            for value in values
            if value in counts[name] or getattr(filters, name) == value
        ]
        for name, values in known.items()
    }
