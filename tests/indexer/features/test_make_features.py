"""A store from real encoders: each view against the encoder itself, resumption, and pictures that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from indexer.encoders import ImageEncoder, class_scores, decode_image, grid_vectors, make_encoder, pyramid_vectors
from indexer.features import make as making
from indexer.features.cli import features
from indexer.features.make import make_features
from indexer.features.settings import FeatureSettings
from indexer.features.views import ViewMaker
from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.feature_store import StoreInfo, read_feature_samples, read_store, read_view
from schemas.records import Sample

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

ALL = ("whole", "grid", "pyramid", "regions", "focal", "prompts")


@pytest.fixture(scope="module")
def encoder() -> ImageEncoder:
    return make_encoder("efficientnet-lite0", threads=1)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(number).integers(0, 255, (60, 100, 3), np.uint8)
        Image.fromarray(pixels).resize((200, 120)).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    return folder


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    rows = [
        Sample("train-1", ("x",), "a.png", split="train"),
        Sample("train-2", ("y",), "b.png", split="train"),
        Sample("train-3", ("z",), split="train"),
        Sample("train-4", ("z",), "gone.png", split="train"),
    ]
    more = [Sample("test-1", ("x",), "a.png"), Sample("test-2", ("y",), "broken.png")]
    write_dataset(
        tmp_path / "set", {"train": rows, "test": more}, name="set", task="ner", labels=(), inputs=(), counters={}
    )
    return tmp_path / "set"


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.jsonl"
    rows = [
        {"image": "a.png", "width": 100, "height": 60, "boxes": [[10, 10, 60, 50], [5, 5, 1, 1], [90, 10, 130, 40]]},
        {"image": "stranger.png", "boxes": [[0, 0, 9, 9]]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def vectors(store: Path, info: StoreInfo, view: str, row: int) -> np.ndarray[Any, Any]:
    return np.array(read_view(store, view, info.views[view].dim)["values"][row].as_py(), np.float32)


def test_each_view_holds_what_the_encoder_gives(
    samples: Path, images: Path, boxes: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    settings = FeatureSettings(ALL, grid_side=2, most_prompts=3)
    info = make_features(samples, images, out, encoder, settings=settings, regions=[boxes])
    picture = decode_image((images / "a.png").read_bytes())
    prepared = [encoder.prepare(picture)]
    row = read_feature_samples(out)["train-1"][1]
    crops = [picture.crop((20, 20, 120, 100)), picture.crop((180, 20, 200, 80))]
    close = {"atol": 2e-3, "rtol": 2e-3}
    assert np.allclose(vectors(out, info, "whole", row), encoder.encode([picture]), **close)
    assert np.allclose(vectors(out, info, "regions", row), encoder.encode(crops), **close)
    assert np.allclose(vectors(out, info, "grid", row), grid_vectors(encoder, prepared, 2)[0], **close)
    pyramid = pyramid_vectors(encoder, [encoder.prepare(part) for part in (picture, *crops)])
    assert np.allclose(vectors(out, info, "pyramid", row), pyramid.reshape(12, 496), **close)
    table = read_view(out, "regions", 1280)
    assert table["boxes"][row].as_py() == [[20.0, 20.0, 120.0, 100.0], [180.0, 20.0, 200.0, 80.0]]
    prompts = read_view(out, "prompts", 384)
    best = class_scores(encoder, prepared)[0]
    assert np.allclose(prompts["scores"][row].as_py(), np.sort(best)[::-1][:3], atol=1e-6)
    assert encoder.layers is not None
    assert prompts["names"][row].as_py()[0] == encoder.layers.class_names[int(best.argmax())]
    framed = vectors(out, info, "focal", row)
    assert framed.shape == (2, 1280)
    assert not np.allclose(framed, encoder.encode([picture] * 2), **close)


def test_pictures_and_boxes_that_cannot_be_used_are_counted_named_and_absent(
    samples: Path, images: Path, boxes: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    info = make_features(samples, images, out, encoder, settings=FeatureSettings(("whole", "regions")), regions=[boxes])
    found = read_feature_samples(out)
    assert {name: (row, status) for name, (_, row, status) in found.items()} == {
        "train-1": (0, "ok"),
        "train-2": (1, "ok"),
        "train-3": (-1, "no_image"),
        "train-4": (-1, "missing_image"),
        "test-1": (0, "ok"),
        "test-2": (-1, "broken_image"),
    }
    counted = {name: count for name, count in info.counts.items() if count}
    assert counted == {
        "boxes": 2,
        "boxes_cut_at_an_edge": 1,
        "boxes_of_other_pictures": 1,
        "boxes_swapped": 1,
        "broken_pictures": 1,
        "pictures": 2,
        "pictures_without_boxes": 1,
        "samples": 6,
        "samples_broken_image": 1,
        "samples_missing_image": 1,
        "samples_no_image": 1,
        "samples_ok": 3,
    }
    rejects = {(row["id"], row["reason"]) for row in pq.read_table(out / "rejects.parquet").to_pylist()}
    assert rejects == {("gone.png", "missing_image"), ("broken.png", "broken_image"), ("a.png, box 2", "swapped")}
    assert info.views["regions"].columns == 2
    assert read_store(out) == info


def test_an_interrupted_run_goes_on_and_gives_the_same_store(
    samples: Path, images: Path, encoder: ImageEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FeatureSettings(("whole",), part=1)
    whole = make_features(samples, images, tmp_path / "whole", encoder, settings=settings)
    made: list[str] = []
    real = ViewMaker.make

    def stop_at_the_second(self: ViewMaker, picture: Any) -> Any:
        made.append(picture.name)
        if made == ["a.png", "b.png"]:
            raise KeyboardInterrupt
        return real(self, picture)

    monkeypatch.setattr(making.ViewMaker, "make", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        make_features(samples, images, tmp_path / "store", encoder, settings=settings)
    assert not (tmp_path / "store").exists()
    again = make_features(samples, images, tmp_path / "store", encoder, settings=settings)
    assert made == ["a.png", "b.png", "b.png"]
    assert again.fingerprint == whole.fingerprint
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [
        "features.json",
        "rejects.parquet",
        "samples.parquet",
        "whole.parquet",
    ]
    assert make_features(samples, images, tmp_path / "store", encoder, settings=settings) == again
    with pytest.raises(UsageError, match="other samples or settings"):
        make_features(samples, images, tmp_path / "store", encoder, settings=FeatureSettings(("grid",)))


def test_the_fingerprint_does_not_depend_on_the_size_of_parts(
    samples: Path, images: Path, boxes: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    prints = set()
    for part in (1, 2, 64):
        settings = FeatureSettings(("whole", "regions"), part=part)
        out = tmp_path / f"store-{part}"
        prints.add(make_features(samples, images, out, encoder, settings=settings, regions=[boxes]).fingerprint)
    assert len(prints) == 1


def test_proposed_boxes_have_names_and_scores_and_lie_in_the_picture(
    samples: Path, images: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    settings = FeatureSettings(("regions",), most_regions=3, is_proposing=True)
    make_features(samples, images, out, encoder, settings=settings)
    row = {name: column[0].as_py() for name, column in zip(*_columns(out), strict=True)}
    assert 1 <= len(row["boxes"]) <= 3
    assert all(0 <= x1 < x2 <= 200 and 0 <= y1 < y2 <= 120 for x1, y1, x2, y2 in row["boxes"])
    assert row["scores"] == sorted(row["scores"], reverse=True)
    assert all(row["names"])


@pytest.mark.parametrize(("option", "has_regions"), [("--propose", True), ("--no-boxes", False)])
def test_the_command_proposes_boxes_when_asked_and_makes_none_when_told(
    samples: Path, images: Path, tmp_path: Path, option: str, has_regions: bool
) -> None:
    out = tmp_path / "store"
    words = ["make", str(samples), "--images", str(images), "--out", str(out), "--encoder", "efficientnet-lite0"]
    done = CliRunner().invoke(features, [*words, "--view", "regions", option, "--device", "cpu"])
    assert done.exit_code == 0, done.output
    parameters = read_store(out).parameters
    assert (parameters["is_proposing"], parameters["is_without_boxes"]) == (has_regions, not has_regions)
    assert (read_store(out).views["regions"].vectors > 0) == has_regions


def _columns(out: Path) -> tuple[list[str], list[Any]]:
    table = read_view(out, "regions", 1280)
    return table.column_names, table.columns


def test_boxes_of_no_picture_of_the_set_and_settings_that_contradict_are_refused(
    samples: Path, images: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    strangers = tmp_path / "strangers.jsonl"
    strangers.write_text('{"image": "stranger.png", "boxes": [[0, 0, 9, 9]]}')
    with pytest.raises(InputError, match=r"the first names stranger\.png: no file of boxes names a picture"):
        make_features(
            samples, images, tmp_path / "s", encoder, settings=FeatureSettings(("regions",)), regions=[strangers]
        )
    with pytest.raises(InputError, match="no sample has a picture here"):
        make_features(samples, samples, tmp_path / "s", encoder)
    for settings, words in (
        (FeatureSettings(("regions",)), "needs boxes"),
        (FeatureSettings(("whole",), is_proposing=True), "no view reads the boxes"),
        (FeatureSettings(("whole", "whole")), "no views"),
        (FeatureSettings(("given",)), "no views of a picture: given"),
        (FeatureSettings(("grid",), grid_side=0), "at least 1"),
    ):
        with pytest.raises(UsageError, match=words):
            make_features(samples, images, tmp_path / "s", encoder, settings=settings)


def test_a_broken_picture_alone_in_its_part_and_views_without_any_box_keep_their_size(
    samples: Path, images: Path, encoder: ImageEncoder, tmp_path: Path
) -> None:
    settings = FeatureSettings(("regions", "pyramid"), is_without_boxes=True, part=1)
    info = make_features(samples, images, tmp_path / "store", encoder, settings=settings)
    assert (info.views["regions"].dim, info.views["regions"].vectors) == (1280, 0)
    assert (info.views["pyramid"].dim, info.views["pyramid"].vectors) == (496, 8)
