"""Runs as the pages and the JSON API show them: what their folders tell, and how they compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, TypeVar

from indexer.web.given import CHANGES, KINDS, Run, RunShelf, SampleBook, change_of
from indexer.web.http import Refused
from indexer.web.runs.models import ChangeCounts, EpochRow, JudgedCounts, MixtureRow, RunDetail, RunLine, ScoreModel
from indexer.web.samples import FaultRow, fault_row
from schemas.errors import MieError
from schemas.run_files import LogRow, ScoreRow, Scores
from schemas.text_files import SPLITS

__all__ = ["BINS", "chosen_split", "run_detail", "run_lines"]

T = TypeVar("T")
BINS = 10
_UNTOLD = frozenset({"no prediction", "no gold"})
_MAX_CHARS = 300
"""Longest value of a setting that is shown."""


def chosen_split(shelf: RunShelf, split: str) -> str:
    """Return the split asked for, or the first of test, dev and train that a run was evaluated on.

    Raises:
        Refused: there is no such split.
    """
    if split and split not in SPLITS:
        raise Refused(400, f"no split {split[:80]!r}", f"choose of: {', '.join(SPLITS)}")
    evaluated = [name for name in reversed(SPLITS) if any(run.has_predictions(name) for run in shelf.runs.values())]
    return split or next(iter(evaluated), "test")


def run_lines(shelf: RunShelf, book: SampleBook | None, split: str = "") -> list[RunLine]:
    """Return all runs in short, on one split."""
    wanted = chosen_split(shelf, split)
    return [RunLine(**_line(shelf, run, book, wanted, [])) for run in shelf.runs.values()]


def run_detail(shelf: RunShelf, run: Run, book: SampleBook | None, split: str = "") -> RunDetail:
    """Return a run with all that its folder tells; a file that cannot be used is among the faults."""
    wanted = chosen_split(shelf, split or _own_split(run))
    faults: list[FaultRow] = []
    line = _line(shelf, run, book, wanted, faults)
    facts = _read(run, run.facts, faults)
    mixture = _read(run, run.mixture, faults)
    scores = _read(run, lambda: run.scores(wanted), faults)
    reference = shelf.reference() or run
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
        mixture=MixtureRow(
            experts=[PurePath(name).name for name in mixture.experts],
            gate=mixture.gate,
            split=mixture.split,
            folds=mixture.folds,
            steps=mixture.steps,
            scores=mixture.scores,
        )
        if mixture
        else None,
        scores=_scores(scores),
        reference=reference.name,
        reference_scores={} if reference is run else _scores(_read(reference, lambda: reference.scores(wanted), [])),
        systems=scores.systems if scores else {},
        gate_weights=_gate_weights(run, wanted, faults),
        judged=_judged(book, run, wanted),
    )


def _own_split(run: Run) -> str:
    return next((name for name in reversed(SPLITS) if run.has_predictions(name)), "")


def _line(shelf: RunShelf, run: Run, book: SampleBook | None, split: str, faults: list[FaultRow]) -> dict[str, Any]:
    reference = shelf.reference()
    mixture = _read(run, run.mixture, faults)
    settings = _read(run, run.settings, faults) or {}
    scores = _read(run, lambda: run.scores(split), faults)
    sources = run.sources()
    score = scores.main if scores else None
    base = None if reference is None or reference is run else _read(reference, lambda: reference.scores(split), [])
    others = base.main if base else None
    if not run.folder.is_dir():
        remedy = "give the folder of a run to --run"
        faults.append(FaultRow(file=run.name, place="", message="there is no such folder", remedy=remedy))
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
        "score": _score(score) if score else None,
        "difference": score.f1 - others.f1 if score and others else None,
        "changes": _changes(book, run, reference, split),
        "faults": faults,
    }


def _read(run: Run, read: Callable[[], T], faults: list[FaultRow]) -> T | None:
    try:
        return read()
    except MieError as error:
        row = fault_row(run.fault(error))
        if row not in faults:
            faults.append(row)
        return None


def _changes(book: SampleBook | None, run: Run, reference: Run | None, split: str) -> ChangeCounts | None:
    if book is None or reference is None or reference is run or split not in book.dataset.splits:
        return None
    counts: Counter[str] = Counter()
    for one, other in zip(book.judge(split, reference).rows, book.judge(split, run).rows, strict=True):
        if not _UNTOLD & {*one.kinds, *other.kinds}:
            counts[change_of(len(one.mistakes), len(other.mistakes))] += 1
    return ChangeCounts(**{name: counts[name] for name in CHANGES}) if counts else None


def _judged(book: SampleBook | None, run: Run, split: str) -> JudgedCounts | None:
    if book is None or split not in book.dataset.splits or not run.has_predictions(split):
        return None
    judgement = book.judge(split, run)
    counts = Counter(kind for row in judgement.rows for kind in row.kinds)
    kinds = {kind: counts[kind] for kind in KINDS if counts[kind]}
    return JudgedCounts(kinds=kinds, orphans=judgement.orphans, others=judgement.others, absent=judgement.absent)


def _gate_weights(run: Run, split: str, faults: list[FaultRow]) -> dict[str, list[int]]:
    bins: dict[str, list[int]] = {}
    for row in _read(run, lambda: run.predictions(split), faults) or []:
        for part in row.gate or ():
            counts = bins.setdefault(part.expert, [0] * BINS)
            counts[min(int(part.weight * BINS), BINS - 1)] += 1
    return bins


def _epochs(log: list[LogRow]) -> list[EpochRow]:
    """Put the two rows of each epoch together: its speed, and its loss and dev F1."""
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


def _settings(run: Run, faults: list[FaultRow]) -> dict[str, dict[str, str]]:
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


def _scores(scores: Scores | None) -> dict[str, ScoreModel]:
    """Return the scores of a split, the task's main one first."""
    if scores is None:
        return {}
    rows = sorted(scores.rows.items(), key=lambda item: item[1] is not scores.main)
    return {name: _score(row) for name, row in rows}


def _score(row: ScoreRow) -> ScoreModel:
    return ScoreModel(**asdict(row))
