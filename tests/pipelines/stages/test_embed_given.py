"""The embed stage with given vectors: each file gets its own at length 1, or the reason why it cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.images import make_vector_source
from pipelines.stages.embed_given import name_encoder, take_shard
from pipelines.stages.results import EmbedResult
from pipelines.storage import WorkFolder
from schemas.errors import UsageError
from tests.support.given_vectors import NAMES, ROWS, fixed
from tests.support.given_vectors import write_vectors as write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def taken(spec: str, work: Path, names: list[str] = NAMES) -> tuple[EmbedResult, dict[str, Any], dict[str, str]]:
    """Return the result of a shard, the vectors and the reasons of rejects by file."""
    source = make_vector_source(spec.removeprefix("vectors:"))
    source.open()
    source.describe()
    result = take_shard(0, 0, names, source, WorkFolder(work))
    rows = pq.read_table(work / "ready" / "embeddings").to_pylist()
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    rejects = pq.read_table(work / "ready" / "rejects").to_pylist()
    reasons = {r["id"]: r["detail"].partition(":")[0] if r["reason"] == "missing" else r["reason"] for r in rejects}
    images = result.images
    assert images.files == images.embedded + images.missing + images.broken == len(names)
    return result, {row["file"]: row for row in rows}, reasons


FORMS = {
    "fixed": fixed(ROWS),
    "half": fixed(ROWS.astype(np.float16)),
    "lists of doubles": pa.array(ROWS.astype(np.float64).tolist(), pa.list_(pa.float64())),
    "large lists": pa.array(ROWS.tolist(), pa.large_list(pa.float32())),
}


@pytest.mark.parametrize("form", [*FORMS, "numpy", "clip-retrieval"])
def test_every_form_gives_each_file_its_own_vector_at_length_one(form: str, tmp_path: Path) -> None:
    if form in FORMS:
        spec = write(tmp_path / "e.parquet", FORMS[form])
    else:
        folders = {"numpy": (".", "e"), "clip-retrieval": ("metadata", "metadata_0")}
        write(tmp_path / folders[form][0] / f"{folders[form][1]}.parquet", [None] * 7)
        path = tmp_path / ("e.npy" if form == "numpy" else "img_emb/img_emb_0.npy")
        path.parent.mkdir(exist_ok=True)
        np.save(path, ROWS.astype(np.float16))
        spec = f"vectors:{path}"
    result, rows, _ = taken(spec, tmp_path / "work", [*NAMES[::-1], "Absent.jpg"])
    assert result.outcomes["images_embedded_by_source"] == {spec: 7}
    assert result.outcomes["images_missing_by_reason"] == {"not_found": 1}
    assert result.images.scaled == 7 and result.images.encoded == 0
    for name, vector in zip(NAMES, ROWS, strict=True):
        assert np.allclose(rows[name]["vector"], vector / np.linalg.norm(vector), atol=1e-3), name
        assert np.linalg.norm(rows[name]["vector"]) == pytest.approx(1, abs=1e-6)
        assert (rows[name]["sha256"], rows[name]["width"], rows[name]["source"]) == ("", 0, spec)


def test_unit_vectors_in_half_precision_do_not_count_as_scaled(tmp_path: Path) -> None:
    unit = (ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)).astype(np.float16)
    result, _, _ = taken(write(tmp_path / "e.parquet", fixed(unit)), tmp_path / "work")
    assert result.images.scaled == 0


def test_what_is_wrong_with_a_vector_is_its_reason_and_touches_no_other(tmp_path: Path) -> None:
    bad: list[list[float | None] | None] = [
        ROWS[0].tolist(), None, [1.0, float("nan"), 0, 0], [1e39, 0, 0, 0], [0.0] * 4, [1.0] * 5, [1.0, None, 0, 0],
    ]  # fmt: skip
    spec = write(tmp_path / "e.parquet", pa.array(bad, pa.list_(pa.float64())))
    result, rows, reasons = taken(spec, tmp_path / "work")
    assert list(rows) == ["P 0.jpg"]
    assert reasons == {
        "P 1.jpg": "no_vector", "P 2.jpg": "not_finite", "P 3.jpg": "not_finite", "P 4.jpg": "no_direction",
        "P 5.jpg": "wrong_length", "P 6.jpg": "not_finite",
    }  # fmt: skip
    assert result.outcomes["images_broken_by_reason"] == {"not_finite": 3, "no_direction": 1, "wrong_length": 1}
    assert result.outcomes["images_broken_by_source"] == {spec: 5}


def test_the_encoder_of_vectors_must_be_named_and_fit() -> None:
    for spec, problem in ((None, "needs --encoder"), ("other: ", "names no encoder"), ("resnet50", "names no image")):
        with pytest.raises(UsageError, match=problem):
            name_encoder(spec, 2048)
    assert name_encoder("other:resnet50", 2048) == ("other:resnet50", "other:resnet50")
