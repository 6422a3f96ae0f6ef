"""The values of samples for pages and JSON API, from the data set, the runs and the context caches."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from indexer.web.given import Fault, OpenedDataset, SplitEvaluation, SplitSamples, change_between
from indexer.web.samples.filters import PAGE_SIZE, Filters
from indexer.web.samples.models import (
    ContextRow,
    LabelRow,
    MistakeRow,
    PredictionRow,
    SampleDetail,
    SampleLine,
    SamplesPage,
    SourceRow,
)
from indexer.web.samples.selection import Selection, select
from schemas.predictions import Prediction
from schemas.records import Context, Entity, Sample, Span

__all__ = ["sample_detail", "samples_page"]


def samples_page(dataset: OpenedDataset, filters: Filters) -> tuple[SamplesPage, Selection]:
    """Return a page of samples; for a page beyond the last, the last.

    Raises:
        UsageError: a filter names a choice that does not exist.
        StoreError: the data set cannot be used.
    """
    selection = select(dataset, filters)
    filters = selection.filters
    pages = max(1, -(-len(selection.positions) // PAGE_SIZE))  # rounded up
    page = min(filters.page, pages)
    positions = selection.positions[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    evaluations = [one for one in (selection.evaluation, selection.reference) if one is not None]
    listed = SamplesPage(
        split=filters.split,
        run=filters.run,
        against=filters.against,
        total=selection.total,
        found=len(selection.positions),
        page=page,
        pages=pages,
        facets=selection.facets,
        samples=[SampleLine(**_line(selection, position)) for position in positions],
        faults=[one.fault for one in evaluations if one.fault],
    )
    return listed, selection


def sample_detail(dataset: OpenedDataset, position: int, filters: Filters) -> tuple[SampleDetail, Selection]:
    """Return a sample with every run's prediction and its contexts, and its neighbours under the filters.

    Args:
        dataset: of the sample.
        position: of the sample in its split, which the filters name.
        filters: of the list it was opened from.

    Raises:
        UsageError: a filter names a choice that does not exist.
        StoreError: the data set cannot be used.
    """
    selection = select(dataset, filters)
    rows, split = selection.rows, selection.filters.split
    evaluations = {name: dataset.evaluate(split, run) for name, run in dataset.runs.by_name.items()}
    reference = evaluations.get(selection.filters.against)
    runs = [_prediction(rows, position, name, one, reference) for name, one in evaluations.items()]
    sources, faults = _sources(dataset, rows.samples[position], runs)
    at = bisect_left(selection.positions, position)  # where it stands in the list, or would stand
    is_listed = at < len(selection.positions) and selection.positions[at] == position
    after = at + 1 if is_listed else at
    detail = SampleDetail(
        **_line(selection, position),
        place=at + 1 if is_listed else None,
        found=len(selection.positions),
        previous=rows.samples[selection.positions[at - 1]].sample_id if at else None,
        next=rows.samples[selection.positions[after]].sample_id if after < len(selection.positions) else None,
        runs=runs,
        sources=sources,
        faults=[*(one.fault for one in evaluations.values() if one.fault), *faults],
    )
    return detail, selection


def _line(selection: Selection, position: int) -> dict[str, Any]:
    rows, filters = selection.rows, selection.filters
    sample = rows.samples[position]
    says = against = None
    if selection.evaluation is not None:
        says = _prediction(rows, position, filters.run, selection.evaluation, selection.reference)
    if selection.reference is not None:
        against = _prediction(rows, position, filters.against, selection.reference, None)
    return {
        "sample_id": sample.sample_id,
        "split": sample.split,
        "tokens": list(sample.tokens),
        "picture": rows.pictures[position],
        "gold": None if sample.tags is None else [_label(sample, entity) for entity in rows.gold[position]],
        "head": _span(sample, "head", sample.head),
        "tail": _span(sample, "tail", sample.tail),
        "relation": sample.relation,
        "says": says,
        "against": against,
    }


def _prediction(
    rows: SplitSamples, position: int, run: str, evaluation: SplitEvaluation, reference: SplitEvaluation | None
) -> PredictionRow:
    sample, row = rows.samples[position], evaluation.rows[position]
    prediction = row.prediction
    known = {} if prediction is None else _probabilities(prediction)
    is_compared = reference is not None and reference is not evaluation
    change = change_between(reference.rows[position], row) if reference is not None and is_compared else None
    return PredictionRow(
        run=run,
        kinds=list(row.kinds),
        change=change or "",
        entities=[_label(sample, entity, known.get(entity)) for entity in row.entities],
        relation=prediction.relation if prediction else None,
        probability=prediction.probability if prediction else None,
        mistakes=[
            MistakeRow(
                kind=mistake.kind,
                gold=_label(sample, mistake.gold) if mistake.gold else None,
                predicted=_label(sample, mistake.predicted, known.get(mistake.predicted))
                if mistake.predicted
                else None,
            )
            for mistake in row.mistakes
        ],
        contexts=list(prediction.contexts) if prediction else [],
        gate=list(prediction.gate) if prediction and prediction.gate is not None else None,
    )


def _probabilities(prediction: Prediction) -> dict[Entity, float | None]:
    return {Entity(type=row.type, start=row.start, end=row.end): row.probability for row in prediction.entities}


def _label(sample: Sample, entity: Entity, probability: float | None = None) -> LabelRow:
    text = " ".join(sample.tokens[entity.start : entity.end])
    return LabelRow(type=entity.type, start=entity.start, end=entity.end, text=text, probability=probability)


def _span(sample: Sample, name: str, span: Span | None) -> LabelRow | None:
    return None if span is None else _label(sample, Entity(type=name, start=span.start, end=span.end))


def _sources(dataset: OpenedDataset, sample: Sample, runs: list[PredictionRow]) -> tuple[list[SourceRow], list[Fault]]:
    """Return the sample's contexts by source, each with the runs that read it; and the caches that cannot be used."""
    found, broken = dataset.contexts.contexts_of(sample)
    used_by: dict[tuple[str, int, str, str], list[str]] = {}
    for prediction in runs:
        for row in prediction.contexts:
            used_by.setdefault((row.source, row.rank, row.doc_id, row.title), []).append(prediction.run)
    rows = [
        SourceRow(
            cache=one.cache,
            source=one.source,
            status=one.status,
            is_of_this_index=dataset.contexts.index_fingerprint(one.cache) == dataset.index_fingerprint,
            contexts=[_context(context, used_by) for context in one.contexts],
        )
        for one in found
    ]
    faults = [Fault(name, error.place or "", error.message, error.remedy or "") for name, error in broken]
    return rows, faults


def _context(context: Context, used_by: dict[tuple[str, int, str, str], list[str]]) -> ContextRow:
    return ContextRow(
        rank=context.rank,
        score=context.score,
        doc_id=context.doc_id,
        title=context.title,
        description=context.description,
        text=context.text,
        matched=context.matched,
        used_by=used_by.get((context.source, context.rank, context.doc_id, context.title), []),
    )
