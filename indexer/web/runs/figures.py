"""The figures of runs as SVG: scores, learning curves and gates. The last ones drawn are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from indexer.web.given import RunFolders
from indexer.web.runs.models import RunDetail, RunLine
from indexer.web.runs.values import BINS
from schemas.errors import MieError

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Figure", "draw_comparison", "draw_run"]

Figure = tuple[str, "Markup"]
"""A title, and the SVG."""
_MAX_LINES, _MAX_BARS, _MAX_CLASSES = 8, 24, 40
"""Lines, bars and classes that one figure can show readably."""


def draw_comparison(runs: RunFolders, lines: Sequence[RunLine]) -> list[Figure]:
    """Draw the F1 of the runs side by side, and their learning curves."""
    figures = []
    bars = tuple((line.name, 100 * line.score.f1) for line in lines[:_MAX_BARS] if line.score)
    if len(bars) > 1:
        figures.append((f"F1 on {lines[0].split}", _bars("F1 of the runs", (("F1", bars),), "F1, %", 2)))
    curves = []
    for run in list(runs.by_name.values())[:_MAX_LINES]:
        with suppress(MieError):  # a log that cannot be read is a fault on the run's own page
            points = tuple((row.epoch, 100 * row.dev_f1) for row in run.log() if row.dev_f1 is not None)
            curves += [(run.name, points)] if points else []
    if curves:
        title = "Dev F1 by epoch"
        figures.append((title, _lines(title, tuple(curves), "epoch", "F1 on dev, %")))
    return figures


def draw_run(run: RunDetail) -> dict[str, list[Figure]]:
    """Draw the figures of a run, by the part of the page where they stand: curves, classes, gate."""
    return {"curves": _draw_curves(run), "classes": _draw_classes(run), "gate": _draw_gate(run)}


def _draw_curves(run: RunDetail) -> list[Figure]:
    losses = tuple((row.epoch, row.loss) for row in run.epochs if row.loss is not None)
    scores = tuple((row.epoch, 100 * row.dev_f1) for row in run.epochs if row.dev_f1 is not None)
    curves = []
    if losses:
        curves.append(("Loss", _lines("Loss by epoch", (("loss", losses),), "epoch", "mean loss of a sample")))
    if scores:
        curves.append(("Dev F1", _lines("Dev F1 by epoch", (("dev F1", scores),), "epoch", "F1 on dev, %")))
    return curves


def _draw_classes(run: RunDetail) -> list[Figure]:
    classes = run.score.by_class if run.score else {}
    if not 1 < len(classes) <= _MAX_CLASSES:
        return []
    ordered = sorted(classes.items(), key=lambda item: -item[1].gold)
    bars = [(run.name, tuple((name, 100 * row.f1) for name, row in ordered))]
    reference = next(iter(run.reference_scores.values()), None)
    if reference is not None:
        by_class = reference.by_class
        bars.append((run.reference, tuple((name, 100 * by_class[name].f1) for name, _ in ordered if name in by_class)))
    return [("F1 by class, most frequent first", _bars("F1 by class", tuple(bars), "F1, %", 1))]


def _draw_gate(run: RunDetail) -> list[Figure]:
    return [
        (f"Weight of {name}", _histogram(f"Weight of {name}", tuple(counts)))
        for name, counts in list(run.gate_weights.items())[:_MAX_LINES]
    ]


# A figure takes 0.1 s of processor time, a page has several, and the same ones are asked for again: so the last are
# kept. The keys are tuples because lists cannot be keys.
@lru_cache(maxsize=256)
def _lines(title: str, lines: tuple[tuple[str, Any], ...], x_label: str, y_label: str) -> Markup:
    from schemas.display import line_figure

    return line_figure(title, dict(lines), x_label=x_label, y_label=y_label)


@lru_cache(maxsize=256)
def _bars(title: str, bars: tuple[tuple[str, Any], ...], x_label: str, digits: int) -> Markup:
    from schemas.display import bar_figure

    return bar_figure(title, {name: dict(values) for name, values in bars}, x_label=x_label, digits=digits)


@lru_cache(maxsize=256)
def _histogram(title: str, counts: tuple[int, ...]) -> Markup:
    from schemas.display import histogram_figure

    edges = [number / BINS for number in range(BINS + 1)]
    return histogram_figure(title, edges, counts, x_label="mean weight over a sample's tokens", y_label="samples")
