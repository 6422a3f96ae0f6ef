"""Tiny models of each family are trained on pairs until they write the answers, by the commands of a user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.dataset import write_dataset
from tests.support.tiny_encoder import make_tweets
from tests.support.tiny_generator import build_generator
from trainer.cli import app
from trainer.generation.tuned import TuneSettings, tune_generator

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    train = make_tweets(3, "train", 1)
    splits = {"train": train, "dev": make_tweets(2, "dev", 1), "test": make_tweets(2, "test", 1)}
    write_dataset(tmp_path / "tweets", splits, name="tiny", task="ner", labels=["LOC", "PER"], inputs=[], counters={})  # type: ignore[arg-type]
    return tmp_path / "tweets"


def run(*words: object) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.parametrize("kind", ["t5", "bart", "causal"])
def test_a_model_learns_its_pairs_and_answers_them(kind: str, tweets: Path, tmp_path: Path) -> None:
    pairs, answers = tmp_path / "train.jsonl", tmp_path / "answers.jsonl"
    run("instruct", tweets, "--out", pairs)
    words = {word for line in pairs.read_text(encoding="utf-8").splitlines() for word in " ".join(
        [json.loads(line)["prompt"], json.loads(line)["answer"]]
    ).split()}  # fmt: skip
    model = build_generator(tmp_path / kind, kind, sorted(words))
    told = json.loads(
        run("tune", pairs, "--model", model, "--out", tmp_path / "tuned", "--epochs", 30, "--lr", 0.02, "--batch", 3)
        .splitlines()[-1]
    )  # fmt: skip
    assert told["losses"][-1] < told["losses"][0] / 2
    run("generate", tweets, "--model", tmp_path / "tuned", "--split", "train", "--out", answers)
    scores = json.loads(run("answers", tweets, answers, "--split", "train", "--json"))
    assert scores["lacking"] == 0 and scores["faults"] == {}


def test_rows_of_test_are_not_trained_on(tweets: Path, tmp_path: Path) -> None:
    run("instruct", tweets, "--split", "test", "--out", tmp_path / "test.jsonl")
    found = CliRunner().invoke(
        app, ["tune", str(tmp_path / "test.jsonl"), "--model", "x", "--out", str(tmp_path / "o")]
    )
    assert found.exit_code != 0 and "a row of the split test" in str(found.exception)


def test_an_interrupted_write_leaves_the_old_model(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("instruct", tweets, "--out", tmp_path / "train.jsonl")
    model = build_generator(tmp_path / "model", "t5")
    settings = TuneSettings(epochs=1, batch_rows=3)
    tune_generator(tmp_path / "train.jsonl", str(model), tmp_path / "tuned", settings)
    before = (tmp_path / "tuned" / "tune.json").read_bytes()

    def broken(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("trainer.generation.tuned.write_json_atomically", broken)
    with pytest.raises(OSError, match="no room"):
        tune_generator(tmp_path / "train.jsonl", str(model), tmp_path / "tuned", settings)
    assert (tmp_path / "tuned" / "tune.json").read_bytes() == before
