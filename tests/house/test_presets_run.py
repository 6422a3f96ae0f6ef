"""Each preset of the systems trains a step on made-up posts of its kind, and is scored; a broken one is found here."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from schemas.dataset import write_dataset
from schemas.records import Box, Entity, Relation, Sample, Span
from tests.support.feature_store import write_features
from tests.support.tiny_encoder import RELATIONS, build_encoder, make_pairs, make_tweets, write_contexts
from trainer.commands import evaluate_run, main_f1
from trainer.config import RunConfig, load_config, override
from trainer.systems import read_systems
from trainer.training import fit

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
PRESETS = sorted({name for system in read_systems() for name in system.presets if name.startswith("small-")})
SPLITS = {"train": 8, "dev": 4, "test": 4}
OF_PAIRS = {"small-ise", "small-fl-msre", "small-mqa"}
OF_RECORDS = {"small-cag", "small-eega"}
SOURCES = ("text", "image", "caption", "pgim", "riveg", "topics", "spans", "lexicon")
DIM = 1280
OTHER_DIMS = {"small-promptmner": 384}


def make_posts(count: int, split: str, seed: int) -> list[Sample]:
    """Make tagged posts in groups of two, with a photo each, fine types, and a box for each person."""
    posts = []
    for number, sample in enumerate(make_tweets(count, split, seed)):
        tags = sample.tags or ()
        person, place = tags.index("B-PER"), tags.index("B-LOC")
        entities = (
            Entity(person, person + 1, "PER", "actor", (Box(0.0, 0.0, 5.0, 10.0),)),
            Entity(place, place + 2, "LOC", "city"),
        )
        image = f"{split}{number}.jpg"
        posts.append(replace(sample, image=image, entities=entities, group=f"{split}{number // 2}", step=number % 2))
    return posts


def make_joint(count: int, split: str, seed: int) -> list[Sample]:
    """Make posts of records: a person visits a place."""
    posts = []
    for sample in make_posts(count, split, seed):
        person, place = (Span(row.start, row.end) for row in sample.entities or ())
        plain = tuple(Entity(*row[:3]) for row in sample.entities or ())
        posts.append(replace(sample, tags=None, entities=plain, relations=(Relation(person, place, "visits"),)))
    return posts


def make_given(count: int, split: str, seed: int) -> list[Sample]:
    """Make posts that ask for the relation of a name and an object of the photo."""
    found = []
    for number, sample in enumerate(make_posts(count, split, seed)):
        person = (sample.entities or ())[0]
        relation = Relation(Span(person.start, person.end), person.boxes[0], ("None", "holds")[number % 2])
        found.append(replace(sample, tags=None, entities=None, relations=(relation,)))
    return found


def with_photos(samples: Sequence[Sample], split: str) -> list[Sample]:
    return [replace(sample, image=f"{split}{number}.jpg") for number, sample in enumerate(samples)]


def make_photo_pairs(count: int, split: str, seed: int) -> list[Sample]:
    """Make pairs with a photo each; all relations are there."""
    named = [replace(row, relation=RELATIONS[n % 3]) for n, row in enumerate(make_pairs(count, split, seed))]
    return with_photos(named, split)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder, four sets with contexts and features, a teacher with kept posteriors, and a bank of prompts."""
    folder = tmp_path_factory.mktemp("presets")
    build_encoder(folder / "encoder")
    for name, task, make, labels in (
        ("posts", "ner", make_posts, ("LOC", "PER")),
        ("pairs", "re", make_photo_pairs, RELATIONS),
        ("records", "joint", make_joint, ("LOC", "PER", "visits")),
        ("given", "joint", make_given, ("None", "holds")),
    ):
        samples = {split: make(count, split, 1) for split, count in SPLITS.items()}
        write_dataset(folder / name, samples, name=name, task=task, labels=labels, inputs=[], counters={})  # type: ignore[arg-type]
        rows = [sample for part in samples.values() for sample in part]
        write_contexts(
            folder / f"{name}-contexts",
            rows,
            SOURCES,
            per=1,
        )
        for dim in (DIM, *OTHER_DIMS.values()):
            write_photos(folder / f"{name}-{dim}", rows, dim)
    teacher = ["training.epochs=1", "training.batch_samples=8", f"encoder.name={folder / 'encoder'}"]
    fit(
        override(RunConfig(), [*teacher, f"data.samples={folder / 'posts'}", "encoder.max_length_pieces=64"]),
        folder / "teacher",
    )
    evaluate_run(folder / "teacher", "train")
    save_file({"prompts": torch.randn(5, DIM, generator=torch.Generator().manual_seed(1))}, folder / "bank.safetensors")
    return folder


def write_photos(folder: Path, samples: Sequence[Sample], dim: int) -> None:
    draw = random.Random(3)
    images = sorted({sample.image for sample in samples if sample.image})

    def rows(columns: int) -> dict[str, list[list[float]]]:
        return {image: [[draw.gauss(0, 1) for _ in range(dim)] for _ in range(columns)] for image in images}

    write_features(folder, samples, {"whole": rows(1), "regions": rows(4)}, dim)


def configure(house: Path, name: str) -> RunConfig:
    """Return the preset with the set, the contexts and the features that its comment asks for."""
    preset = load_config(name, ["data.samples=set"], is_complete=False)
    data = "pairs" if name in OF_PAIRS or preset.model.head.kind == "relation" else "posts"
    data = "records" if name in OF_RECORDS else "given" if name == "small-more-pairs" else data
    settings = [
        f"data.samples={house / data}", f"encoder.name={house / 'encoder'}", "encoder.max_length_pieces=64",
        "training.epochs=1", "training.batch_samples=8", "training.device=cpu", "training.precision=fp32",
    ]  # fmt: skip
    if preset.data.sources:
        settings.append(f"data.contexts={house / data}-contexts")
    parts = [preset.model.fusion, preset.model.head, *preset.model.objectives]
    if any(hasattr(part, "feature_dim") for part in parts):
        settings.append(f"data.features={house / data}-{OTHER_DIMS.get(name, DIM)}")
    for number, objective in enumerate(preset.model.objectives):
        if hasattr(objective, "teacher"):
            settings.append(f"model.objectives.{number}.teacher={house / 'teacher'}")
        if hasattr(objective, "bank"):
            bank = [f"bank={house / 'bank.safetensors'}", "bank_prompts=5", "least=0.0"]
            settings += [f"model.objectives.{number}.{row}" for row in bank]
    return load_config(name, [*settings, *FURTHER.get(name, [])])


FURTHER: dict[str, list[str]] = {
    "small-cot-mie": ["encoder.max_length_pieces=60"],
    "small-fl-msre": ["model.head.ways=2", "model.head.queries=1"],
    "small-focalmre": ["model.fusion.frames=[5]"],
    "small-mqa": ["model.head.option_pieces=20", "encoder.max_length_pieces=40"],
    "small-umt": ["model.head.span_dim=16"],
}
"""What an encoder of 32 dimensions and 64 places, eight posts, and five vectors a photo ask for beside."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_trains_a_step_and_is_scored(house: Path, tmp_path: Path, name: str) -> None:
    facts = fit(configure(house, name), tmp_path / "run")
    assert facts["steps"] >= 1 and facts["best_dev_f1"] is not None
    assert 0 <= main_f1(evaluate_run(tmp_path / "run", "test")) <= 1
