"""Run folders for tests, by the trainer's own writers but without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from schemas.manifest import write_json_atomically
from schemas.predictions import predictions_path
from schemas.records import Context, Sample
from schemas.run_files import MIXTURE_FACTS, MixtureFacts, scores_path
from trainer.commands import score_output, to_prediction_rows, write_jsonl
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet
from trainer.metrics import score_to_json
from trainer.mixture import Output
from trainer.training import append_row, open_run_folder, write_facts

__all__ = ["write_expert", "write_mixture", "write_predictions"]

Labels = Sequence[tuple[str, ...]]
SURE = 0.9
"""Probability of what is predicted."""


def write_predictions(
    run: Path,
    labels: LabelSet,
    samples: Sequence[Sample],
    predicted: Labels,
    *,
    used: Sequence[list[Context]] = (),
    experts: tuple[str, ...] = ("one",),
    weights: Sequence[tuple[float, ...]] = (),
    split: str = "test",
) -> None:
    """Write predictions and scores of a split as `mie-train evaluate` does; weights are of each sample."""
    lengths = tuple(len(row) for row in predicted)
    classes = torch.tensor([labels.names.index(name) for row in predicted for name in row])
    rest = (1 - SURE) / (len(labels.names) - 1)
    probabilities = torch.full((len(classes), len(labels.names)), rest)
    probabilities[torch.arange(len(classes)), classes] = SURE
    each = (
        torch.tensor([row for row, count in zip(weights, lengths, strict=True) for _ in range(count)])
        if weights
        else None
    )
    contexts = list(used) or [[] for _ in samples]
    answers = [labels.task.answer(*pair) for pair in zip(samples, predicted, strict=True)]
    output = Output(samples, labels, answers, probabilities.log(), lengths, contexts, experts, each)
    write_jsonl(predictions_path(run, split), to_prediction_rows(output))
    known = [i for i, row in enumerate(samples) if row.tags is not None or row.relation is not None]
    some = {name: [getattr(output, name)[i] for i in known] for name in ("samples", "predicted", "used")}
    values = {name: score_to_json(score) for name, score in score_output(replace(output, **some), ()).items()}
    if weights:
        values["experts and gates"] = {f"expert {experts[0]}": 0.5, "gate token": 0.25}
    write_json_atomically(scores_path(run, split), values)


def write_expert(run: Path, labels: LabelSet, *, sources: Sequence[str] = ()) -> None:
    """Write settings, facts and a log of two epochs."""
    config = override(RunConfig(), [f"data.sources={','.join(sources)}"] if sources else [])
    open_run_folder(
        run, config, labels, {"dataset": "tiny", "task": labels.task_name}, overwrite=False, is_continued=False
    )
    window = {"windows": 2, "contexts": 3, "skipped": 1, "cut_sentences": 0, "cut_tokens": 0, "mean_pieces": 9.5}
    windows = {"train": {**window, "windows_with_skipped": 1, "truncation_rate": 0.25}}
    write_facts(run, {"best_dev_f1": 0.625, "best_epoch": 2, "epochs": 2, "steps": 6, "windows": windows})
    for epoch, loss, f1 in ((1, 2.5, 0.5), (2, 1.25, 0.625)):
        speed = {"kind": "speed", "epoch": epoch, "step": 3 * epoch, "seconds": 7.0, "pieces_per_second": 1234.0}
        append_row(run, speed)
        scored = {"loss": loss, "dev_f1": f1, "is_best": True, "dev_seconds": 1.0}
        append_row(run, {"kind": "epoch", "epoch": epoch, "step": 3 * epoch, **scored})


def write_mixture(run: Path, labels: LabelSet, experts: Sequence[str]) -> None:
    """Write what a mixture is made of."""
    run.mkdir(parents=True, exist_ok=True)
    scores = {"expert baseline": {"f1": 0.5}, "gate token": {"f1": 0.75, "nll": 0.125}}
    facts = MixtureFacts(tuple(experts), ("a", "b"), "token", "dev", 5, {"token": 5}, "", (1, 1, 1, 0), scores)
    write_json_atomically(run / MIXTURE_FACTS, asdict(facts))
    write_json_atomically(run / "labels.json", {"task": labels.task_name, "labels": labels.names})
