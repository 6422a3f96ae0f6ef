"""Runs as JSON: the same values as on the pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from indexer.web.given import Inspector
from indexer.web.http import ERROR_RESPONSES
from indexer.web.runs.models import RunDetail, RunLine
from indexer.web.runs.values import run_detail, run_lines

__all__ = ["runs_api_router"]

runs_api_router = APIRouter(prefix="/api", responses=ERROR_RESPONSES)


@runs_api_router.get("/runs", operation_id="list_runs")
def list_runs(request: Request) -> list[RunLine]:
    """List the runs with their scores, and how many samples each fixes and breaks beside the reference."""
    inspector: Inspector = request.app.state.inspector
    return run_lines(inspector.require_runs(), inspector.dataset)


@runs_api_router.get("/runs/{name:path}", operation_id="get_run")
def get_run(
    request: Request, name: Annotated[str, Path(max_length=300, description="Name of a run, of the list.")]
) -> RunDetail:
    """Return a run: settings, how training went, scores by class and group, the gate."""
    inspector: Inspector = request.app.state.inspector
    runs = inspector.require_runs()
    return run_detail(runs, runs.run(name), inspector.dataset)
