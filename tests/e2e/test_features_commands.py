"""Features from the command line: made, trained on, evaluated, ablated, and made again for raw posts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from schemas.dataset import read_samples, write_dataset
from schemas.feature_store import read_store
from tests.support.commands import mie_index, mie_train
from tests.support.tiny_encoder import build_encoder, write_tweets

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]

TOML = """
[data]
samples = "posts"
features = ["store"]
[encoder]
name = "encoder"
max_length_pieces = 64
[training]
epochs = 1
batch_samples = 8
encoder_lr = 3e-3
head_lr = 1e-2
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Posts with pictures of four colours, boxes of some of them, and an encoder of text."""
    folder = tmp_path_factory.mktemp("features")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets")
    (folder / "images").mkdir()
    for number, colour in enumerate(("red", "green", "blue", "yellow")):
        Image.new("RGB", (60 + number, 40), colour).save(folder / "images" / f"{number}.png")
    rows = {split: read_samples(folder / "tweets", split) for split in ("train", "dev", "test")}
    with_images = {
        split: [
            type(row)(row.sample_id, row.tokens, f"{n % 5}.png", row.tags, split=split) for n, row in enumerate(part)
        ]
        for split, part in rows.items()
    }
    labels = ("LOC", "PER")
    write_dataset(folder / "posts", with_images, name="posts", task="ner", labels=labels, inputs=(), counters={})
    boxes = [{"image": f"{n}.png", "boxes": [[0, 0, 20, 20], [10, 10, 50, 40], [9, 9, 1, 1]]} for n in range(2)]
    (folder / "boxes.jsonl").write_text("\n".join(map(json.dumps, boxes)))
    (folder / "run.toml").write_text(TOML)
    (folder / "posts.jsonl").write_text(
        "\n".join(
            json.dumps({"text": f"anna saw rome {n}", "image": name})
            for n, name in enumerate(("0.png", "3.png", "gone.png", None))
        )
    )
    made = mie_index(
        "features", "posts", "--images", "images", "--out", "store", "--encoder", "efficientnet-lite0",
        "--view", "whole", "--view", "regions", "--regions", "boxes.jsonl", "--json", cwd=folder,
    )  # fmt: skip
    assert json.loads(made.stdout)["counts"]["boxes_swapped"] == 2
    mie_train("fit", "run.toml", "--out", "run", cwd=folder)
    return folder


def test_the_run_knows_its_stores_and_another_store_is_another_run(house: Path) -> None:
    facts = json.loads((house / "run" / "run.json").read_text())
    info = read_store(house / "store")
    assert facts["features"][0]["fingerprint"] == info.fingerprint
    assert facts["features"][0]["views"]["regions"]["dim"] == 1280
    mie_index("features", "posts", "--images", "images", "--out", "other", "--encoder", "efficientnet-lite0", cwd=house)
    told = mie_train("fit", "run.toml", "data.features=other", "--out", "run", cwd=house, code=2)
    assert "other features" in told.stderr


@pytest.mark.slow
def test_new_posts_get_features_as_in_the_training(house: Path) -> None:
    words = mie_train("predict", "run", "posts.jsonl", "--images", "images", "--out", "p.jsonl", cwd=house).stderr
    assert "1 missing image" in words
    assert "all regions are absent" in words
    assert len((house / "p.jsonl").read_text().splitlines()) == 4
    given = mie_train(
        "predict", "run", "posts.jsonl", "--images", "images", "--regions", "boxes.jsonl", "--out", "q.jsonl", cwd=house
    )
    assert "absent" not in given.stderr


def test_a_converted_set_takes_its_store_and_one_of_another_encoder_or_none_is_refused(house: Path) -> None:
    mie_train("predict", "run", "posts", "--features", "store", "--out", "r.jsonl", cwd=house)
    told = mie_train("predict", "run", "posts", cwd=house, code=2)
    assert "--features STORE" in told.stderr
    values = json.loads((house / "store" / "features.json").read_text())
    values["views"]["whole"]["encoder_fingerprint"] = "another"
    for name in ("samples.parquet", "whole.parquet", "regions.parquet"):
        (house / "twin").mkdir(exist_ok=True)
        (house / "twin" / name).write_bytes((house / "store" / name).read_bytes())
    (house / "twin" / "features.json").write_text(json.dumps(values))
    told = mie_train("predict", "run", "posts", "--features", "twin", cwd=house, code=4)
    assert "another encoder or other views than in the training: whole" in told.stderr


def test_pictures_are_taken_away_and_exchanged(house: Path) -> None:
    told = mie_train("ablate", "run", "--split", "test", cwd=house).stdout
    assert "pictures of other samples" in told
    assert "no pictures" in told


def test_features_are_imported(house: Path) -> None:
    import numpy as np

    np.save(house / "v.npy", np.eye(4, 6))
    (house / "v.txt").write_text("\n".join(f"{n}.png" for n in range(4)))
    told = mie_index(
        "features", "import", "v.npy", "--samples", "posts", "--out", "given", "--encoder", "r50", cwd=house
    )
    assert "given: 4 vectors of 6, at most 1 a picture; r50" in told.stdout


def test_settings_that_contradict_are_told_before_a_model_loads(house: Path) -> None:
    told = mie_index("features", "posts", "--images", "images", "--out", "x", "--view", "regions", cwd=house, code=2)
    assert "--regions FILE" in told.stderr
    told = mie_train("fit", "run.toml", "data.features=[]", "model.fusion.kind=none", "--out", "y", cwd=house, code=2)
    assert "fusion" in told.stderr
