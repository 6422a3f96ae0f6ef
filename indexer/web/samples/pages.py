"""The pages of samples: the list with its filters, and one sample with all predictions and contexts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.web.given import Inspector, OpenedDataset
from indexer.web.samples.box_marks import draw_boxes
from indexer.web.samples.filters import PAGE_SIZE
from indexer.web.samples.parameters import ListFilters, SampleFilters, SampleId, Split
from indexer.web.samples.token_marks import mark_gold, mark_pair, mark_run
from indexer.web.samples.values import sample_detail, samples_page

__all__ = ["samples_router"]

_COLOURS = 6
"""Colours of entity types; further types share them, and the type always stands beside the entity."""
samples_router = APIRouter(include_in_schema=False)


@samples_router.get("/samples")
def samples(request: Request, filters: ListFilters) -> Response:
    """Show the samples that pass the filters."""
    inspector: Inspector = request.app.state.inspector
    dataset = inspector.require_dataset()
    page, selection = samples_page(dataset, filters)
    return _show(request, "samples.html", dataset, page=page, filters=selection.filters)


@samples_router.get("/samples/{split}/{sample_id:path}")
def sample(request: Request, split: Split, sample_id: SampleId, filters: SampleFilters) -> Response:
    """Show a sample."""
    inspector: Inspector = request.app.state.inspector
    dataset = inspector.require_dataset()
    position = dataset.position_of(split, sample_id)
    detail, selection = sample_detail(dataset, position, replace(filters, split=split))
    groups = draw_boxes(detail, selection.filters.run)
    return _show(request, "sample.html", dataset, sample=detail, filters=selection.filters, groups=groups)


def _show(request: Request, template: str, dataset: OpenedDataset, **values: Any) -> Response:
    colours = {name: number % _COLOURS + 1 for number, name in enumerate(dataset.types)} | {"head": 1, "tail": 3}
    shared = {
        "dataset": dataset,
        "colours": colours,
        "page_size": PAGE_SIZE,
        "is_re": dataset.info.task == "re",
        "mark_gold": mark_gold,
        "mark_pair": mark_pair,
        "mark_run": mark_run,
        "quote": lambda text: quote(text, safe=""),
    }
    response: Response = request.app.state.templates.TemplateResponse(request, template, {**shared, **values})
    return response
