"""Samples as JSON: the same values as on the pages."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request

from indexer.web.given import Inspector
from indexer.web.http import ERROR_RESPONSES
from indexer.web.samples.models import SampleDetail, SamplesPage
from indexer.web.samples.parameters import ListFilters, SampleFilters, SampleId, Split
from indexer.web.samples.values import sample_detail, samples_page

__all__ = ["samples_api_router"]

samples_api_router = APIRouter(prefix="/api", responses=ERROR_RESPONSES)


@samples_api_router.get("/samples", operation_id="list_samples")
def list_samples(request: Request, filters: ListFilters) -> SamplesPage:
    """List the samples that pass the filters, 25 on a page, with the counts of all other choices."""
    inspector: Inspector = request.app.state.inspector
    return samples_page(inspector.require_dataset(), filters)[0]


@samples_api_router.get("/samples/{split}/{sample_id:path}", operation_id="get_sample")
def get_sample(request: Request, split: Split, sample_id: SampleId, filters: SampleFilters) -> SampleDetail:
    """Return a sample: gold labels, what every run predicts, its contexts by source, the gate's weights."""
    inspector: Inspector = request.app.state.inspector
    dataset = inspector.require_dataset()
    return sample_detail(dataset, dataset.position_of(split, sample_id), replace(filters, split=split))[0]
