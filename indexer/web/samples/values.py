"""The values of samples for pages and JSON API, from the data set, the runs and the context caches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from indexer.web.given import Fault, Mistake, OpenedDataset, SplitEvaluation, SplitSamples, change_between
from indexer.web.samples.box_marks import has_boxes
from indexer.web.samples.filters import PAGE_SIZE, Filters
from indexer.web.samples.models import (
    ContextRow,
    EndRow,
    FactRow,
    LabelRow,
    MistakeRow,
    PictureSize,
    PredictionRow,
    RegionRow,
    SampleDetail,
    SampleLine,
    SamplesPage,
    SourceRow,
)
from indexer.web.samples.pictures import picture_size
from indexer.web.samples.selection import Selection, select
from schemas.predictions import PredictedEntity, Prediction
from schemas.records import Box, Context, Entity, Relation, Sample, Span

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
    sample, line = rows.samples[position], _line(selection, position)
    regions, broken = _regions(dataset, sample, evaluations, position)
    says: list[SampleLine | PredictionRow] = [SampleLine(**line), *runs]
    size = picture_size(dataset, sample) if regions or any(map(has_boxes, says)) else None
    detail = SampleDetail(
        **line,
        place=at + 1 if is_listed else None,
        found=len(selection.positions),
        previous=rows.samples[selection.positions[at - 1]].sample_id if at else None,
        next=rows.samples[selection.positions[after]].sample_id if after < len(selection.positions) else None,
        runs=runs,
        size=None if size is None else PictureSize(width=size[0], height=size[1]),
        regions=regions,
        sources=sources,
        faults=[*(one.fault for one in evaluations.values() if one.fault), *faults, *broken],
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
        "gold": [_label(sample, entity) for entity in rows.gold[position]] if _has_entities(sample) else None,
        "head": _span(sample, "head", sample.head),
        "tail": _span(sample, "tail", sample.tail),
        "relation": sample.relation,
        "facts": None if sample.relations is None else [_fact(sample, row) for row in sample.relations],
        "says": says,
        "against": against,
    }


def _prediction(
    rows: SplitSamples, position: int, run: str, evaluation: SplitEvaluation, reference: SplitEvaluation | None
) -> PredictionRow:
    sample, row = rows.samples[position], evaluation.rows[position]
    prediction = row.prediction
    known = {} if prediction is None else _by_span(prediction)
    is_compared = reference is not None and reference is not evaluation
    change = change_between(reference.rows[position], row) if reference is not None and is_compared else None
    return PredictionRow(
        run=run,
        kinds=list(row.kinds),
        change=change or "",
        entities=[_label(sample, entity, known.get(entity[:3])) for entity in row.entities],
        facts=None
        if prediction is None or prediction.relations is None
        else [_fact(sample, one) for one in row.relations],
        relation=prediction.relation if prediction else None,
        probability=prediction.probability if prediction else None,
        mistakes=[_mistake(sample, mistake, known) for mistake in row.mistakes],
        contexts=list(prediction.contexts) if prediction else [],
        gate=list(prediction.gate) if prediction and prediction.gate is not None else None,
    )


def _mistake(sample: Sample, mistake: Mistake, known: Mapping[tuple[int, int, str], PredictedEntity]) -> MistakeRow:
    gold, predicted = mistake.gold, mistake.predicted
    return MistakeRow(
        kind=mistake.kind,
        gold=_label(sample, gold) if isinstance(gold, Entity) else None,
        predicted=_label(sample, predicted, known.get(predicted[:3])) if isinstance(predicted, Entity) else None,
        gold_fact=_fact(sample, gold) if isinstance(gold, Relation) else None,
        predicted_fact=_fact(sample, predicted) if isinstance(predicted, Relation) else None,
    )


def _by_span(prediction: Prediction) -> dict[tuple[int, int, str], PredictedEntity]:
    return {(row.start, row.end, row.type): row for row in prediction.entities}


def _has_entities(sample: Sample) -> bool:
    return sample.tags is not None or sample.entities is not None


def _label(sample: Sample, entity: Entity, predicted: PredictedEntity | None = None) -> LabelRow:
    return LabelRow(
        type=entity.type,
        start=entity.start,
        end=entity.end,
        text=" ".join(sample.tokens[entity.start : entity.end]),
        probability=predicted.probability if predicted else None,
        fine=entity.fine,
        boxes=list(entity.boxes),
        candidates=list(predicted.candidates) if predicted else [],
    )


def _fact(sample: Sample, relation: Relation) -> FactRow:
    ends = (_end(sample, relation.head), _end(sample, relation.tail))
    return FactRow(head=ends[0], tail=ends[1], type=relation.type, score=relation.score)


def _end(sample: Sample, end: Span | Box) -> EndRow:
    if isinstance(end, Box):
        return EndRow(text="", box=end)
    return EndRow(text=" ".join(sample.tokens[end.start : end.end]), start=end.start, end=end.end)


def _regions(
    dataset: OpenedDataset, sample: Sample, evaluations: Mapping[str, SplitEvaluation], position: int
) -> tuple[list[RegionRow], list[Fault]]:
    """Return the regions of the sample's picture, each with what the runs read there; and the stores with a fault."""
    found, broken = dataset.features.regions_of(sample)
    weights: dict[tuple[str, str, int], dict[str, float]] = {}
    for name, evaluation in evaluations.items():
        prediction = evaluation.rows[position].prediction
        for row in prediction.region_weights if prediction else ():
            weights.setdefault((row.store, row.view, row.number), {})[name] = row.weight
    rows = [
        RegionRow(
            store=one.store,
            view=one.view,
            number=one.number,
            box=one.box,
            name=one.name,
            score=one.score,
            weights=weights.get((one.store, one.view, one.number), {}),
        )
        for one in found
    ]
    return rows, [Fault(name, error.place or "", error.message, error.remedy or "") for name, error in broken]


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
