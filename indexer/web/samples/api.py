"""Samples and runs as JSON: the same values as on the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request

from indexer.web.given import book_of, optional_book_of, run_of, runs_of
from indexer.web.runs import RunDetail, RunLine, run_detail, run_lines
from indexer.web.samples.models import SampleDetail, SamplesPage
from indexer.web.samples.pages import Asked, SampleId, Split, Within, place_of
from indexer.web.samples.views import sample_detail, samples_page
from indexer.web.search import ERRORS

__all__ = ["router"]

router = APIRouter(prefix="/api", responses=ERRORS)


@router.get("/samples", operation_id="list_samples")
def list_samples(request: Request, filters: Asked) -> SamplesPage:
    """List the samples that pass some filters, 25 on a page, with the counts of all other choices."""
    return samples_page(book_of(request), filters)[0]


@router.get("/samples/{split}/{sample_id:path}", operation_id="get_sample")
def get_sample(request: Request, split: Split, sample_id: SampleId, filters: Within) -> SampleDetail:
    """Return a sample: gold labels, what every run predicts, its contexts by source, the gate's weights."""
    book = book_of(request)
    return sample_detail(book, place_of(book, split, sample_id), replace(filters, split=split))[0]


@router.get("/runs", operation_id="list_runs")
def list_runs(request: Request) -> list[RunLine]:
    """List the runs with their scores, and how many samples each fixes and breaks beside the reference."""
    return run_lines(runs_of(request), optional_book_of(request))


@router.get("/runs/{name:path}", operation_id="get_run")
def get_run(
    request: Request, name: Annotated[str, Path(max_length=300, description="Name of a run, of the list.")]
) -> RunDetail:
    """Return a run: settings, how training went, scores by class and group, the gate."""
    return run_detail(runs_of(request), run_of(request, name), optional_book_of(request))
