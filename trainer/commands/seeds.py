"""One setting under several seeds: a run each, and the mean and the standard deviation of their F1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.dataset import read_dataset
from schemas.manifest import write_json_atomically
from trainer.commands.evaluate import evaluate_run, mean_and_deviation
from trainer.config import RunConfig
from trainer.training import Talk, fit, writing

__all__ = ["fit_and_evaluate", "fit_seeds", "main_f1"]


def fit_and_evaluate(
    config: RunConfig,
    out: Path,
    overwrite: bool = False,
    talk: Talk = lambda _: None,
    is_continued: bool = False,
) -> dict[str, Any]:
    """Train a run, score its best weights on dev and on a labelled test split, and return its facts with these F1."""
    facts = fit(config, out, overwrite, talk, is_continued)
    splits = read_dataset(config.data.samples).splits
    for split in ("dev", "test"):
        if split in splits and _is_labelled(config, split):
            facts[f"{split}_f1"] = main_f1(evaluate_run(out, split))
            talk(f"{out}: {split} F1 {100 * facts[f'{split}_f1']:.2f}")
    return facts


def fit_seeds(
    config: RunConfig,
    out: Path,
    seeds: Sequence[int],
    overwrite: bool = False,
    talk: Talk = lambda _: None,
    is_continued: bool = False,
) -> dict[str, Any]:
    """Train a run per seed into `seed-N`, and write their mean and deviation into `seeds.json`."""
    rows = {}
    for seed in seeds:
        seeded = replace(config, training=replace(config.training, seed=seed))
        rows[seed] = fit_and_evaluate(seeded, out / f"seed-{seed}", overwrite, talk, is_continued)
    values: dict[str, Any] = {"seeds": list(seeds)}
    for split in ("dev", "test"):
        found = [row[f"{split}_f1"] for row in rows.values() if f"{split}_f1" in row]
        if found:
            mean, deviation = mean_and_deviation(found)
            values[f"{split}_f1"] = {"mean": mean, "deviation": deviation, "each": found}
    with writing(out):
        write_json_atomically(out / "seeds.json", values)
    return values


def main_f1(scores: dict[str, Any]) -> float:
    """Return the main F1 of `evaluate_run`: default convention, or micro without None."""
    return float((scores.get("default") or scores["micro without None"])["f1"])


def _is_labelled(config: RunConfig, split: str) -> bool:
    from schemas.dataset import read_samples

    return all(s.tags is not None or s.relation is not None for s in read_samples(config.data.samples, split))
