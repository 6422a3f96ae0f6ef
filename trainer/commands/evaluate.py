"""Evaluation of a run on a labelled split: its predictions, and scores by convention, by class and by group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.manifest import write_json_atomically
from schemas.records import Sample
from schemas.run_files import read_mixture_facts
from trainer.commands.grounding_files import ground_output
from trainer.commands.prediction_files import to_prediction_rows, write_conll, write_jsonl
from trainer.config import RunConfig
from trainer.metrics import (
    Score,
    score_groups,
    score_to_json,
    scores_to_markdown,
)
from trainer.mixture import Output, expert_folders, is_mixture, run_system
from trainer.reports import gate_table, report_run
from trainer.training import read_run_config, read_split, writing

__all__ = ["evaluate_run", "score_output"]


def evaluate_run(folder: Path, split: str, grounding: Sequence[Path] = ()) -> dict[str, Any]:
    """Predict a labelled split, write predictions and scores into the run folder, and return the scores.

    Args:
        folder: of an expert or a mixture.
        split: all its samples have labels.
        grounding: files of decisions (`read_grounding`) that say where the picture shows a mention; the next one is
            asked where one says no box. What is written then is called `SPLIT-grounded`, beside the run's own.

    Returns:
        scores as JSON values, by the names of `score_output`; for a mixture also the F1 of each expert and gate.

    Raises:
        InputError: there is no run or no best checkpoint, or the samples have other labels than the run, or none.
    """
    output = run_system(folder, split, lambda config: read_split(config, split))
    name = split
    if grounding:
        output, name = ground_output(output, grounding)[0], f"{split}-grounded"
    rows = to_prediction_rows(output)
    if any(output.labels.task.gold_records(sample) is None for sample in output.samples):
        raise InputError("samples without labels cannot be scored", path=folder, remedy="use: mie-train predict")
    scores = score_output(output, _training_samples(folder))
    values: dict[str, Any] = {name: score_to_json(score) for name, score in scores.items()}
    if is_mixture(folder) and not grounding:
        from trainer.mixture import score_gates

        values["experts and gates"] = score_gates(folder, split, lambda config: read_split(config, split))
    table = scores_to_markdown(scores, name)
    if "experts and gates" in values:
        table += "\n\n" + gate_table(values["experts and gates"])
    # predictions before scores: after an interrupt, scores that are there have their predictions beside them
    write_jsonl(folder / "predictions" / f"{name}.jsonl", rows)
    if all("tags" in row for row in rows):
        write_conll(folder / "predictions" / f"{name}.conll", rows)
    with writing(folder / "predictions"):
        write_json_atomically(folder / "predictions" / f"{name}.scores.json", values)
        (folder / "predictions" / f"{name}.scores.md").write_text(table + "\n", encoding="utf-8")
    if not grounding:
        report_run(folder)
    return values


def score_output(output: Output, trained_on: Sequence[Sample]) -> dict[str, Score]:
    """Score what a system predicted for labelled samples.

    Args:
        output: of an expert or a mixture.
        trained_on: the training samples, to tell entities that were seen in training from others, and what the order
            of head and tail gives without a model.

    Returns:
        scores by name, the main one first: of all samples ("default" and "strict" for entities, "micro without None"
        for relations, "GMNER" or "FMNERG" and what they are made of for regions and fine types, "JMERE" for joint
        data), and of the groups: seen and unseen entities, samples with and without image, with and without contexts.
    """
    samples = output.samples
    images = ["with image" if sample.image else "without image" for sample in samples]
    used = ["with contexts" if contexts else "without contexts" for contexts in output.used]
    scores = output.labels.task.all_scores(samples, output.predicted, trained_on, output.key)
    counts = output.labels.task.counts(samples, output.predicted, output.key)
    return scores | score_groups(images, counts) | score_groups(used, counts)


def _training_samples(folder: Path) -> list[Sample]:
    """Return the samples that the run (of a mixture: its first expert) was trained on."""
    config = _first_config(folder)
    samples = read_samples(config.data.samples, "train")
    return samples[: config.data.train_samples] if config.data.train_samples else samples


def _first_config(folder: Path) -> RunConfig:
    if is_mixture(folder):
        return read_run_config(expert_folders(folder, read_mixture_facts(folder))[0])
    return read_run_config(folder)
