"""Scores of answers that another program generated: read in a format, with the faults of each kind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.records import Entity, Sample
from schemas.text_files import TextFile
from trainer.generation.pairs import format_for
from trainer.inputs import Answer, LabelSet
from trainer.metrics import Score, score_grounded

__all__ = ["ScoredAnswers", "score_answers"]


class ScoredAnswers(NamedTuple):
    """The scores of answers.

    Args:
        scores: by name, the main one first.
        faults: how often each kind was found.
        lacking: samples without an answer; they count as answered with nothing.
    """

    scores: dict[str, Score]
    faults: dict[str, int]
    lacking: int


def score_answers(samples: Path, answers: Path, name: str = "", split: str = "test", seed: int = 0) -> ScoredAnswers:
    """Score generated answers.

    Args:
        samples: folder of the samples.
        answers: lines of JSON with the id of a sample and the answer.
        name: of the format; "" takes the usual one of the task.
        split: of the samples.
        seed: of the options' order, as when the prompts were made.

    Raises:
        InputError: a line is no such JSON, an id is unknown or comes twice; with the line.
        UsageError: the task has no such format.
    """
    labels, format_ = format_for(samples, name, seed)
    rows = read_samples(samples, split)
    texts = _read_answers(answers, {row.sample_id for row in rows})
    found, faults = [], Counter[str]()
    for sample in rows:
        read = format_.read(texts.get(sample.sample_id, format_.write(sample, [])), sample)
        faults.update(read.faults)
        found.append(Answer(read.records, _labels(labels, read.records)))
    return ScoredAnswers(_scores(labels, rows, found), dict(faults.most_common()), len(rows) - len(texts))


def _scores(labels: LabelSet, samples: list[Sample], found: list[Answer]) -> dict[str, Score]:
    if labels.task_name != "ner" or not any(sample.entities for sample in samples):
        return (
            {"records": labels.task.score(samples, found)}
            if labels.task_name == "ner"
            else labels.task.all_scores(samples, found, ())
        )
    gold = [list(sample.entities or ()) for sample in samples]
    return score_grounded(gold, [[row for row in answer.records if isinstance(row, Entity)] for answer in found])


def _labels(labels: LabelSet, records: Any) -> tuple[str, ...]:
    if labels.task_name != "re":
        return ()
    return (records[0].type if records else "None",)


def _read_answers(path: Path, known: set[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, line in TextFile(path).lines():
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            row = json.loads(line)
            name, text = row["id"], row["answer"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"no JSON with id and answer ({error})", path=path, place=place) from error
        if not isinstance(text, str) or name not in known or name in texts:
            fault = (
                "comes twice"
                if name in texts
                else "is unknown"
                if name not in known
                else "has an answer that is no text"
            )
            raise InputError(f"the sample {name!r} {fault}", path=path, place=place)
        texts[name] = text
    return texts
