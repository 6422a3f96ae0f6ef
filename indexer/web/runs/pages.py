"""The pages of runs: all side by side, and one with its settings, curves, scores and gate."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from indexer.web.given import Inspector
from indexer.web.runs.figures import draw_comparison, draw_run
from indexer.web.runs.values import chosen_split, run_detail, run_lines
from schemas.text_files import SPLITS

__all__ = ["runs_router"]

runs_router = APIRouter(include_in_schema=False)
Split = Annotated[str, Query(max_length=20)]


@runs_router.get("/runs")
def runs_page(request: Request, split: Split = "") -> Response:
    """Show all runs side by side."""
    inspector: Inspector = request.app.state.inspector
    runs = inspector.require_runs()
    split = chosen_split(runs, split)
    splits = [name for name in SPLITS if runs.evaluated_on(name)]
    lines = run_lines(runs, inspector.dataset, split)
    figures = draw_comparison(runs, lines)
    return _show(request, "runs.html", lines=lines, split=split, splits=splits, figures=figures)


@runs_router.get("/runs/{name:path}")
def run_page(request: Request, name: Annotated[str, Path(max_length=300)], split: Split = "") -> Response:
    """Show a run."""
    inspector: Inspector = request.app.state.inspector
    runs = inspector.require_runs()
    detail = run_detail(runs, runs.run(name), inspector.dataset, split)
    return _show(request, "run.html", run=detail, figures=draw_run(detail))


def _show(request: Request, template: str, **values: Any) -> Response:
    shared = {"quote": lambda text: quote(text, safe="/"), "has_samples": request.app.state.inspector.dataset}
    response: Response = request.app.state.templates.TemplateResponse(request, template, {**shared, **values})
    return response
