"""The teacher of a run: its posteriors come from its folder, state by state, and another teacher is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.errors import InputError, UsageError
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.commands import evaluate_run
from trainer.config import RunConfig, override
from trainer.mixture import expert_posteriors
from trainer.training import fit, open_expert, read_split
from trainer.training.prepare import prepare
from trainer.training.teacher import find_teacher

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


def settings(folder: Path, *changes: str) -> RunConfig:
    base = [
        f"encoder.name={folder / 'encoder'}", f"data.samples={folder / 'tweets'}", "encoder.max_length_pieces=64",
        "training.epochs=1", "training.batch_samples=8", "training.encoder_lr=3e-3", "training.device=cpu",
    ]  # fmt: skip
    return override(RunConfig(), [*base, *changes])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets", train=16, dev=8, test=8)
    fit(settings(folder), folder / "teacher")
    return folder


def student(house: Path, *changes: str) -> RunConfig:
    objective = ["model.objectives.0.kind=self_distil", f"model.objectives.0.teacher={house / 'teacher'}"]
    return settings(house, *objective, *changes)


def test_a_student_learns_from_the_kept_posteriors(house: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0 files posteriors/train-\*\.safetensors, not one"):
        fit(student(house), tmp_path / "early")
    evaluate_run(house / "teacher", "train")
    config = student(house)
    data = {split: read_split(config, split) for split in ("train", "dev")}
    labels = open_expert(house / "teacher").labels
    examples = prepare(config, data, labels).examples
    kept = expert_posteriors(house / "teacher", "train", lambda run: read_split(run, "train")).posteriors
    given = [row.teacher for row in examples["train"].rows if row.teacher is not None]
    assert torch.equal(torch.cat(given), kept.log_probs) and all(row.teacher is None for row in examples["dev"].rows)
    facts = fit(config, tmp_path / "student")
    assert facts["epochs"] == 1 and open_expert(tmp_path / "student").expert.objectives[0].weight == 0.5
    part = replace(data["train"], samples=data["train"].samples[:5])
    fewer = prepare(student(house, "data.train_samples=5"), data | {"train": part}, labels).examples
    assert torch.equal(fewer["train"].rows[4].teacher, given[4])  # type: ignore[arg-type]


def test_a_teacher_of_other_samples_or_labels_is_refused(house: Path, tmp_path: Path) -> None:
    other = write_tweets(tmp_path / "others", train=16, dev=8, test=8, seed=2)
    with pytest.raises(InputError, match="the teacher knows other samples"):
        fit(student(house, f"data.samples={other}"), tmp_path / "run")
    with pytest.raises(InputError, match="there is no config"):
        fit(student(house, f"model.objectives.0.teacher={tmp_path / 'nobody'}"), tmp_path / "run2")
    facts = house / "teacher" / "best" / "head.json"
    text = facts.read_text()
    facts.write_text(json.dumps({**json.loads(text), "labels": ["O", "B-X"]}))
    try:
        with pytest.raises(InputError, match="the teacher has other labels: O, B-X"):
            fit(student(house), tmp_path / "run3")
    finally:
        facts.write_text(text)


def test_an_objective_without_its_teacher_says_which_setting_is_empty(house: Path, tmp_path: Path) -> None:
    config = student(house, "model.objectives.0.teacher=")
    with pytest.raises(UsageError, match=r"model\.objectives\.0\.teacher must be the run folder of a teacher"):
        fit(config, tmp_path / "run")
    assert find_teacher(settings(house).model) is None


def test_settings_that_cannot_be_trained_do_not_keep_the_folder_from_the_right_ones(
    house: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="must be the run folder of a teacher"):
        fit(settings(house, "model.objectives.0.kind=self_distil"), tmp_path / "run")
    fit(settings(house), tmp_path / "run")
    with pytest.raises(UsageError, match="there is a run with other settings"):
        fit(settings(house, "training.seed=9"), tmp_path / "run")
    assert len(list((tmp_path / "run" / "best").glob("*.safetensors"))) == 2, "what is trained stays"
