"""A run may begin with the weights of another: what fits is taken over, what does not is new, and both are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from schemas.dataset import write_dataset
from schemas.errors import InputError
from tests.support.tiny_encoder import build_encoder, make_pairs, make_tweets
from trainer.config import RunConfig, override, parse_config, to_toml
from trainer.inputs import LabelSet
from trainer.model import load_expert, make_expert, start_from
from trainer.training import fit

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    for name, task, make, labels in (
        ("tweets", "ner", make_tweets, ["LOC", "PER"]),
        ("pairs", "re", make_pairs, ["None", "/per/loc/visits", "/per/per/peer"]),
    ):
        samples = {split: make(count, split, 1) for split, count in (("train", 8), ("dev", 4), ("test", 4))}
        write_dataset(tmp_path / name, samples, name=name, task=task, labels=labels, inputs=[], counters={})  # type: ignore[arg-type]
    settings = [
        f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tmp_path / 'tweets'}",
        "encoder.max_length_pieces=64", "training.epochs=1", "training.encoder_lr=0.01",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def test_weights_of_the_same_name_and_shape_are_taken_over(config: RunConfig, tmp_path: Path) -> None:
    fit(config, tmp_path / "first")
    lines: list[str] = []
    second = override(config, [f"init.from_run={tmp_path / 'first'}", "training.seed=7", "training.encoder_lr=0.0",
                               "training.head_lr=0.0", "training.crf_lr=0.0"])  # fmt: skip
    fit(second, tmp_path / "second", talk=lines.append)
    assert any("starts from" in line and "head 5 of 5" in line for line in lines)
    old, new = (load_expert(tmp_path / name / "best").state_dict() for name in ("first", "second"))
    assert all(torch.equal(old[name], new[name]) for name in old)
    kept = json.loads((tmp_path / "second" / "run.json").read_text(encoding="utf-8"))["init"]
    assert set(kept) == {"model.safetensors", "head.safetensors"}
    assert parse_config(to_toml(second)).init == second.init


def test_another_head_begins_anew_on_the_old_encoder(config: RunConfig, tmp_path: Path) -> None:
    fit(config, tmp_path / "first")
    pairs = override(config, [f"data.samples={tmp_path / 'pairs'}"])
    torch.manual_seed(3)
    expert = make_expert(pairs.encoder, pairs.model, LabelSet("re", ("None", "/per/loc/visits", "/per/per/peer")))
    head = {name: weight.clone() for name, weight in expert.head.state_dict().items()}
    taken = start_from(expert, tmp_path / "first" / "best")
    assert taken["encoder"][0] == taken["encoder"][1] and taken["head"][0] == 0
    assert all(torch.equal(weight, head[name]) for name, weight in expert.head.state_dict().items())
    first = load_expert(tmp_path / "first" / "best").encoder.state_dict()
    table = "embeddings.word_embeddings.weight"
    new = expert.encoder.state_dict()[table]
    assert len(new) > len(first[table]) and torch.equal(new[: len(first[table])], first[table])


def test_a_run_that_is_not_there_is_an_error(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no best/ to start from"):
        fit(override(config, [f"init.from_run={tmp_path / 'none'}"]), tmp_path / "run")
