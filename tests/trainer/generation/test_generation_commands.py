"""Prompts and answers for other programs: what a prompt holds, what it never holds, and how answers are scored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Sample
from tests.support.tiny_encoder import make_pairs, make_tweets
from trainer.cli import app
from trainer.generation.pairs import FORMATS_BY_TASK, InstructInputs, instruct_rows
from trainer.generation.scored_answers import score_answers

RELATIONS = ["None", "/per/loc/visits", "/per/per/peer"]


def write_set(folder: Path, task: str, splits: dict[str, list[Sample]], labels: list[str]) -> Path:
    write_dataset(folder, splits, name="tiny", task=task, labels=labels, inputs=[], counters={})  # type: ignore[arg-type]
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    splits = {name: make_pairs(count, name, 1) for name, count in (("train", 20), ("dev", 4), ("test", 6))}
    return write_set(tmp_path / "pairs", "re", splits, RELATIONS)


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    def shown(sample: Sample) -> Sample:
        tags = sample.tags or ()
        entities = []
        for i, tag in enumerate(tags):
            if tag.startswith("B-"):
                end = i + 2 if tag == "B-LOC" else i + 1
                boxes = (Box(0.0, 0.0, 10.0, 10.0),) if tag == "B-PER" else ()
                entities.append(Entity(i, end, tag[2:], boxes=boxes))
        return replace(sample, entities=tuple(entities))

    splits = {
        name: [shown(row) for row in make_tweets(count, name, 1)]
        for name, count in (("train", 20), ("dev", 4), ("test", 6))
    }
    return write_set(tmp_path / "tweets", "ner", splits, ["LOC", "PER"])


@pytest.mark.parametrize("task", ["ner", "re"])
def test_every_answer_reads_back_in_every_format(task: str, pairs: Path, tweets: Path, tmp_path: Path) -> None:
    samples = pairs if task == "re" else tweets
    for name in FORMATS_BY_TASK[task]:
        rows, _ = instruct_rows(InstructInputs(samples, "test", name))
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        scored = score_answers(samples, file, name)
        main = scored.scores["MNER"] if task == "ner" else next(iter(scored.scores.values()))
        assert main.f1 == 1.0 and not scored.faults and scored.lacking == 0, name
        if name == "boxes":
            assert scored.scores["GMNER"].f1 == 1.0


def test_prompts_do_not_hang_on_labels(pairs: Path, tmp_path: Path) -> None:
    first, _ = instruct_rows(InstructInputs(pairs, "test", "choices"))
    splits = {name: make_pairs(count, name, 1) for name, count in (("train", 20), ("dev", 4), ("test", 6))}
    splits["test"] = [replace(row, relation="None") for row in splits["test"]]
    other = write_set(tmp_path / "other", "re", splits, RELATIONS)
    second, _ = instruct_rows(InstructInputs(other, "test", "choices"))
    assert [row["prompt"] for row in first] == [row["prompt"] for row in second]
    assert [row["answer"] for row in first] != [row["answer"] for row in second]
    shuffled, _ = instruct_rows(InstructInputs(pairs, "test", "choices", seed=3))
    assert [row["prompt"] for row in shuffled] != [row["prompt"] for row in first]


def test_training_pairs_leave_out_posts_of_dev_and_test(tmp_path: Path) -> None:
    train = make_tweets(6, "train", 1)
    test = [replace(train[2], sample_id="test-1", split="test"), *make_tweets(2, "test", 5)[1:]]
    dev = [replace(train[4], sample_id="dev-1", split="dev")]
    folder = write_set(tmp_path / "set", "ner", {"train": train, "dev": dev, "test": test}, ["LOC", "PER"])
    rows, left_out = instruct_rows(InstructInputs(folder, "train", "umie"))
    assert left_out == 2 and {row["id"] for row in rows} == {"train-1", "train-2", "train-4", "train-6"}
    assert {row["split"] for row in rows} == {"train"}


def test_faults_are_counted_and_a_sample_without_answer_counts_as_nothing(tweets: Path, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = instruct_rows(InstructInputs(tweets, "test", "phrase"))[0]
    rows[0]["answer"] = "Obama is a person, which is in the image"
    rows[1]["answer"] = "gibberish"
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]), encoding="utf-8")
    scored = score_answers(tweets, file, "phrase")
    assert scored.faults == {"not in the text": 1, "malformed": 1} and scored.lacking == 1
    assert scored.scores["MNER"].counts.right == 2 * (len(rows) - 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "no JSON"),
        ('{"id": "test-1"}', "no JSON"),
        ('{"id": "x", "answer": ""}', "unknown"),
        ('{"id": "test-1", "answer": 3}', "no text"),
        ('{"id": "test-1", "answer": ""}\n{"id": "test-1", "answer": ""}', "twice"),
    ],
)
def test_a_wrong_line_is_named(line: str, message: str, tweets: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        score_answers(tweets, file)


def test_a_format_of_another_task_is_refused(tweets: Path) -> None:
    with pytest.raises(UsageError, match="no format 'choices' for the task ner"):
        instruct_rows(InstructInputs(tweets, "train", "choices"))


def test_the_commands_write_and_score(pairs: Path, tmp_path: Path) -> None:
    runner, file = CliRunner(), tmp_path / "test.jsonl"
    command = ["instruct", str(pairs), "--split", "test", "--out", str(file)]
    made = runner.invoke(app, command)
    assert made.exit_code == 0 and json.loads(made.stdout) == {"rows": 6, "left_out": 0}
    row = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    assert set(row) == {"id", "split", "image", "prompt", "answer"} and "(A)" in row["prompt"]
    assert runner.invoke(app, command).exit_code != 0, "nothing is replaced unasked"
    scored = runner.invoke(app, ["answers", str(pairs), str(file), "--json"])
    assert json.loads(scored.stdout)["scores"]["micro without None"]["f1"] == 1.0
    assert "faults: none" in runner.invoke(app, ["answers", str(pairs), str(file)]).stdout
