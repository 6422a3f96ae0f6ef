"""The teacher of a run: another run, whose posteriors of the training samples are kept in its folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from schemas.errors import InputError, UsageError
from trainer.inputs import Examples, LabelSet
from trainer.model import ModelConfig
from trainer.model.objectives import SelfDistilSettings
from trainer.training.folder import read_facts, read_run_config

__all__ = ["find_teacher", "with_teacher"]

_KEEP = "keep its posteriors: mie-train evaluate RUN --split train"


def find_teacher(model: ModelConfig) -> Path | None:
    """Return the run folder of the teacher that an objective asks for; None where none does.

    Raises:
        UsageError: an objective has a place for a teacher, and it is empty.
    """
    named = [
        (number, row.teacher) for number, row in enumerate(model.objectives) if isinstance(row, SelfDistilSettings)
    ]
    for number, teacher in named:
        if not teacher:
            key = f"model.objectives.{number}.teacher"
            raise UsageError(f"{key} must be the run folder of a teacher", remedy=f"set {key}=RUN")
    return Path(named[0][1]) if named else None


def with_teacher(examples: Examples, folder: Path, fingerprint: str, labels: LabelSet) -> Examples:
    """Return training examples with the teacher's log posteriors of their states.

    Args:
        examples: of all training samples of the run, in their order.
        folder: of the teacher's run. It was trained on the same set; how many of its samples it read may differ.
        fingerprint: of all training samples of the data set.
        labels: of the run.

    Raises:
        InputError: no run, no posteriors of train or several, or they are of other labels or other samples.
    """
    _check_same(folder, fingerprint, labels)
    log_probs, lengths = _read_posteriors(folder)
    if len(lengths) < len(examples.rows):
        raise InputError(
            f"posteriors of {len(lengths)} samples, but there are {len(examples.rows)} to train on",
            path=folder,
            remedy="train the teacher on at least as many",
        )
    each = torch.split(log_probs, lengths)[: len(examples.rows)]
    rows = []
    for row, posterior in zip(examples.rows, each, strict=True):
        states = len(row.targets or ())
        if len(posterior) < states:
            raise InputError("the posteriors are of other samples", path=folder, place=f"sample {row.sample_id}")
        rows.append(replace(row, teacher=posterior[:states].clone()))
    return replace(examples, rows=tuple(rows))


def _check_same(folder: Path, fingerprint: str, labels: LabelSet) -> None:
    read_run_config(folder)  # says what to do about a folder without a run
    if read_facts(folder).get("fingerprints", {}).get("train") != fingerprint:
        raise InputError("the teacher knows other samples", path=folder, remedy="train it on the same data set")
    names = json.loads((folder / "best" / "head.json").read_text(encoding="utf-8"))["labels"]
    if tuple(names) != labels.names:
        raise InputError(f"the teacher has other labels: {', '.join(names)}", path=folder)


def _read_posteriors(folder: Path) -> tuple[Tensor, list[int]]:
    """Return the log posteriors [M, K] of the training samples, and the states of each sample.

    A run folder may hold several, of other contexts than its own: then nobody can say which are meant.
    """
    files = sorted((folder / "posteriors").glob("train-*.safetensors"))
    if len(files) != 1:
        raise InputError(f"{len(files)} files posteriors/train-*.safetensors, not one", path=folder, remedy=_KEEP)
    try:
        tensors = load_file(files[0])
        return tensors["log_probs"], tensors["lengths"].tolist()
    except (OSError, SafetensorError, KeyError) as error:
        raise InputError("posteriors that cannot be read", path=files[0], remedy=_KEEP) from error
