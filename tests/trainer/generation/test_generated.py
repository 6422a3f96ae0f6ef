"""A pretrained model answers samples: what a random one writes under a grammar is read without a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.dataset import write_dataset
from schemas.errors import InputError
from tests.support.tiny_encoder import make_pairs, make_tweets
from tests.support.tiny_generator import build_generator
from trainer.cli import app
from trainer.generation.generated import generate_rows
from trainer.generation.pairs import InstructInputs
from trainer.generation.scored_answers import score_answers

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    splits = {name: make_tweets(3, name, 1) for name in ("train", "dev", "test")}
    write_dataset(tmp_path / "set", splits, name="tiny", task="ner", labels=["LOC", "PER"], inputs=[], counters={})
    return tmp_path / "set"


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_answers_under_a_grammar_have_no_fault(kind: str, tweets: Path, tmp_path: Path) -> None:
    model, file = build_generator(tmp_path / kind, kind), tmp_path / "answers.jsonl"
    command = ["generate", str(tweets), "--model", str(model), "--format", "umie", "--out", str(file)]
    made = CliRunner().invoke(app, command)
    assert made.exit_code == 0 and json.loads(made.stdout) == {"rows": 3}
    assert set(score_answers(tweets, file, "umie").faults) <= {"malformed"}, "only a text that was cut has a fault"


def test_options_have_a_posterior_that_sums_to_one(tmp_path: Path) -> None:
    splits = {name: make_pairs(4, name, 1) for name in ("train", "dev", "test")}
    labels = ["None", "/per/loc/visits", "/per/per/peer"]
    write_dataset(tmp_path / "set", splits, name="tiny", task="re", labels=labels, inputs=[], counters={})
    model = build_generator(tmp_path / "t5", "t5")
    rows = list(generate_rows(InstructInputs(tmp_path / "set", "test"), str(model)))
    assert len(rows) == 4
    for row in rows:
        assert sum(row["posterior"].values()) == pytest.approx(1.0) and "None" in row["posterior"]


def test_a_model_that_is_not_there_is_an_error(tweets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model that writes"):
        list(generate_rows(InstructInputs(tweets, "test", "umie"), str(tmp_path)))
