"""The gates of a mixture in its report: F1 of each, and how the one that predicts spreads its trust."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.display import Html, bar_figure, figure, histogram_figure, part, section, table
from schemas.predictions import predictions_path, read_predictions
from schemas.run_files import MixtureFacts, read_scores, scores_path

__all__ = ["gate_section"]

_BINS = 20
_MOST = 6


def gate_section(folder: Path, mixture: MixtureFacts, splits: Sequence[str]) -> Html:
    """Show experts, gates and oracles, held out on the fitting split and on the evaluated ones, and the weights.

    Raises:
        InputError: predictions of a split are missing.
        IndexCorrupt: a file is damaged.
    """
    fitted = {name: 100 * row["f1"] for name, row in mixture.scores.items() if "f1" in row}
    found = {split: read_scores(scores_path(folder, split)).systems for split in splits}
    names = list(dict.fromkeys([*fitted, *(name for systems in found.values() for name in systems)]))
    rows = [
        [
            part("strong", name) if name == f"gate {mixture.gate}" else name,
            f"{fitted[name]:.2f}" if name in fitted else "",
            f"{row['nll']:.4f}" if (row := mixture.scores.get(name, {})) and "nll" in row else "",
            *(f"{100 * systems[name]:.2f}" if name in systems else "" for systems in found.values()),
        ]
        for name in names
    ]
    header = ["system", f"F1 on {mixture.split}, held out (%)", "loss", *(f"F1 on {split} (%)" for split in found)]
    shown = part("div", table("Experts, gates and the oracle", header, rows), class_="card")
    split = next(iter([name for name in ("test", "dev", "train") if name in splits]))
    bars = {name: 100 * value for name, value in found[split].items()} or fitted
    title = f"F1 of experts and gates on {split if found[split] else mixture.split}"
    drawn = figure(title, bar_figure(title, {"": bars}, x_label="F1 (%)", digits=1)) if bars else Html("")
    return section("Gates", part("div", drawn, *_weights(folder, split, mixture.gate), class_="grid"), shown)


def _weights(folder: Path, split: str, gate: str) -> list[Html]:
    """Draw how often an expert gets which weight, by expert; say so where it is always the same."""
    weights: dict[str, list[float]] = {}
    for row in read_predictions(predictions_path(folder, split)):
        for trust in row.gate or ():
            weights.setdefault(trust.expert, []).append(trust.weight)
    if not weights:
        return []
    if all(max(some) - min(some) < 1e-6 for some in weights.values()):
        told = ", ".join(f"{name} {some[0]:.2f}" for name, some in weights.items())
        return [part("p", f"The gate {gate} gives every sample the same weights: {told}.", class_="card")]
    return [_histogram(name, some, split) for name, some in list(weights.items())[:_MOST]]


def _histogram(expert: str, weights: Sequence[float], split: str) -> Html:
    counts = [0] * _BINS
    for weight in weights:
        counts[min(_BINS - 1, int(weight * _BINS))] += 1
    edges = [place / _BINS for place in range(_BINS + 1)]
    title = f"Weight of {expert}"
    label = f"mean weight over the tokens of a sample of {split}"
    drawing = histogram_figure(title, edges, counts, x_label=label, y_label="samples")
    mean = part("p", f"Mean {sum(weights) / len(weights):.3f}.", class_="muted")
    return part("div", figure(title, drawing), mean, class_="stack")
