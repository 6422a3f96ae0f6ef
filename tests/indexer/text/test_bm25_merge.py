"""Text indexes of shards, merged: equal in hits, scores and order to one build of everything."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.retrieval_quality import read_questions
from indexer.search import SearchParams
from indexer.text import PRESETS, Bm25Searcher, build_bm25, merge_bm25
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.tables import SENTENCES
from tests.support.index_folders import write_sentences

pytestmark = pytest.mark.integration

QUERIES = [question.question for question in read_questions()]


def build_shards(folder: Path, texts: list[list[str]], preset: str = "more") -> list[Path]:
    """Build an index of each shard; page ids tell the shards apart."""
    for number, shard_texts in enumerate(texts):
        shard = write_sentences(folder / f"{number}.parquet", shard_texts, page_id=number)
        build_bm25([shard], folder / f"bm25-{number}", preset)
    return [folder / f"bm25-{number}" for number in range(len(texts))]


@pytest.mark.parametrize("preset", ["more", "anserini"])
def test_a_merged_index_is_that_of_one_build_of_real_sentences(preset: str, slice_index: Path, tmp_path: Path) -> None:
    table = pq.read_table(slice_index / "sentences").cast(SENTENCES)
    table = table.take(list(range(0, table.num_rows, 5)))
    cuts = [0, 7, 1200, 1200, 2600, table.num_rows]
    assert table.num_rows > 4000, "the third shard is empty, the others have very different words"
    files = []
    for number, (first, last) in enumerate(pairwise(cuts)):
        files.append(tmp_path / f"{number}.parquet")
        pq.write_table(table.slice(first, last - first), files[-1])
        build_bm25([files[-1]], tmp_path / f"bm25-{number}", preset)
    single = build_bm25(files, tmp_path / "single", preset)
    merged = merge_bm25([tmp_path / f"bm25-{number}" for number in range(len(files))], tmp_path / "merged", preset)
    assert merged == single
    one, other = (Bm25Searcher(tmp_path / name, PRESETS[preset]) for name in ("single", "merged"))
    for boost in (0.0, 2.0):
        params = SearchParams(50, title_boost=boost)
        assert other.search(QUERIES, params) == one.search(QUERIES, params)
    assert list(other.doc_ids()) == list(one.doc_ids()) == table["sentence_id"].to_pylist()
    assert len(list((tmp_path / "merged").glob("*.si"))) == 1


def test_equal_scores_keep_the_order_of_the_shards(tmp_path: Path) -> None:
    shards = build_shards(tmp_path, [["same words", "other"], ["same words"] * 3, ["else", "same words"]])
    merge_bm25(shards, tmp_path / "merged")
    hits = Bm25Searcher(tmp_path / "merged", PRESETS["more"]).search(["same"], SearchParams(10))[0]
    assert [hit.doc_id for hit in hits] == ["0#0#0", "1#0#0", "1#0#1", "1#0#2", "2#0#1"]
    assert len({hit.score for hit in hits}) == 1


def test_merging_twice_and_merging_merged_indexes_gives_the_same(tmp_path: Path) -> None:
    shards = build_shards(tmp_path, [[f"w{n} w{n % 3} shard{s}" for n in range(30 + s)] for s in range(4)])
    merge_bm25(shards, tmp_path / "all")
    merge_bm25(shards[:2], tmp_path / "left")
    merge_bm25([tmp_path / "left", *shards[2:]], tmp_path / "steps")
    merge_bm25(shards, tmp_path / "all")
    one, other = (Bm25Searcher(tmp_path / name, PRESETS["more"]) for name in ("all", "steps"))
    queries = ["w1 w2", "shard3 w29", "shard0"]
    assert other.search(queries, SearchParams(200)) == one.search(queries, SearchParams(200))


def test_no_shards_and_empty_shards_merge_to_an_empty_index(tmp_path: Path) -> None:
    shards = build_shards(tmp_path, [[], []])
    for folders in ([], shards):
        assert merge_bm25(folders, tmp_path / "merged")["documents"] == 0
        assert Bm25Searcher(tmp_path / "merged", PRESETS["more"]).search(["a"], SearchParams(3)) == [[]]


def test_shards_that_do_not_fit_are_refused_and_the_old_index_stays(tmp_path: Path) -> None:
    (shard,) = build_shards(tmp_path, [["a b"]])
    merge_bm25([shard], tmp_path / "merged")
    with pytest.raises(IndexMismatch, match="analyzer standard, english is expected"):
        merge_bm25([shard], tmp_path / "merged", "anserini")
    with pytest.raises(IndexNotFound):
        merge_bm25([shard, tmp_path / "nowhere"], tmp_path / "merged")
    with pytest.raises(UsageError, match="no BM25 preset"):
        merge_bm25([shard], tmp_path / "merged", "best")
    next(shard.glob("segments_*")).write_bytes(b"nothing")
    with pytest.raises(IndexCorrupt, match="Lucene cannot read it"):
        merge_bm25([shard], tmp_path / "merged")
    assert Bm25Searcher(tmp_path / "merged", PRESETS["more"]).documents == 1
    assert not list(tmp_path.glob(".*")), "nothing half-made is left"
