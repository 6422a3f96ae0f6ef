"""Arrays of others in a store: vectors stay beside their boxes, and what is damaged takes no place of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from indexer.features.arrays import import_arrays
from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.feature_store import read_feature_samples, read_view
from schemas.records import Sample


def data_set(folder: Path, *images: str) -> Path:
    rows = [Sample(f"test-{number}", ("x",), image) for number, image in enumerate(images, start=1)]
    write_dataset(folder / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    return folder / "set"


def save_vinvl(path: Path, boxes: list[list[float]], values: object) -> None:
    names = ["thing"] * len(boxes)
    np.savez(
        path,
        bounding_boxes=np.array(boxes, np.float32),
        box_features=np.array(values, np.float32),
        objects=names,
        scores=np.linspace(0.9, 0.5, len(boxes)),
        image_w=100,
        image_h=50,
    )


def test_vinvl_vectors_stay_beside_their_boxes(tmp_path: Path) -> None:
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    save_vinvl(arrays / "a.jpg.npz", [[0, 0, 9, 9], [9, 9, 0, 0], [1, 1, 8, 8]], [[1, 1], [2, 2], [3, 3]])
    save_vinvl(arrays / "b.jpg.npz", [[0, 0, 9, 9], [1, 1, 8, 8]], [[np.nan, 4], [5, 5]])
    save_vinvl(arrays / "other.jpg.npz", [[0, 0, 9, 9]], [[6, 6]])
    save_vinvl(arrays / "wide.jpg.npz", [[0, 0, 9, 9]], [[7, 7, 7]])
    (arrays / "cut.jpg.npz").write_bytes(b"PK")
    samples = data_set(tmp_path, "a.jpg", "b.jpg", "wide.jpg", "cut.jpg", "none.jpg", "a.jpg")
    info = import_arrays(arrays, samples, tmp_path / "store", encoder="vinvl")
    table = read_view(tmp_path / "store", "given", 2).to_pydict()
    rows = {name: row for name, (_, row, _) in read_feature_samples(tmp_path / "store").items()}
    assert table["values"][rows["test-1"]] == [[1.0, 1.0], [3.0, 3.0]]
    assert table["boxes"][rows["test-1"]] == [[0.0, 0.0, 9.0, 9.0], [1.0, 1.0, 8.0, 8.0]]
    assert table["values"][rows["test-2"]] == [[5.0, 5.0]]
    assert table["values"][rows["test-3"]] == table["values"][rows["test-4"]] == []
    assert rows["test-5"] == -1
    assert rows["test-6"] == rows["test-1"]
    assert (table["width"][rows["test-1"]], table["height"][rows["test-1"]]) == (100, 50)
    assert info.counts["vectors_not_finite"] == 1
    assert info.counts["regions_swapped"] == 1
    assert info.counts["vectors_other_size"] == 1
    assert info.counts["pictures_unreadable"] == 1
    assert info.counts["samples_missing_image"] == 1
    named = {row["id"] for row in pq.read_table(tmp_path / "store" / "rejects.parquet").to_pylist()}
    assert named == {"a.jpg, box 2", "b.jpg", "wide.jpg", "cut.jpg"}


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 4)])
def test_one_array_is_divided_by_its_names(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    np.save(tmp_path / "vectors.npy", values)
    (tmp_path / "vectors.txt").write_text("b.jpg\nunknown.jpg\na.jpg\n")
    info = import_arrays(tmp_path / "vectors.npy", data_set(tmp_path, "a.jpg", "b.jpg"), tmp_path / "s", encoder="r50")
    table = read_view(tmp_path / "s", "given", 4).to_pydict()
    row = read_feature_samples(tmp_path / "s")["test-1"][1]
    assert table["values"][row] == values[2].reshape(-1, 4).tolist()
    assert info.views["given"].encoder == "r50"


def test_arrays_without_names_or_with_objects_or_of_other_pictures_are_refused(tmp_path: Path) -> None:
    samples = data_set(tmp_path, "a.jpg")
    np.save(tmp_path / "v.npy", np.zeros((2, 3)))
    with pytest.raises(InputError, match="cannot be read"):
        import_arrays(tmp_path / "v.npy", samples, tmp_path / "s1", encoder="e")
    (tmp_path / "v.txt").write_text("a.jpg\n")
    with pytest.raises(InputError, match="for 1 names"):
        import_arrays(tmp_path / "v.npy", samples, tmp_path / "s2", encoder="e")
    (tmp_path / "v.txt").write_text("b.jpg\nc.jpg\n")
    with pytest.raises(InputError, match="no array is of a picture"):
        import_arrays(tmp_path / "v.npy", samples, tmp_path / "s3", encoder="e")
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "o.txt").write_text("a.jpg\n")
    with pytest.raises(InputError, match="cannot be read"):
        import_arrays(tmp_path / "o.npy", samples, tmp_path / "s4", encoder="e")
    with pytest.raises(UsageError, match="no such arrays"):
        import_arrays(tmp_path / "absent", samples, tmp_path / "s5", encoder="e")


def test_the_real_vinvl_regions_are_imported(shared_data: Path, tmp_path: Path) -> None:
    samples = data_set(tmp_path, "111254.jpg", "153305.jpg")
    info = import_arrays(shared_data / "vinvl", samples, tmp_path / "s", encoder="vinvl")
    assert (info.views["given"].dim, info.views["given"].vectors, info.views["given"].columns) == (2048, 46, 36)
    table = read_view(tmp_path / "s", "given", 2048).to_pydict()
    assert table["names"][read_feature_samples(tmp_path / "s")["test-1"][1]][:2] == ["mouse", "sign"]
