"""Few-shot accuracy: a run that learned from episodes, its questions, and what is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.records import Sample, Span
from tests.support.tiny_encoder import PEOPLE, PLACES, build_encoder, write_tweets
from trainer.commands import few_shot_accuracy, few_shots_to_markdown, fit_and_evaluate
from trainer.config import RunConfig, override
from trainer.training import fit

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
PLACES_OF = {"before": (Span(0, 1), Span(1, 2)), "after": (Span(1, 2), Span(0, 1)), "far": (Span(0, 1), Span(9, 10))}


def make_samples(count: int, split: str) -> list[Sample]:
    """Make sentences whose relation is known by where head and tail stand."""
    draw = random.Random(split)
    samples = []
    for number in range(count):
        relation = draw.choice(list(PLACES_OF))
        tokens = tuple(draw.choice((*PEOPLE, *PLACES)) for _ in range(10))
        samples.append(Sample(f"{split}-{number}", tokens, None, None, *PLACES_OF[relation], relation, split))
    return samples


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    samples = {split: make_samples(count, split) for split, count in (("train", 120), ("dev", 20), ("test", 80))}
    write_dataset(folder, samples, name="places", task="re", labels=list(PLACES_OF), inputs=[], counters={})
    return folder


@pytest.fixture(scope="module")
def config(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    settings = [
        f"encoder.name={build_encoder(tmp_path_factory.mktemp('encoder'))}", f"data.samples={data}",
        "encoder.max_length_pieces=48", "training.epochs=5", "training.encoder_lr=1e-3", "training.head_lr=1e-3",
        "model.head.kind=prototype", "model.head.ways=3", "model.head.queries=2", "model.head.dropout=0.0",
        "model.head.temperature=8.0",
    ]  # fmt: skip
    return override(RunConfig(), settings)


@pytest.fixture(scope="module")
def run(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "prototypes"
    facts = fit_and_evaluate(config, folder)
    assert facts["steps"] == 5 * (120 // (3 * 3))  # an epoch has as many episodes as its samples fill
    assert facts["test_f1"] > 0.8  # its prototypes of all relations predict as any other head
    return folder


def test_the_relations_of_a_trained_run_are_told_apart_from_one_example(run: Path, data: Path) -> None:
    one, three = few_shot_accuracy(run, data, ways=3, shots=(1, 3), queries=1, episodes=60)
    assert one.accuracy > 0.8 and three.accuracy > 0.8 and one.relations == ("after", "before", "far")
    assert few_shot_accuracy(run, data, ways=3, shots=(1,), queries=1, episodes=60) == [one]
    assert few_shots_to_markdown([one]).splitlines()[2].split("|")[1:3] == [" 3 ", " 1 "]


def test_too_few_pairs_and_a_run_of_another_task_are_refused(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs 4 classes"):
        few_shot_accuracy(run, data, ways=4)
    tweets = write_tweets(tmp_path / "tweets", train=8, dev=4, test=4)
    tagger = override(
        RunConfig(),
        [f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tweets}", "training.epochs=1",
         "encoder.max_length_pieces=48"],
    )  # fmt: skip
    fit(tagger, tmp_path / "tagger")
    with pytest.raises(UsageError, match="not for relations"):
        few_shot_accuracy(tmp_path / "tagger", data)
