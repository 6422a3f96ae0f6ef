"""Vectors that others made: found by name in Parquet and NumPy files, refused with a reason where wrong."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.images import Missing
from pipelines.images.given_vectors import VectorFiles, make_vector_source
from schemas.errors import InputError
from tests.support.given_vectors import NAMES, ROWS, fixed
from tests.support.given_vectors import write_vectors as write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def open_source(spec: str) -> VectorFiles:
    source = make_vector_source(spec.removeprefix("vectors:"))
    source.open()
    return source


def test_a_name_that_comes_again_has_its_first_vector_and_is_counted(tmp_path: Path) -> None:
    """In one row group, in one file, and in two."""
    write(tmp_path / "a.parquet", fixed(ROWS[:5]), ["P 0.jpg", "P 0.jpg", "P 1.jpg", "P 2.jpg", "P 0.jpg"])
    write(tmp_path / "b.parquet", fixed(ROWS[5:]), ["P 1.jpg", "P 3.jpg"])
    source = open_source(f"vectors:{tmp_path}/*.parquet")
    described = source.describe()
    assert (described["files"], described["repeated_names"], described["dim"]) == (4, 3, 4)
    found = dict(source.vectors(NAMES[:4]))
    for name, row in zip(NAMES[:4], (0, 2, 3, 6), strict=True):
        assert np.array_equal(found[name], ROWS[row]), name


def test_files_are_read_in_the_order_in_which_they_lie(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "e.parquet", fixed(ROWS), NAMES[::-1]))
    assert [file for file, _ in source.vectors(["Absent.jpg", *NAMES])] == ["Absent.jpg", *NAMES[::-1]]


def test_another_column_can_be_named(tmp_path: Path) -> None:
    spec = write(tmp_path / "e.parquet", fixed(ROWS), column="clip_l14")
    with pytest.raises(InputError, match="are not vectors and names") as raised:
        open_source(spec)
    assert "?column=NAME" in (raised.value.remedy or "")
    source = open_source(f"{spec}?column=clip_l14")
    assert source.describe()["dim"] == 4 and source.spec == f"{spec}?column=clip_l14"
    assert not isinstance(dict(source.vectors(["P 3.jpg"]))["P 3.jpg"], Missing)


@pytest.mark.parametrize(
    "vectors", [list(range(7)), [b"1234"] * 7, [[1, 2]] * 7, [["a"]] * 7, [[[1.0]]] * 7, ["[1.0, 2.0]"] * 7]
)
def test_columns_that_hold_no_floats_are_refused(vectors: list[Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are not vectors and names"):
        open_source(write(tmp_path / "e.parquet", vectors))


def test_files_of_two_lengths_and_files_without_a_vector_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", fixed(ROWS))
    write(tmp_path / "b.parquet", fixed(ROWS[:, :3].copy()), [f"Q{name}" for name in NAMES])
    with pytest.raises(InputError, match=r"vectors of 3 components, in .*a\.parquet of 4"):
        open_source(f"vectors:{tmp_path}/*.parquet").describe()
    with pytest.raises(InputError, match="no vector"):
        open_source(write(tmp_path / "n" / "none.parquet", pa.array([None] * 7, pa.list_(pa.float32())))).describe()


def test_a_giant_list_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.images.vector_files._MAX_GROUP_VALUES", 1_000)
    spec = write(tmp_path / "e.parquet", pa.array([[0.5] * 900] * 7, pa.list_(pa.float32())), compression="zstd")
    with pytest.raises(InputError, match="row group of 2700 numbers"):
        open_source(spec)


def test_a_long_vector_is_refused_by_its_length(tmp_path: Path) -> None:
    rows = pa.array([[0.5] * 70_000, *ROWS[1:].tolist()], pa.list_(pa.float32()))
    source = open_source(write(tmp_path / "e.parquet", rows))
    with pytest.raises(InputError, match="vectors of 70000 components"):
        source.describe()
    found = dict(source.vectors(["P 0.jpg"]))["P 0.jpg"]
    assert isinstance(found, Missing) and found.reason == "too_large"


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        (np.zeros((7, 4), np.int32), "are no vectors"),
        (np.zeros(28, np.float32), "are no vectors"),
        (np.zeros((6, 4), np.float32), "6 vectors, and 7 names"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'", "not a readable NumPy file"),
        (np.array([{}], object), "not a readable NumPy file"),
    ],
)
def test_numpy_files_that_do_not_fit_are_refused(matrix: Any, problem: str, tmp_path: Path) -> None:
    write(tmp_path / "e.parquet", [None] * 7)
    if isinstance(matrix, bytes):
        (tmp_path / "e.npy").write_bytes(matrix)
    else:
        np.save(tmp_path / "e.npy", matrix)
    with pytest.raises(InputError, match=problem):
        open_source(f"vectors:{tmp_path}/e.npy")


def test_names_that_change_beside_a_numpy_file_are_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", ROWS)
    write(tmp_path / "e.parquet", [None] * 7)
    assert open_source(f"vectors:{tmp_path}/e.npy").describe()["files"] == 7
    write(tmp_path / "e.parquet", [None] * 7, [f"Other {name}" for name in NAMES])
    found = dict(open_source(f"vectors:{tmp_path}/e.npy").vectors(["P 0.jpg", "Other P 0.jpg"]))
    assert isinstance(found["P 0.jpg"], Missing) and np.array_equal(found["Other P 0.jpg"], ROWS[0])


@pytest.mark.parametrize("name", ["e.parquet", "e.npy"])
def test_mutated_files_are_refused_or_give_vectors_or_reasons(name: str, tmp_path: Path) -> None:
    """Of a Parquet file only the pages are changed: what is wrong in the footer, Arrow refuses."""
    rows = np.random.default_rng(1).standard_normal((40, 8))
    names = [f"P {number}.jpg" for number in range(40)]
    write(tmp_path / "e.parquet", [None] * 40 if name == "e.npy" else pa.array(rows.tolist()), names)
    np.save(tmp_path / "e.npy", rows)
    data = (tmp_path / name).read_bytes()
    end = len(data) - 4_000 if name == "e.parquet" else 600
    outcomes = {"refused": 0, "opened": 0}
    for seed in range(60):
        chance, body = random.Random(seed), bytearray(data)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(4, end)
            new = chance.choice([b"\xff" * 4, chance.randbytes(9)])
            body[at : at + len(new)] = new
        (tmp_path / name).write_bytes(body)
        os.utime(tmp_path / name, ns=(seed, seed))
        source = make_vector_source(f"{tmp_path}/{name}")
        try:
            source.open()
            source.describe()
        except InputError:
            outcomes["refused"] += 1
            continue
        outcomes["opened"] += 1
        assert {file for file, found in source.vectors(names) if isinstance(found, (np.ndarray, Missing))} == set(names)
    assert min(outcomes.values()) > 3, outcomes
