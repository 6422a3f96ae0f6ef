"""One run as its report shows it: summary, curves, windows, scores by class and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.display import bar_figure, line_figure
from schemas.run_files import LogRow, MixtureFacts, ScoreRow, Scores
from trainer.reports.gates import gate_values
from trainer.reports.regions import REGION_HEADER, region_rows
from trainer.reports.run_record import RunRecord, by_size, percent

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["curve", "run_values"]


def run_values(run: RunRecord) -> dict[str, Any]:
    """Return what the template of a run uses, by name.

    Raises:
        InputError: the predictions of a mixture are missing.
        IndexCorrupt: a file of the run is damaged.
    """
    epochs = {run.name: run.epochs}
    curves = [curve("Loss", epochs, "loss"), curve("F1 on dev", epochs, "dev_f1")]
    return {
        "name": run.name,
        "summary": _summary(run) if run.mixture is None else _mixture_summary(run.mixture),
        "main_f1": {split: percent(scores.main.f1 if scores.main else None) for split, scores in run.scores.items()},
        "curves": [figure for figure in curves if figure],
        "epochs": _epochs(run),
        "windows": [
            [
                split,
                f"{w.windows:,}",
                f"{w.mean_pieces:.1f}",
                f"{w.contexts:,}",
                percent(w.truncation_rate),
                f"{w.cut_contexts:,}",
                w.cut_tokens,
            ]
            for split, w in run.facts.windows.items()
        ],
        "scores": [
            _scores(split, scores) | {"regions": region_rows(run.folder, split), "region_header": REGION_HEADER}
            for split, scores in run.scores.items()
            if scores.main is not None
        ],
        "gates": None if run.mixture is None else gate_values(run.folder, run.mixture, list(run.scores)),
        "settings": _settings(run),
    }


def curve(title: str, epochs: Mapping[str, Sequence[LogRow]], value: str) -> tuple[str, Markup] | None:
    """Draw a value of the log by epoch, (title, SVG); a run with fewer than two points is left out.

    Args:
        title: of the figure.
        epochs: rows of the log by name of the run.
        value: "loss", or "dev_f1", which is drawn in per cent.

    Returns:
        None if no run is left to draw.
    """
    scale, label = (100, "F1 (%)") if value == "dev_f1" else (1, value)
    lines = {
        name: [(row.epoch, scale * number) for row in rows if (number := getattr(row, value)) is not None]
        for name, rows in epochs.items()
    }
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    return (title, line_figure(title, lines, x_label="epoch", y_label=label)) if lines else None


def _summary(run: RunRecord) -> dict[str, str]:
    known, data, encoder = run.facts, run.settings.get("data", {}), run.settings.get("encoder", {})
    return {
        "Data set": f"{known.dataset} ({known.task})",
        "Contexts": ", ".join(map(str, data.get("sources", []))) or "none (baseline)",
        "Encoder": str(encoder.get("name", "")),
        "Best dev F1": f"{percent(known.best_dev_f1)} in epoch {known.best_epoch}" if known.best_epoch else "",
        "Steps": f"{known.steps:,} in {known.epochs} epochs" if known.steps else "",
    }


def _mixture_summary(mixture: MixtureFacts) -> dict[str, str]:
    experts = ", ".join(Path(name).name for name in mixture.experts)
    return {"Mixture of": experts, "Gate": f"{mixture.gate}, fitted on {mixture.split}"}


def _epochs(run: RunRecord) -> list[list[object]]:
    """Return the rows of the table of epochs; the speed of an epoch stands in a row of the log of its own."""
    speeds = {row.epoch: row for row in run.log if row.kind == "speed"}
    rows: list[list[object]] = []
    for row in run.epochs:
        speed = speeds.get(row.epoch)
        time = [f"{speed.seconds or 0:,.0f}", f"{speed.pieces_per_second or 0:,.0f}"] if speed else ["", ""]
        # Each epoch that was the best so far is marked in the log; only the last of them is the best of the run.
        name = f"{row.epoch} (best)" if row.is_best and row.epoch == run.facts.best_epoch else row.epoch
        loss = "" if row.loss is None else f"{row.loss:.4f}"
        rows.append([name, f"{row.step:,}", loss, percent(row.dev_f1), *time])
    return rows


def _scores(split: str, scores: Scores) -> dict[str, Any]:
    """Return the figure and the two tables of a split that has a main score."""
    main = scores.main
    assert main is not None
    title, classes = f"F1 by class on {split}", by_size(main.by_class)
    values = {name: 100 * row.f1 for name, row in classes}
    return {
        "split": split,
        "figure": (title, bar_figure(title, {"": values}, x_label="F1 (%)", digits=1)) if values else None,
        "classes": [["all", *_cells(main)], *([name, *_cells(row)] for name, row in classes)],
        "slices": [[name, *_cells(row)] for name, row in scores.rows.items() if row is not main],
    }


def _cells(row: ScoreRow) -> list[str]:
    shares = [percent(value) for value in (row.precision, row.recall, row.f1)]
    return [*shares, *(f"{count:,}" for count in (row.right, row.predicted, row.gold))]


def _settings(run: RunRecord) -> list[tuple[str, dict[str, str]]]:
    """Return the cards of settings: (heading, values by name)."""
    cards = [(name, {key: _setting(value) for key, value in values.items()}) for name, values in run.settings.items()]
    if run.mixture is not None:
        vectors = Path(run.mixture.image_vectors).name
        # strict=False: a mixture.json that was edited may name more experts than digests.
        digests = {Path(n).name: d[:16] for n, d in zip(run.mixture.experts, run.mixture.digests, strict=False)}
        values = {"Folds": str(run.mixture.folds), "Image vectors": vectors, **digests}
        cards.append(("Experts, and how their weights begin", values))
    if run.facts.versions:
        cards.append(("versions", dict(sorted(run.facts.versions.items()))))
    return cards


def _setting(value: object) -> str:
    """Write a setting for people: of a path its last name.

    >>> _setting(["a/b", "c"]), _setting(True), _setting(8e-05), _setting([])
    ('b, c', 'yes', '8e-05', 'none')
    """
    if isinstance(value, list):
        return ", ".join(_setting(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return Path(value).name if isinstance(value, str) and value else str(value)
