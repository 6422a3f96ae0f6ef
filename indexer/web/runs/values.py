"""The values of runs for pages and JSON API: what their folders hold, and how they compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, TypeVar

from indexer.web.given import CHANGES, KINDS, Fault, OpenedDataset, Run, RunFolders, change_between
from indexer.web.runs.models import (
    ChangeCounts,
    EpochRow,
    EvaluationCounts,
    MixtureRow,
    RunDetail,
    RunLine,
)
from schemas.errors import MieError, UsageError
from schemas.run_files import LogRow, MixtureFacts, ScoreRow, Scores
from schemas.text_files import SPLITS

__all__ = ["BINS", "chosen_split", "run_detail", "run_lines"]

T = TypeVar("T")
BINS = 10
_MAX_CHARS = 300
"""Longest value of a setting on a page, in characters; a longer one is cut."""


def chosen_split(runs: RunFolders, split: str) -> str:
    """Return the split that was named, or the first of test, dev and train that a run was evaluated on.

    Raises:
        UsageError: there is no such split.
    """
    if split and split not in SPLITS:
        raise UsageError(f"no split {split[:80]!r}", remedy=f"choose of: {', '.join(SPLITS)}")
    return split or next((name for name in reversed(SPLITS) if runs.evaluated_on(name)), "test")


def run_lines(runs: RunFolders, dataset: OpenedDataset | None, split: str = "") -> list[RunLine]:
    """Return all runs in short, on one split."""
    split = chosen_split(runs, split)
    return [RunLine(**_line(runs, run, dataset, split, [])) for run in runs.by_name.values()]


def run_detail(runs: RunFolders, run: Run, dataset: OpenedDataset | None, split: str = "") -> RunDetail:
    """Return a run with everything that its folder holds; a file that cannot be used is among the faults."""
    split = chosen_split(runs, split or _own_split(run))
    faults: list[Fault] = []
    line = _line(runs, run, dataset, split, faults)
    facts = _read(run, run.facts, faults)
    mixture = _read(run, run.mixture, faults)
    scores = _read(run, lambda: run.scores(split), faults)
    reference = runs.reference() or run
    return RunDetail(
        **line,
        splits=[name for name in SPLITS if run.has_predictions(name)],
        settings=_settings(run, faults),
        dataset=facts.dataset if facts else "",
        task=facts.task if facts else "",
        best_dev_f1=facts.best_dev_f1 if facts else None,
        best_epoch=facts.best_epoch if facts else None,
        epochs=_epochs(_read(run, run.log, faults) or []),
        windows={name: asdict(row) for name, row in facts.windows.items()} if facts else {},
        versions=facts.versions if facts else {},
        mixture=_mixture(mixture) if mixture else None,
        scores=_scores(scores),
        reference=reference.name,
        reference_scores={} if reference is run else _scores(_read(reference, lambda: reference.scores(split), [])),
        systems=scores.systems if scores else {},
        gate_weights=_gate_weights(run, split, faults),
        judged=_evaluation_counts(dataset, run, split),
    )


def _own_split(run: Run) -> str:
    return next((name for name in reversed(SPLITS) if run.has_predictions(name)), "")


def _mixture(mixture: MixtureFacts) -> MixtureRow:
    return MixtureRow(
        experts=[PurePath(name).name for name in mixture.experts],
        gate=mixture.gate,
        split=mixture.split,
        folds=mixture.folds,
        steps=mixture.steps,
        scores=mixture.scores,
    )


def _line(runs: RunFolders, run: Run, dataset: OpenedDataset | None, split: str, faults: list[Fault]) -> dict[str, Any]:
    reference = runs.reference()
    mixture = _read(run, run.mixture, faults)
    settings = _read(run, run.settings, faults) or {}
    scores = _read(run, lambda: run.scores(split), faults)
    sources = run.sources()
    score = scores.main if scores else None
    # Faults of the reference stand on its own page, not here: its list is thrown away.
    base = None if reference is None or reference is run else _read(reference, lambda: reference.scores(split), [])
    base_score = base.main if base else None
    if not run.folder.is_dir():
        faults.append(Fault(run.name, "", "there is no such folder", "give the folder of a run to --run"))
    return {
        "name": run.name,
        "kind": "mixture" if run.is_mixture else "expert",
        "sources": None if sources is None else list(sources),
        "experts": [PurePath(name).name for name in mixture.experts] if mixture else [],
        "gate": mixture.gate if mixture else "",
        "encoder": _text(settings.get("encoder", {}).get("name", "")),
        "seed": _text(settings.get("training", {}).get("seed", "")),
        "is_reference": run is reference,
        "split": split,
        "score": score,
        "difference": score.f1 - base_score.f1 if score and base_score else None,
        "changes": _changes(dataset, run, reference, split),
        "faults": faults,
    }


def _read(run: Run, read: Callable[[], T], faults: list[Fault]) -> T | None:
    """Return what a function reads; where it cannot, add a fault, once, and return None."""
    try:
        return read()
    except MieError as error:
        fault = run.fault(error)
        if fault not in faults:
            faults.append(fault)
        return None


def _changes(dataset: OpenedDataset | None, run: Run, reference: Run | None, split: str) -> ChangeCounts | None:
    if dataset is None or reference is None or reference is run or split not in dataset.info.splits:
        return None
    before, after = dataset.evaluate(split, reference), dataset.evaluate(split, run)
    counts = Counter(change_between(*pair) for pair in zip(before.rows, after.rows, strict=True))
    del counts[None]  # samples of which one has no prediction, or without gold
    return ChangeCounts(**{name: counts[name] for name in CHANGES}) if counts else None


def _evaluation_counts(dataset: OpenedDataset | None, run: Run, split: str) -> EvaluationCounts | None:
    if dataset is None or split not in dataset.info.splits or not run.has_predictions(split):
        return None
    evaluation = dataset.evaluate(split, run)
    counts = Counter(kind for row in evaluation.rows for kind in row.kinds)
    kinds = {kind: counts[kind] for kind in KINDS if counts[kind]}
    return EvaluationCounts(kinds=kinds, orphans=evaluation.orphans, others=evaluation.others, absent=evaluation.absent)


def _gate_weights(run: Run, split: str, faults: list[Fault]) -> dict[str, list[int]]:
    bins: dict[str, list[int]] = {}
    for row in _read(run, lambda: run.predictions(split), faults) or []:
        for part in row.gate or ():
            counts = bins.setdefault(part.expert, [0] * BINS)
            counts[min(int(part.weight * BINS), BINS - 1)] += 1
    return bins


def _epochs(log: list[LogRow]) -> list[EpochRow]:
    """Join the two rows that the log has for each epoch: its speed, and its loss and dev F1."""
    speeds = {row.epoch: row for row in log if row.kind == "speed"}
    rows = []
    for row in log:
        if row.kind == "epoch":
            speed = speeds.get(row.epoch)
            rows.append(
                EpochRow(
                    epoch=row.epoch,
                    step=row.step,
                    loss=row.loss,
                    dev_f1=row.dev_f1,
                    is_best=row.is_best,
                    seconds=speed.seconds if speed else None,
                    pieces_per_second=speed.pieces_per_second if speed else None,
                    dev_seconds=row.dev_seconds,
                )
            )
    return rows


def _settings(run: Run, faults: list[Fault]) -> dict[str, dict[str, str]]:
    sections = _read(run, run.settings, faults) or {}
    return {
        _text(name): {_text(key): _text(value) for key, value in section.items()} for name, section in sections.items()
    }


def _text(value: object) -> str:
    """Return a setting as text of bounded length.

    >>> _text("roberta"), _text([1, 2]), _text(True)
    ('roberta', '[1, 2]', 'true')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_CHARS else text[:_MAX_CHARS] + " …"


def _scores(scores: Scores | None) -> dict[str, ScoreRow]:
    """Return the scores of a split, the task's main one first."""
    if scores is None:
        return {}
    return dict(sorted(scores.rows.items(), key=lambda item: item[1] is not scores.main))
