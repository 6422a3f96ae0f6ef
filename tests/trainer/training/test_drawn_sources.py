"""One source of contexts per sample and epoch: a draw by seed, epoch and sample; and what is read in prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.dataset import read_samples
from schemas.errors import UsageError
from tests.support.tiny_encoder import build_encoder, write_contexts, write_tweets
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet, read_sources
from trainer.training import fit, open_expert, read_split
from trainer.training.prepare import prepare

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    tweets = write_tweets(folder / "tweets", train=24, dev=8, test=8)
    samples = [sample for split in ("train", "dev", "test") for sample in read_samples(tweets, split)]
    write_contexts(folder / "both", samples, ("text", "image"))
    settings = [
        f"encoder.name={folder / 'encoder'}", f"data.samples={tweets}", f"data.contexts={folder / 'both'}",
        'data.sources=["image", "text"]', "data.contexts_mode=one", "encoder.max_length_pieces=64",
        "training.epochs=2", "training.batch_samples=8", "training.device=cpu",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def draws_of(config: RunConfig) -> list[list[str]]:
    """The source of each sample in the first four epochs."""
    data = {"train": read_split(config, "train", is_training=True), "dev": read_split(config, "dev")}
    made = prepare(config, data, LabelSet.of(data["train"].dataset, data["train"].samples)).draws
    assert made is not None
    found = []
    for epoch in range(4):
        rows = made.of_epoch(epoch)
        assert [row.sample_id for row in rows] == [sample.sample_id for sample in data["train"].samples]
        found.append(["image" if row is made.variants[0][i] else "text" for i, row in enumerate(rows)])
    return found


def test_each_sample_has_one_source_which_changes_from_epoch_to_epoch(config: RunConfig) -> None:
    found = draws_of(config)
    assert found == draws_of(config)
    assert all({"image", "text"} == set(epoch) for epoch in found) and found[0] != found[1]
    other = draws_of(replace(config, training=replace(config.training, seed=43)))
    assert other != found


def test_the_draw_of_a_sample_does_not_hang_on_the_others(config: RunConfig) -> None:
    fewer = replace(config, data=replace(config.data, train_samples=5))
    assert [epoch[:5] for epoch in draws_of(config)] == draws_of(fewer)


def test_prediction_reads_the_first_source_and_training_all(config: RunConfig) -> None:
    samples = read_samples(config.data.samples, "train")[:3]
    read = read_sources(config.data, samples)
    assert {row.source for rows in read.values() for row in rows} == {"image"}
    trained = read_sources(config.data, samples, is_training=True)
    assert {row.source for rows in trained.values() for row in rows} == {"image", "text"}


def test_a_run_with_drawn_sources_is_trained_and_another_word_is_refused(config: RunConfig, tmp_path: Path) -> None:
    facts = fit(config, tmp_path / "run")
    assert facts["epochs"] == 2 and open_expert(tmp_path / "run").config.data.contexts_mode == "one"
    with pytest.raises(UsageError, match="must be all or one"):
        override(config, ["data.contexts_mode=two"])
