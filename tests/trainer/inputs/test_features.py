"""Features in batches: a sample gets the vectors of its own picture, and what is absent is a mask."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from schemas.errors import IndexMismatch, IndexNotFound, UsageError
from schemas.records import Sample
from tests.support.feature_store import write_features
from trainer.inputs import Example, check_stores, collate, read_features
from trainer.inputs.features import FeatureRow, SampleFeatures

SAMPLES = [
    Sample("train-1", ("a",), "x.jpg"),
    Sample("train-2", ("b",), "y.jpg"),
    Sample("train-3", ("c",)),
    Sample("train-4", ("d",), "x.jpg"),
    Sample("train-5", ("e",), "gone.jpg"),
]
VIEWS = {
    "whole": {"x.jpg": [[1.0, 2.0]], "y.jpg": [[3.0, 4.0]]},
    "regions": {"x.jpg": [[5.0, 6.0], [7.0, 8.0], [9.0, 0.5]], "y.jpg": [[0.25, 0.125]]},
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_features(tmp_path / "store", SAMPLES, VIEWS, 2)


def read(*stores: Path) -> SampleFeatures:
    found = read_features([str(store) for store in stores], SAMPLES)
    assert found is not None
    return found


def example(number: int, features: SampleFeatures | None) -> Example:
    row = None if features is None else FeatureRow(features, number)
    return Example(SAMPLES[number].sample_id, (1,), (1,), (0,), (0,), (), features=row)


def test_each_sample_gets_the_vectors_of_its_own_picture(store: Path) -> None:
    found = read(store).read_rows([1, 0, 3])
    whole = [[3.0, 4.0], [1.0, 2.0], [1.0, 2.0]]
    assert found.values[:, 0].tolist() == whole
    assert found.values[1, 1:].tolist() == found.values[2, 1:].tolist() == VIEWS["regions"]["x.jpg"]
    assert found.values[0, 1].tolist() == [0.25, 0.125]
    assert found.present.tolist() == [[True, True, False, False], [True] * 4, [True] * 4]
    assert found.view.tolist() == [0, 1, 1, 1]
    assert found.boxes is not None
    assert found.boxes[1, 1].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert found.score is None


def test_a_sample_without_a_picture_and_one_whose_picture_is_missing_are_absent(store: Path) -> None:
    features = read(store)
    assert not features.read_rows([2, 4]).present.any()
    assert features.counts == {"ok": 3, "missing_image": 2, "vectors_not_finite": 0}


def test_the_columns_of_a_batch_do_not_depend_on_who_is_in_it(store: Path) -> None:
    features = read(store)
    alone, beside = features.read_rows([1]), features.read_rows([0, 1, 2])
    assert torch.equal(alone.values[0], beside.values[1])
    assert torch.equal(alone.present[0], beside.present[1])


def test_a_vector_that_is_no_number_is_absent_and_counted(tmp_path: Path) -> None:
    views = {"whole": {"x.jpg": [[float("nan"), 2.0]], "y.jpg": [[3.0, float("inf")]]}}
    features = read(write_features(tmp_path / "store", SAMPLES, views, 2))
    found = features.read_rows([0, 1])
    assert features.counts["vectors_not_finite"] == 2
    assert not found.present.any()
    assert found.values.eq(0).all()


def test_two_stores_stand_side_by_side_and_the_narrow_one_is_filled_up(store: Path, tmp_path: Path) -> None:
    wide = write_features(tmp_path / "wide", SAMPLES, {"whole": {"x.jpg": [[1.0, 1.0, 1.0]], "y.jpg": []}}, 3)
    features = read(store, wide)
    found = features.read_rows([0, 1])
    assert features.names == ("store/whole", "store/regions", "wide/whole")
    assert found.view.tolist() == [0, 1, 1, 1, 2]
    assert found.values[0, 0].tolist() == [1.0, 2.0, 0.0]
    assert found.values[0, 4].tolist() == [1.0, 1.0, 1.0]
    assert found.present[:, 4].tolist() == [True, False]


def test_a_batch_carries_the_features_of_its_examples(store: Path) -> None:
    features = read(store)
    batch = collate([example(4, features), example(0, features)], 0)
    assert batch.features is not None
    assert batch.features.present.any(1).tolist() == [False, True]
    assert collate([example(0, None)], 0).features is None


def test_features_of_other_samples_are_refused(store: Path) -> None:
    with pytest.raises(IndexMismatch, match="train-9 is not in it"):
        read_features([str(store)], [Sample("train-9", ("a",), "x.jpg")])
    with pytest.raises(IndexMismatch, match="train-1 had other tokens or another image"):
        read_features([str(store)], [Sample("train-1", ("a",), "y.jpg")])


def test_a_folder_that_is_no_store_and_a_store_named_twice_are_refused(store: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        read_features([str(tmp_path / "nothing")], SAMPLES)
    with pytest.raises(UsageError, match="twice"):
        read_features([str(store), str(store)], SAMPLES)


def test_features_of_another_encoder_or_other_views_are_refused(store: Path, tmp_path: Path) -> None:
    trained = read(store).stores
    check_stores(read(store), trained)
    other = write_features(tmp_path / "other", SAMPLES, VIEWS, 2, encoder="another")
    with pytest.raises(IndexMismatch, match=r"another encoder or other views .*whole, regions"):
        check_stores(read(other), trained)
    fewer = write_features(tmp_path / "fewer", SAMPLES, {"whole": VIEWS["whole"]}, 2)
    with pytest.raises(IndexMismatch, match="regions"):
        check_stores(read(fewer), trained)
    with pytest.raises(UsageError, match="0 feature stores, the expert was trained with 1"):
        check_stores(None, trained)


def test_pictures_of_others_are_never_the_sample_s_own_row_and_none_leaves_nothing(store: Path) -> None:
    features = read(store)
    shuffled = features.of_others(seed=1)
    assert sorted(shuffled.rows[:, 0].tolist()) == sorted(features.rows[:, 0].tolist())
    assert not torch.equal(shuffled.rows, features.rows)
    assert torch.equal(shuffled.rows, features.of_others(seed=1).rows)
    assert not features.without_pictures().read_rows([0, 1, 3]).present.any()
