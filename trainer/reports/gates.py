"""The gates of a mixture in its report: F1 of each, and the weights that the gate which predicts gives to experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.display import bar_figure, histogram_figure
from schemas.predictions import predictions_path, read_predictions
from schemas.run_files import MixtureFacts, read_scores, scores_path
from trainer.reports.run_record import percent

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["gate_values"]

_BINS = 20
_MAX_EXPERTS = 6
"""Experts whose weights are drawn: one histogram each."""
_CONSTANT = 1e-6
"""Weights that differ by less are the same but for rounding."""


def gate_values(folder: Path, mixture: MixtureFacts, splits: Sequence[str]) -> dict[str, Any]:
    """Return what the template of the gates uses, by name.

    Args:
        folder: of the mixture.
        mixture: its facts.
        splits: on which it was evaluated.

    Raises:
        InputError: predictions of a split are missing.
        IndexCorrupt: a file is damaged.
    """
    systems = {split: read_scores(scores_path(folder, split)).systems for split in splits}
    # The weights of one split are drawn: test, which papers report, if the mixture was evaluated on it.
    split = next(name for name in ("test", "dev", "train") if name in splits)
    fitted = {name: row["f1"] for name, row in mixture.scores.items() if "f1" in row}
    scores = systems[split] or fitted
    title = f"F1 of experts and gates on {split if systems[split] else mixture.split}"
    bars = {"": {name: 100 * f1 for name, f1 in scores.items()}}
    weights = _read_weights(folder, split)
    is_constant = bool(weights) and all(max(row) - min(row) < _CONSTANT for row in weights.values())
    drawn = {} if is_constant else dict(list(weights.items())[:_MAX_EXPERTS])
    return {
        "gate": mixture.gate,
        "header": ["system", f"F1 on {mixture.split}, held out (%)", "loss", *(f"F1 on {name} (%)" for name in splits)],
        "systems": _rows(mixture, fitted, systems),
        "figure": (title, bar_figure(title, bars, x_label="F1 (%)", digits=1)) if scores else None,
        "constant": ", ".join(f"{name} {row[0]:.2f}" for name, row in weights.items()) if is_constant else "",
        "histograms": [_histogram(name, row, split) for name, row in drawn.items()],
    }


def _rows(
    mixture: MixtureFacts, fitted: Mapping[str, float], systems: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Return a row for each expert, gate and oracle: F1 and loss held out on the fitting split, F1 on the others."""
    names = dict.fromkeys([*fitted, *(name for scores in systems.values() for name in scores)])
    rows = []
    for name in names:
        loss = mixture.scores.get(name, {}).get("nll")
        cells = [percent(fitted.get(name)), "" if loss is None else f"{loss:.4f}"]
        cells += [percent(scores.get(name)) for scores in systems.values()]
        rows.append({"name": name, "is_predicting": name == f"gate {mixture.gate}", "cells": cells})
    return rows


def _read_weights(folder: Path, split: str) -> dict[str, list[float]]:
    """Read the weights of the samples of a split by expert."""
    weights: dict[str, list[float]] = {}
    for prediction in read_predictions(predictions_path(folder, split)):
        for trust in prediction.gate or ():
            weights.setdefault(trust.expert, []).append(trust.weight)
    return weights


def _histogram(expert: str, weights: Sequence[float], split: str) -> dict[str, str | Markup]:
    counts = [0] * _BINS
    for weight in weights:
        counts[min(_BINS - 1, int(weight * _BINS))] += 1
    edges = [number / _BINS for number in range(_BINS + 1)]
    title = f"Weight of {expert}"
    label = f"mean weight over the tokens of a sample of {split}"
    svg = histogram_figure(title, edges, counts, x_label=label, y_label="samples")
    return {"title": title, "svg": svg, "mean": f"{sum(weights) / len(weights):.3f}"}
