"""Training and evaluation in one go: of one run, or of a run for each of several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from schemas.dataset import read_dataset, read_samples
from schemas.manifest import write_json_atomically
from schemas.run_files import MAIN_SCORES
from trainer.commands.evaluate import evaluate_run
from trainer.config import RunConfig
from trainer.inputs import LabelSet
from trainer.training import Talk, fit, writing

__all__ = ["fit_and_evaluate", "fit_seeds", "main_f1", "mean_and_deviation"]


def fit_and_evaluate(
    config: RunConfig,
    out: Path,
    overwrite: bool = False,
    talk: Talk = lambda _: None,
    is_continued: bool = False,
) -> dict[str, Any]:
    """Train a run, and score its best weights on the dev and test splits that have labels.

    Args:
        config: complete settings.
        out: the run folder; an interrupted run in it goes on.
        overwrite: begin again where there is a run.
        talk: called with one line per event.
        is_continued: go on with a run that began under other rates, epochs or precision.

    Returns:
        the facts of the run (run.json), and `dev_f1` and `test_f1`.
    """
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
    """Train a run for each seed into `out/seed-N`, and write mean and standard deviation into `out/seeds.json`.

    The other arguments are those of `fit_and_evaluate`.

    Returns:
        what `seeds.json` holds: the seeds, and mean, deviation and each value of `dev_f1` and `test_f1`.
    """
    rows = {}
    for seed in seeds:
        seeded = replace(config, training=replace(config.training, seed=seed))
        rows[seed] = fit_and_evaluate(seeded, out / f"seed-{seed}", overwrite, talk, is_continued)
    values: dict[str, Any] = {"seeds": list(seeds)}
    for split in ("dev", "test"):
        each = [row[f"{split}_f1"] for row in rows.values() if f"{split}_f1" in row]
        if each:
            mean, deviation = mean_and_deviation(each)
            values[f"{split}_f1"] = {"mean": mean, "deviation": deviation, "each": each}
    with writing(out):
        write_json_atomically(out / "seeds.json", values)
    return values


def main_f1(scores: dict[str, Any]) -> float:
    """Return the F1 that papers report, from the scores of `evaluate_run`.

    For entities it is that of the default convention, for relations micro F1 without None; what else there is stands in
    `schemas.run_files.MAIN_SCORES`.
    """
    return float(next(scores[name] for name in MAIN_SCORES if name in scores)["f1"])


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation (0 for one value).

    >>> mean_and_deviation([0.7, 0.8, 0.9])[1]
    0.1
    """
    return fmean(values), round(stdev(values), 12) if len(values) > 1 else 0.0


def _is_labelled(config: RunConfig, split: str) -> bool:
    dataset = read_dataset(config.data.samples)
    task = LabelSet.of(dataset).task
    return all(task.gold_records(sample) is not None for sample in read_samples(config.data.samples, split))
