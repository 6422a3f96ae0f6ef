"""The text index as a folder: what it holds, what damage does to it, and builds that fail."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import pytest

from indexer.search import SearchParams
from indexer.text import PRESETS, Bm25Searcher, Preset, build_bm25
from indexer.text.jvm import java_class
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, StoreError, UsageError
from tests.support.index_folders import write_sentences

pytestmark = pytest.mark.integration

TEXTS = [f"Sentence {n} has words such as w{n} and w{n % 7}." for n in range(50)]


def test_the_index_holds_ids_and_no_text(tmp_path: Path) -> None:
    shard = write_sentences(tmp_path / "s.parquet", ["Zyzzyva is a weevil", "Quokkas smile"], title="Xylograph")
    build_bm25([shard], tmp_path / "bm25")
    stored = (tmp_path / "bm25" / "_0.fdt").read_bytes()
    assert b"#0" in stored
    assert not any(word in stored for word in (b"yzzyva", b"weevil", b"ylograph"))
    assert not list((tmp_path / "bm25").glob("*.pos")), "BM25 reads no positions"
    assert not (tmp_path / "bm25" / "write.lock").exists()


def test_a_second_build_is_as_the_first(tmp_path: Path) -> None:
    shard = write_sentences(tmp_path / "s.parquet", [*TEXTS, *TEXTS])
    for name in ("one", "two"):
        build_bm25([shard], tmp_path / name)
    one, two = (Bm25Searcher(tmp_path / name, PRESETS["more"]) for name in ("one", "two"))
    assert list(one.doc_ids()) == list(two.doc_ids())
    assert one.search(TEXTS, SearchParams(100)) == two.search(TEXTS, SearchParams(100))


def test_an_empty_index_has_no_hit(tmp_path: Path) -> None:
    section = build_bm25([write_sentences(tmp_path / "s.parquet", [])], tmp_path / "bm25")
    searcher = Bm25Searcher(tmp_path / "bm25", PRESETS["more"])
    assert (section["documents"], searcher.search(["a"], SearchParams(3))) == (0, [[]])
    assert list(searcher.doc_ids()) == []


def test_an_explanation_ends_in_the_score(tmp_path: Path) -> None:
    build_bm25([write_sentences(tmp_path / "s.parquet", TEXTS)], tmp_path / "bm25")
    searcher = Bm25Searcher(tmp_path / "bm25", PRESETS["more"])
    best = searcher.search(["w3 words"], SearchParams(1))[0][0]
    text = searcher.explain("w3 words", best.doc_id)
    assert float(text.split(" ", 1)[0]) == pytest.approx(best.score, abs=1e-4)
    assert "idf, computed as log(1 + (N - n + 0.5) / (n + 0.5))" in text
    other = next(doc_id for doc_id in searcher.doc_ids() if doc_id != best.doc_id)
    assert searcher.explain("w3", other).startswith("0.0 = no matching term")
    assert "no sentence" in searcher.explain("w3", "9#9#9") and "no sentence" in searcher.explain("w3", other + "9")


def test_an_unknown_preset_or_analyzer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more, anserini"):
        build_bm25([], tmp_path / "bm25", "best")
    build_bm25([write_sentences(tmp_path / "s.parquet", ["a"])], tmp_path / "bm25")
    with pytest.raises(IndexMismatch, match="no analyzer 'klingon'"):
        Bm25Searcher(tmp_path / "bm25", Preset("klingon", 1, 1))


def test_a_folder_that_is_no_lucene_index_is_an_index_error(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        Bm25Searcher(tmp_path / "nowhere", PRESETS["more"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexCorrupt, match="no segments"):
        Bm25Searcher(tmp_path / "empty", PRESETS["more"])


@pytest.mark.parametrize("suffix", ["si", "tim", "fdt", "nvd"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
@pytest.mark.parametrize("queries", [1, 200])
def test_a_damaged_file_is_an_index_error_and_no_crash(suffix: str, damage: str, queries: int, tmp_path: Path) -> None:
    build_bm25([write_sentences(tmp_path / "s.parquet", TEXTS)], tmp_path / "bm25")
    file = next((tmp_path / "bm25").glob(f"*.{suffix}"))
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(data[: len(data) // 2] if damage == "cut" else b"\xff" * len(data))
    with pytest.raises(IndexCorrupt, match="build the index again"):
        Bm25Searcher(tmp_path / "bm25", PRESETS["more"]).search([TEXTS[0]] * queries, SearchParams(10))


def test_a_build_that_fails_leaves_the_old_index_and_can_be_repeated(tmp_path: Path) -> None:
    shard = write_sentences(tmp_path / "s.parquet", ["a", "b"])
    build_bm25([shard], tmp_path / "bm25")
    bad = tmp_path / "bad.parquet"
    shutil.copyfile(shard, bad)
    with open(bad, "r+b") as file:
        file.seek(4)
        file.write(b"\xff" * 40)
    with pytest.raises((IndexCorrupt, StoreError)):
        build_bm25([shard, bad], tmp_path / "bm25")
    assert Bm25Searcher(tmp_path / "bm25", PRESETS["more"]).documents == 2
    assert build_bm25([shard, shard], tmp_path / "bm25")["documents"] == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.parquet", "bm25", "s.parquet"]


def test_a_disk_that_takes_no_more_is_told_and_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    shard = write_sentences(tmp_path / "s.parquet", (f"word{number} again" for number in range(5_000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    java_class("java.lang.String")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"bm25: the text index cannot be written .*Remedy: free disk space"):
            build_bm25([shard], tmp_path / "bm25")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]
    assert build_bm25([shard], tmp_path / "bm25")["documents"] == 5_000


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    shard = write_sentences(tmp_path / "s.parquet", ["a"])
    with pytest.raises(StoreError, match="choose a folder that you may write to"):
        build_bm25([shard], shard / "bm25")
