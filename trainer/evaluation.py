"""Evaluation of a run on a labelled split: predictions and scores by both conventions, by class and by group."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.manifest import write_json_atomically
from schemas.predictions import Prediction, predictions_path, read_predictions
from trainer.bootstrap import Comparison, compare_paired
from trainer.config import RunConfig
from trainer.metrics import (
    Counts,
    Score,
    entity_counts,
    relation_counts,
    score_entities,
    score_groups,
    score_relations,
    score_seen_unseen,
    surface_forms,
)
from trainer.mixture_facts import expert_folders, read_mixture_facts
from trainer.predictions import prediction_rows, write_conll, write_jsonl
from trainer.run_folder import read_facts, read_run_config
from trainer.runs import read_split
from trainer.score_tables import score_to_json, scores_to_markdown
from trainer.states import writing
from trainer.systems import Output, is_mixture, run_system

__all__ = ["compare_runs", "evaluate_run", "mean_and_deviation", "report_run", "score_output"]


def evaluate_run(folder: Path, split: str) -> dict[str, Any]:
    """Predict a labelled split, write `predictions/` and the scores, and give the scores as JSON values.

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
        table += "\n\n" + _gate_table(values["experts and gates"])
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


def report_run(folder: Path) -> str:
    """Put the scores of all evaluated splits together in `report.md` and `report.json`, and give the text.

    Raises:
        InputError: nothing was evaluated yet.
    """
    splits = [name for name in ("dev", "test", "train") if (folder / "predictions" / f"{name}.scores.json").is_file()]
    if not splits:
        raise InputError("nothing was evaluated yet", path=folder, remedy="mie-train evaluate RUN --split test")
    parts = [f"# {folder.resolve().name}", "", *_about(folder)]
    values = {}
    for split in splits:
        table, scores = (folder / "predictions" / f"{split}.scores.{kind}" for kind in ("md", "json"))
        parts += ["", f"## {split}", "", table.read_text(encoding="utf-8").strip()]
        values[split] = json.loads(scores.read_text(encoding="utf-8"))
    text = "\n".join(parts) + "\n"
    with writing(folder):
        (folder / "report.md").write_text(text, encoding="utf-8")
        write_json_atomically(folder / "report.json", values)
    return text


def compare_runs(a: Path, b: Path, split: str, resamples: int = 2000, seed: int = 1) -> Comparison:
    """Compare two evaluated runs by the paired bootstrap over samples.

    Raises:
        InputError: a run was not evaluated on the split, or they differ in samples or gold labels.
    """
    rows_a, rows_b = (read_predictions(predictions_path(folder, split)) for folder in (a, b))
    facts = [[(row.sample_id, row.gold) for row in rows] for rows in (rows_a, rows_b)]
    if facts[0] != facts[1]:
        raise InputError("the two runs were evaluated on other samples or labels", path=b, place=split)
    return compare_paired(_counts(rows_a), _counts(rows_b), resamples, seed)


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Give the mean and the sample standard deviation (0 for one value).

    >>> mean_and_deviation([0.7, 0.8, 0.9])[1]
    0.1
    """
    from statistics import fmean, stdev

    return fmean(values), round(stdev(values), 12) if len(values) > 1 else 0.0


def _counts(rows: Sequence[Prediction]) -> list[Counts]:
    if rows and rows[0].relation is not None:
        return relation_counts([str(row.gold) for row in rows], [str(row.relation) for row in rows])
    return entity_counts([row.gold or () for row in rows], [row.tags or () for row in rows])


def _train_entities(folder: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    config = _first_config(folder)
    samples = read_samples(config.data.samples, "train")
    samples = samples[: config.data.train_samples] if config.data.train_samples else samples
    return [sample.tokens for sample in samples], [sample.tags or () for sample in samples]


def _first_config(folder: Path) -> RunConfig:
    if is_mixture(folder):
        return read_run_config(expert_folders(folder, read_mixture_facts(folder))[0])
    return read_run_config(folder)


def _about(folder: Path) -> list[str]:
    if is_mixture(folder):
        mixture = read_mixture_facts(folder)
        names = ", ".join(Path(name).name for name in mixture.experts)
        rows = {name: row["f1"] for name, row in mixture.scores.items()}
        title = f"Gates by {mixture.folds}-fold cross-fitting on {mixture.split}:"
        return [f"Mixture of {names}; gate {mixture.gate}.", "", title, "", _gate_table(rows)]
    config = read_run_config(folder)
    facts = read_facts(folder)
    lines = [
        f"Expert on {', '.join(config.data.sources) or 'no contexts (baseline)'}; encoder {config.encoder.name}; "
        f"seed {config.training.seed}; best dev F1 {100 * facts.get('best_dev_f1', 0):.2f} "
        f"in epoch {facts.get('best_epoch', 0)}."
    ]
    for split, counts in facts.get("windows", {}).items():
        rate = f"{100 * counts['truncation_rate']:.1f} % of {counts['contexts']} contexts left out"
        lines.append(
            f"Windows of {split}: {counts['mean_pieces']:.1f} pieces, {rate}, {counts['cut_tokens']} tokens cut."
        )
    return lines


def _gate_table(scores: dict[str, float]) -> str:
    from trainer.score_tables import to_markdown

    return to_markdown(["system", "F1"], [[name, f"{100 * value:.2f}"] for name, value in scores.items()])
