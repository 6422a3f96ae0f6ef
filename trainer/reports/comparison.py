"""Several runs beside each other: main scores, differences with their bootstrap, curves and classes in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from schemas.display import bar_figure
from schemas.errors import InputError
from trainer.reports.run_record import RunRecord, by_size, percent
from trainer.reports.run_values import curve
from trainer.reports.text import compare_runs

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["MAX_RUNS_DRAWN", "comparison_values"]

MAX_RUNS_DRAWN = 6
"""A figure has six colours."""


def comparison_values(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Return what the template of the comparison uses, by name.

    Raises:
        InputError: the predictions of a run are missing.
    """
    splits = [split for split in ("test", "dev", "train") if any(split in run.scores for run in runs)]
    return {
        "splits": splits,
        "main_scores": [[run.name, *(percent(_main_f1(run, split)) for split in splits)] for run in runs],
        "differences": [row for run in runs[1:] for row in _difference(runs[0], run)],
        "max_runs_drawn": MAX_RUNS_DRAWN,
        "comparison_figures": _figures(runs, splits),
    }


def _main_f1(run: RunRecord, split: str) -> float | None:
    main = run.scores[split].main if split in run.scores else None
    return None if main is None else main.f1


def _difference(first: RunRecord, run: RunRecord) -> list[list[str]]:
    """Compare on the first split on which both were evaluated with the same samples; no row if there is none."""
    for split in ("test", "dev"):
        if split in first.scores and split in run.scores:
            try:
                found = compare_runs(run.folder, first.folder, split)
            except InputError:
                continue
            values = [f"{100 * value:+.2f}" for value in (found.difference, found.low, found.high)]
            return [[run.name, split, *values, f"{found.p_value:.4f}"]]
    return []


def _figures(runs: Sequence[RunRecord], splits: Sequence[str]) -> list[tuple[str, Markup]]:
    """Draw (title, SVG): learning curves, and the classes of each split that two runs or more were scored on."""
    experts = [run for run in runs if run.epochs][:MAX_RUNS_DRAWN]  # a mixture has no epochs
    epochs = {run.name: run.epochs for run in experts}
    figures = [figure for figure in (curve("F1 on dev", epochs, "dev_f1"), curve("Loss", epochs, "loss")) if figure]
    for split in splits:
        mains = {run.name: run.scores[split].main for run in runs[:MAX_RUNS_DRAWN] if split in run.scores}
        bars = {
            name: {label: 100 * row.f1 for label, row in by_size(main.by_class)}
            for name, main in mains.items()
            if main is not None and main.by_class
        }
        if len(bars) > 1:
            title = f"F1 by class on {split}"
            figures.append((title, bar_figure(title, bars, x_label="F1 (%)", digits=1)))
    return figures
