"""Samples as the pages and the JSON API show them: made from the data set, the runs and the caches."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from indexer.web.given import Fault, Judged, Judgement, Run, SampleBook, SplitRows, change_of
from indexer.web.samples.filters import PAGE_SIZE, Filters, Selection, choose
from indexer.web.samples.models import (
    ChoiceRow,
    ContextRow,
    FaultRow,
    LabelRow,
    MistakeRow,
    RunSays,
    SampleDetail,
    SampleLine,
    SamplesPage,
    SourceRow,
    UsedRow,
    WeightRow,
)
from schemas.entities import Entity
from schemas.predictions import Prediction
from schemas.records import Context, Sample, Span

__all__ = ["fault_row", "sample_detail", "samples_page"]

_UNTOLD = frozenset({"no prediction", "no gold"})


def samples_page(book: SampleBook, filters: Filters) -> tuple[SamplesPage, Selection]:
    """Return a page of samples; one beyond the last is the last.

    Raises:
        Refused: a choice that there is not.
        StoreError: the data set cannot be used.
    """
    selection = choose(book, filters)
    asked = selection.filters
    pages = max(1, -(-len(selection.places) // PAGE_SIZE))
    page = min(asked.page, pages)
    places = selection.places[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    found = SamplesPage(
        split=asked.split,
        run=asked.run,
        against=asked.against,
        total=selection.total,
        found=len(selection.places),
        page=page,
        pages=pages,
        facets={
            name: [ChoiceRow(value=row.value, count=row.count) for row in rows]
            for name, rows in selection.facets.items()
        },
        samples=[SampleLine(**_line(selection, place)) for place in places],
        faults=[fault_row(some.fault) for some in (selection.judgement, selection.reference) if some and some.fault],
    )
    return found, selection


def sample_detail(book: SampleBook, place: int, filters: Filters) -> tuple[SampleDetail, Selection]:
    """Return a sample with all that is known of it, and its neighbours under the filters.

    Args:
        book: of the samples.
        place: of the sample in its split, which the filters name.
        filters: of the list it was opened from.

    Raises:
        Refused: a choice that there is not.
        StoreError: the data set cannot be used.
    """
    selection = choose(book, filters)
    rows, split = selection.rows, selection.filters.split
    sample = rows.samples[place]
    judged = {name: book.judge(split, run) for name, run in book.shelf.runs.items()}
    reference = judged.get(selection.filters.against)
    runs = [_says(rows, place, run, judged[name], reference) for name, run in book.shelf.runs.items()]
    sources, faults = _sources(book, sample, runs)
    faults = [*(fault_row(one.fault) for one in judged.values() if one.fault), *faults]
    at = bisect_left(selection.places, place)
    is_in = at < len(selection.places) and selection.places[at] == place
    after = at + 1 if is_in else at
    detail = SampleDetail(
        **_line(selection, place),
        place=at + 1 if is_in else None,
        found=len(selection.places),
        previous=rows.samples[selection.places[at - 1]].sample_id if at else None,
        next=rows.samples[selection.places[after]].sample_id if after < len(selection.places) else None,
        runs=runs,
        sources=sources,
        faults=faults,
    )
    return detail, selection


def fault_row(fault: Fault) -> FaultRow:
    """Return a fault as the API says it."""
    return FaultRow(file=fault.file, place=fault.place, message=fault.message, remedy=fault.remedy)


def _line(selection: Selection, place: int) -> dict[str, Any]:
    rows = selection.rows
    sample = rows.samples[place]
    is_tagged = sample.tags is not None
    asked, says, against = selection.filters, None, None
    if selection.judgement is not None:
        says = _says(rows, place, asked.run, selection.judgement, selection.reference)
    if selection.reference is not None:
        against = _says(rows, place, asked.against, selection.reference, None)
    return {
        "sample_id": sample.sample_id,
        "split": sample.split,
        "tokens": list(sample.tokens),
        "picture": rows.pictures[place],
        "gold": [_label(sample, entity) for entity in rows.gold[place]] if is_tagged else None,
        "head": _span(sample, "head", sample.head),
        "tail": _span(sample, "tail", sample.tail),
        "relation": sample.relation,
        "says": says,
        "against": against,
    }


def _says(rows: SplitRows, place: int, run: Run | str, judgement: Judgement, reference: Judgement | None) -> RunSays:
    sample, judged = rows.samples[place], judgement.rows[place]
    prediction = judged.prediction
    known = {} if prediction is None else _probabilities(prediction)
    return RunSays(
        run=run if isinstance(run, str) else run.name,
        kinds=list(judged.kinds),
        change=_change(reference.rows[place], judged) if reference and reference is not judgement else "",
        entities=[_label(sample, entity, known.get(entity)) for entity in judged.entities],
        relation=prediction.relation if prediction else None,
        probability=prediction.probability if prediction else None,
        mistakes=[
            MistakeRow(
                kind=row.kind,
                gold=_label(sample, row.gold) if row.gold else None,
                predicted=_label(sample, row.predicted, known.get(row.predicted)) if row.predicted else None,
            )
            for row in judged.mistakes
        ],
        contexts=[
            UsedRow(source=row.source, rank=row.rank, doc_id=row.doc_id, title=row.title)
            for row in (prediction.contexts if prediction else ())
        ],
        gate=_gate(prediction),
    )


def _change(one: Judged, other: Judged) -> str:
    return "" if _UNTOLD & {*one.kinds, *other.kinds} else change_of(len(one.mistakes), len(other.mistakes))


def _gate(prediction: Prediction | None) -> list[WeightRow] | None:
    if prediction is None or prediction.gate is None:
        return None
    return [WeightRow(expert=row.expert, weight=row.weight) for row in prediction.gate]


def _probabilities(prediction: Prediction) -> dict[Entity, float]:
    return {Entity(row.type, row.start, row.end): row.probability for row in prediction.entities}


def _label(sample: Sample, entity: Entity, probability: float | None = None) -> LabelRow:
    text = " ".join(sample.tokens[entity.start : entity.end])
    return LabelRow(type=entity.type, start=entity.start, end=entity.end, text=text, probability=probability)


def _span(sample: Sample, name: str, span: Span | None) -> LabelRow | None:
    return None if span is None else _label(sample, Entity(name, *span))


def _sources(book: SampleBook, sample: Sample, runs: list[RunSays]) -> tuple[list[SourceRow], list[FaultRow]]:
    found, broken = book.contexts.of(sample)
    used: dict[tuple[str, int, str, str], list[str]] = {}
    for says in runs:
        for row in says.contexts:
            used.setdefault((row.source, row.rank, row.doc_id, row.title), []).append(says.run)
    rows = [
        SourceRow(
            cache=some.cache,
            source=some.source,
            status=some.status,
            is_of_this_index=book.contexts.index_fingerprint(some.cache) == book.index_fingerprint,
            contexts=[_context(row, used) for row in some.contexts],
        )
        for some in found
    ]
    faults = [
        FaultRow(file=name, place=error.place or "", message=error.message, remedy=error.remedy or "")
        for name, error in broken
    ]
    return rows, faults


def _context(row: Context, used: dict[tuple[str, int, str, str], list[str]]) -> ContextRow:
    return ContextRow(
        rank=row.rank,
        score=row.score,
        doc_id=row.doc_id,
        title=row.title,
        text=row.text,
        matched=row.matched,
        used_by=used.get((row.source, row.rank, row.doc_id, row.title), []),
    )
