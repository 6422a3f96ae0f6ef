"""The pages of runs: all side by side, and one with its settings, curves, scores and gate."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from indexer.web.given import RunShelf, optional_book_of, run_of, runs_of
from indexer.web.runs.models import RunDetail, RunLine
from indexer.web.runs.views import BINS, chosen_split, run_detail, run_lines
from schemas.errors import MieError
from schemas.text_files import SPLITS

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
Split = Annotated[str, Query(max_length=20)]
_MAX_DRAWN, _MAX_BARS = 8, 24
"""Runs or experts in one figure."""


@router.get("/runs")
def runs(request: Request, split: Split = "") -> Response:
    """Show all runs side by side."""
    shelf = runs_of(request)
    wanted = chosen_split(shelf, split)
    splits = [name for name in SPLITS if any(run.has_predictions(name) for run in shelf.runs.values())]
    lines = run_lines(shelf, optional_book_of(request), wanted)
    figures = _compared(lines, wanted) + _learning(shelf)
    return _show(request, "runs.html", lines=lines, split=wanted, splits=splits, figures=figures)


@router.get("/runs/{name:path}")
def run(request: Request, name: Annotated[str, Path(max_length=300)], split: Split = "") -> Response:
    """Show a run."""
    detail = run_detail(runs_of(request), run_of(request, name), optional_book_of(request), split)
    return _show(request, "run.html", run=detail, figures=_figures(detail), bins=BINS)


def _show(request: Request, template: str, **values: Any) -> Response:
    shared = {"quote": lambda text: quote(text, safe="/"), "has_samples": request.app.state.inspector.dataset}
    response: Response = request.app.state.templates.TemplateResponse(request, template, {**shared, **values})
    return response


def _compared(lines: list[RunLine], split: str) -> list[tuple[str, str]]:
    bars = tuple((line.name, 100 * line.score.f1) for line in lines[:_MAX_BARS] if line.score)
    return [(f"F1 on {split}", _bars("F1 of the runs", (("F1", bars),), "F1, %", 2))] if len(bars) > 1 else []


def _learning(shelf: RunShelf) -> list[tuple[str, str]]:
    """Draw dev F1 by epoch of all experts; a log that cannot be read is told on the run's own page."""
    lines = []
    for run in list(shelf.runs.values())[:_MAX_DRAWN]:
        with suppress(MieError):
            points = tuple((row.epoch, 100 * row.dev_f1) for row in run.log() if row.dev_f1 is not None)
            lines += [(run.name, points)] if points else []
    title = "Dev F1 by epoch"
    return [(title, _lines(title, tuple(lines), "epoch", "F1 on dev, %"))] if lines else []


def _figures(run: RunDetail) -> dict[str, list[tuple[str, str]]]:
    """Draw the figures of a run: [title, SVG] by part of the page."""
    losses = tuple((row.epoch, row.loss) for row in run.epochs if row.loss is not None)
    scores = tuple((row.epoch, 100 * row.dev_f1) for row in run.epochs if row.dev_f1 is not None)
    curves = []
    if losses:
        curves.append(("Loss", _lines("Loss by epoch", (("loss", losses),), "epoch", "mean loss of a sample")))
    if scores:
        curves.append(("Dev F1", _lines("Dev F1 by epoch", (("dev F1", scores),), "epoch", "F1 on dev, %")))
    classes = run.score.by_class if run.score else {}
    parts = {}
    if 1 < len(classes) <= 40:
        ordered = sorted(classes.items(), key=lambda item: -item[1].gold)
        bars = [(run.name, tuple((name, 100 * row.f1) for name, row in ordered))]
        base = next(iter(run.reference_scores.values()), None)
        if base is not None:
            others = ((name, 100 * base.by_class[name].f1) for name, _ in ordered if name in base.by_class)
            bars.append((run.reference, tuple(others)))
        parts["classes"] = [("F1 by class, most frequent first", _bars("F1 by class", tuple(bars), "F1, %", 1))]
    gates = [
        (f"Weight of {name}", _histogram(f"Weight of {name}", tuple(counts)))
        for name, counts in list(run.gate_weights.items())[:_MAX_DRAWN]
    ]
    return {"curves": curves, "gate": gates, **parts}


@lru_cache(maxsize=256)
def _lines(title: str, lines: tuple[tuple[str, Any], ...], x_label: str, y_label: str) -> str:
    from schemas.display import line_figure

    return line_figure(title, dict(lines), x_label=x_label, y_label=y_label)


@lru_cache(maxsize=256)
def _bars(title: str, bars: tuple[tuple[str, Any], ...], x_label: str, digits: int) -> str:
    from schemas.display import bar_figure

    return bar_figure(title, {name: dict(values) for name, values in bars}, x_label=x_label, digits=digits)


@lru_cache(maxsize=256)
def _histogram(title: str, counts: tuple[int, ...]) -> str:
    from schemas.display import histogram_figure

    edges = [number / BINS for number in range(BINS + 1)]
    return histogram_figure(title, edges, counts, x_label="mean weight over a sample's tokens", y_label="samples")
