"""Evaluation of a run on a labelled split: predictions and scores by both conventions, by class and by group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.manifest import write_json_atomically
from schemas.run_files import read_mixture_facts
from trainer.commands.predictions import prediction_rows, write_conll, write_jsonl
from trainer.config import RunConfig
from trainer.metrics import (
    Score,
    entity_counts,
    relation_counts,
    score_entities,
    score_groups,
    score_relations,
    score_seen_unseen,
    score_to_json,
    scores_to_markdown,
    surface_forms,
)
from trainer.mixture import Output, expert_folders, is_mixture, run_system
from trainer.reports import gate_table, report_run
from trainer.training import read_run_config, read_split, writing

__all__ = ["evaluate_run", "mean_and_deviation", "score_output"]


def evaluate_run(folder: Path, split: str) -> dict[str, Any]:
    """Predict a labelled split, write `predictions/` and the scores, and return the scores as JSON values.

    Raises:
        InputError: no run, no best checkpoint, other labels, or samples without labels.
    """
    output = run_system(folder, split, lambda config: read_split(config, split))
    rows = prediction_rows(output)
    if any("gold" not in row for row in rows):
        raise InputError("samples without labels cannot be scored", path=folder, remedy="use: mie-train predict")
    known = surface_forms(*_train_entities(folder)) if output.labels.task == "ner" else set()
    scores = score_output(output, known)
    values: dict[str, Any] = {name: score_to_json(score) for name, score in scores.items()}
    if is_mixture(folder):
        from trainer.mixture import score_gates

        values["experts and gates"] = score_gates(folder, split, lambda config: read_split(config, split))
    table = scores_to_markdown(scores, split)
    if "experts and gates" in values:
        table += "\n\n" + gate_table(values["experts and gates"])
    write_jsonl(folder / "predictions" / f"{split}.jsonl", rows)
    if output.labels.task == "ner":
        write_conll(folder / "predictions" / f"{split}.conll", rows)
    with writing(folder / "predictions"):
        write_json_atomically(folder / "predictions" / f"{split}.scores.json", values)
        (folder / "predictions" / f"{split}.scores.md").write_text(table + "\n", encoding="utf-8")
    report_run(folder)
    return values


def score_output(output: Output, known: set[str]) -> dict[str, Score]:
    """Score the output on labelled samples.

    Args:
        output: of a system.
        known: surface forms of the training set's entities; not read for relations.

    Returns:
        scores by name: "default" and "strict" (entities) or "micro" (relations), and the groups.
    """
    samples = output.samples
    images = ["with image" if sample.image else "without image" for sample in samples]
    used = ["with contexts" if contexts else "without contexts" for contexts in output.used]
    if output.labels.task == "re":
        gold, predicted = [str(sample.relation) for sample in samples], [row[0] for row in output.predicted]
        scores = {"micro without None": score_relations(gold, predicted)}
        counts = relation_counts(gold, predicted)
    else:
        tags = [sample.tags or () for sample in samples]
        scores = {name: score_entities(tags, output.predicted, name) for name in ("default", "strict")}
        scores |= score_seen_unseen([sample.tokens for sample in samples], tags, output.predicted, known)
        counts = entity_counts(tags, output.predicted)
    return scores | score_groups(images, counts) | score_groups(used, counts)


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation (0 for one value).

    >>> mean_and_deviation([0.7, 0.8, 0.9])[1]
    0.1
    """
    from statistics import fmean, stdev

    return fmean(values), round(stdev(values), 12) if len(values) > 1 else 0.0


def _train_entities(folder: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    config = _first_config(folder)
    samples = read_samples(config.data.samples, "train")
    samples = samples[: config.data.train_samples] if config.data.train_samples else samples
    return [sample.tokens for sample in samples], [sample.tags or () for sample in samples]


def _first_config(folder: Path) -> RunConfig:
    if is_mixture(folder):
        return read_run_config(expert_folders(folder, read_mixture_facts(folder))[0])
    return read_run_config(folder)
