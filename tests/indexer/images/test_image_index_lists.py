"""The image index in lists: the bytes that Faiss itself would write, made in parts, with the recall it states."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from indexer.images import INDEX_NAME, DenseSearcher, build_dense, build_dense_part, merge_dense, plan_dense
from indexer.images import build as dense_build
from indexer.images.plan import read_plan
from indexer.images.searcher import IDS_NAME
from indexer.search import SearchParams
from schemas.errors import IndexCorrupt
from tests.indexer.images.test_image_index import DIM, ENCODER, brute_force, unit_rows, write_embeddings, write_images

pytestmark = pytest.mark.integration

ROWS, PARTS = 3000, 4
NAMES = [f"Photo {n:05d}.jpg" for n in np.random.default_rng(1).permutation(ROWS)]


def clustered_rows(rows: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around 40 directions, as pictures lie around their subjects."""
    dice = np.random.default_rng(seed)
    subjects = unit_rows(40, seed=99)
    vectors = subjects[dice.integers(0, 40, rows)] + 0.15 * dice.standard_normal((rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class Collection:
    """Embeddings in shards and the articles that use them; every fiftieth file is used by none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vectors = clustered_rows(ROWS)
        cuts = np.array_split(np.arange(ROWS), PARTS)
        self.shards = [
            write_embeddings(folder / f"e{n}.parquet", [NAMES[i] for i in cut], self.vectors[cut])
            for n, cut in enumerate(cuts)
        ]
        self.used = {name: n for n, name in enumerate(NAMES) if n % 50}
        uses = [(name, n) for name, n in self.used.items()] + [(NAMES[1], 5), (NAMES[1], 1)]
        self.images = [write_images(folder / "i.parquet", uses)]

    def build(self, name: str = "faiss") -> dict[str, Any]:
        return build_dense(self.shards, self.images, self.folder / name, **ENCODER)

    def files(self, name: str = "faiss") -> list[bytes]:
        return [(self.folder / name / file).read_bytes() for file in (INDEX_NAME, IDS_NAME)]


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setattr("indexer.images.plan.FLAT_BELOW", 1000)
    return Collection(tmp_path)


def test_many_vectors_lie_in_lists_and_the_stated_recall_is_that_of_brute_force(collection: Collection) -> None:
    about = collection.build()
    searcher = DenseSearcher(collection.folder / "faiss")
    assert {**about, "recall_at_10": 0, "nprobe": 0, "bytes_per_vector": 0} == {
        **ENCODER, "dim": DIM, "metric": "inner_product", "kind": "ivf_fp16", "factory": "IVF128,SQfp16", "nlist": 128,
        "nprobe": 0, "vectors": 2940, "unused_vectors": 60, "recall_at_10": 0, "recall_queries": 400,
        "bytes_per_vector": 0,
    }  # fmt: skip
    assert 0.99 <= about["recall_at_10"] <= 1
    assert 1 < about["nprobe"] == searcher.header.nprobe < 128, "the lists are of use"
    names = list(collection.used)
    vectors = collection.vectors[[collection.used[name] for name in names]]
    found = 0
    queries = clustered_rows(200, seed=5)
    for query, hits in zip(queries, searcher.search(queries, SearchParams(10)), strict=True):
        best = brute_force(vectors, names, query, 10)
        scores = dict(brute_force(vectors, names, query, len(names)))
        assert all(hit.score == pytest.approx(scores[hit.doc_id], abs=1e-5) for hit in hits)
        found += len({hit.doc_id for hit in hits} & {name for name, _ in best})
    assert found / 2000 == pytest.approx(about["recall_at_10"], abs=0.012)
    assert searcher.page_ids(NAMES[1]) == [1, 5]
    assert searcher.page_ids(NAMES[0]) == []


def test_the_file_is_what_faiss_writes_itself(collection: Collection) -> None:
    import faiss

    about = collection.build()
    plan_dense(collection.shards, collection.folder / "plan.npz")
    plan = read_plan(collection.folder / "plan.npz")
    coarse = faiss.IndexFlatIP(DIM)
    coarse.add(plan.centroids)
    theirs = faiss.IndexIVFScalarQuantizer(
        coarse, DIM, about["nlist"], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    theirs.is_trained = True
    theirs.nprobe = about["nprobe"]
    order = sorted(collection.used)
    theirs.add(collection.vectors[[collection.used[name] for name in order]])
    assert collection.files()[0] == faiss.serialize_index(theirs).tobytes()
    read = faiss.read_index(str(collection.folder / "faiss" / INDEX_NAME))
    assert read.metric_type == faiss.downcast_index(read.quantizer).metric_type == faiss.METRIC_INNER_PRODUCT


def test_parts_merge_in_any_order_to_the_bytes_of_one_build(collection: Collection) -> None:
    about = collection.build()
    plan = collection.folder / "plan.npz"
    plan_dense(collection.shards, plan)
    parts = [collection.folder / f"part-{n}" for n in range(PARTS)]
    for part, shard in zip(parts, collection.shards, strict=True):
        build_dense_part(shard, plan, part)
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        merged = merge_dense(
            [parts[n] for n in order], collection.images, plan, collection.folder / "merged", **ENCODER
        )
        assert merged == about
        assert collection.files("merged") == collection.files()


def test_an_interrupted_build_goes_on_with_its_parts(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    collection.build("whole")
    made: list[str] = []

    def make(shard: Path, trained: Path, part: Path) -> None:
        if len(made) == 2:
            made.append("killed")
            raise KeyboardInterrupt
        made.append(shard.name)
        build_dense_part(shard, trained, part)

    monkeypatch.setattr(dense_build, "build_dense_part", make)
    with pytest.raises(KeyboardInterrupt):
        collection.build()
    assert not (collection.folder / "faiss").exists()
    collection.build()
    assert made == ["e0.parquet", "e1.parquet", "killed", "e2.parquet", "e3.parquet"]
    assert collection.files() == collection.files("whole")
    assert not list(collection.folder.glob(".*"))


def test_parts_of_other_shards_are_made_again(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dense_build, "merge_dense", stop)
        with pytest.raises(KeyboardInterrupt):
            collection.build()
    cut = range(2 * ROWS // PARTS, 3 * ROWS // PARTS)
    collection.vectors[cut] = clustered_rows(len(cut), seed=77)
    write_embeddings(collection.shards[2], [NAMES[n] for n in cut], collection.vectors[cut])
    collection.build()
    name = NAMES[cut[1]]
    hit = DenseSearcher(collection.folder / "faiss").search(collection.vectors[[cut[1]]], SearchParams(1))[0][0]
    assert (hit.doc_id, hit.score) == (name, pytest.approx(1, abs=1e-3))


def test_a_build_whose_plan_is_lost_begins_again(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    collection.build("whole")

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dense_build, "merge_dense", stop)
        with pytest.raises(KeyboardInterrupt):
            collection.build()
    (collection.folder / ".faiss.parts" / dense_build.PLAN_NAME).unlink()
    collection.build()
    assert collection.files() == collection.files("whole")


def test_more_hits_than_the_lists_hold_are_found_in_all_lists(collection: Collection) -> None:
    collection.build()
    searcher = DenseSearcher(collection.folder / "faiss")
    query = collection.vectors[:1]
    for k in (500, 2940, 10**9):
        hits = searcher.search(query, SearchParams(k))[0]
        assert len({hit.doc_id for hit in hits}) == min(k, 2940)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_copies_of_a_picture_do_not_count_against_the_recall(collection: Collection) -> None:
    copies = np.repeat(clustered_rows(100, seed=3), 15, axis=0)
    shard = write_embeddings(collection.folder / "c.parquet", NAMES[:1500], copies)
    about = build_dense([shard], collection.images, collection.folder / "faiss", **ENCODER)
    assert (about["kind"], about["recall_at_10"] >= 0.99) == ("ivf_fp16", True)


def test_foreign_and_damaged_lists_never_reach_faiss(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    collection.build()
    path = collection.folder / "faiss" / INDEX_NAME
    good = path.read_bytes()
    rows = clustered_rows(400)
    damaged = []
    for words, metric in (
        ("IVF4,SQfp16", faiss.METRIC_L2),
        ("IVF4,SQfp16", faiss.METRIC_INNER_PRODUCT),  # by residual
        ("IVF4,SQ8", faiss.METRIC_INNER_PRODUCT),
        ("IVF4,Flat", faiss.METRIC_INNER_PRODUCT),
        ("IVF4,PQ4x4fs,Refine(SQfp16)", faiss.METRIC_INNER_PRODUCT),
    ):
        index = faiss.index_factory(DIM, words, metric)
        index.train(rows)
        index.add(rows)
        damaged.append(faiss.serialize_index(index).tobytes())
    damaged += [good[:n] for n in (60, 100, 5000, len(good) - 1)] + [good + b"\0"]
    ends = len(good) - 2940 * (2 * DIM + 8)
    for at, form, values in (
        (8, "<q", (-1, 2941, 2**62)),  # vectors
        (37, "<Q", (0, 127, 129, 2**60)),  # lists
        (45, "<Q", (0, 129, 2**63)),  # lists searched
        (57, "<q", (127, 2**61)),  # centroids
        (ends - 8, "<Q", (2**62, 2**64 - 1)),  # the size of the last list
        (ends - 128 * 8 - 8, "<Q", (127, 2**60)),  # sizes
    ):
        damaged += [good[:at] + struct.pack(form, n) + good[at + 8 :] for n in values]

    def explode(*_: Any) -> None:
        raise AssertionError("Faiss was given a foreign file")

    monkeypatch.setattr(faiss, "read_index", explode)
    for number, data in enumerate(damaged):
        path.write_bytes(data)
        with pytest.raises(IndexCorrupt):
            DenseSearcher(collection.folder / "faiss")
            pytest.fail(f"damage {number} was not seen")


def test_an_id_that_no_vector_has_is_a_corrupt_index(collection: Collection) -> None:
    collection.build()
    path = collection.folder / "faiss" / INDEX_NAME
    data = bytearray(path.read_bytes())
    data[-8:] = struct.pack("<q", 2940)
    path.write_bytes(data)
    with pytest.raises(IndexCorrupt, match="a vector that is not there"):
        DenseSearcher(collection.folder / "faiss").search(clustered_rows(1), SearchParams(2940))


def test_parts_of_another_plan_and_twice_the_same_file_are_refused(collection: Collection) -> None:
    plans = [collection.folder / f"{n}.npz" for n in range(2)]
    plan_dense(collection.shards, plans[0])
    plan_dense(collection.shards[:2], plans[1])
    build_dense_part(collection.shards[0], plans[0], collection.folder / "part")
    out = collection.folder / "faiss"
    with pytest.raises(IndexCorrupt, match="another plan"):
        merge_dense([collection.folder / "part"], collection.images, plans[1], out, **ENCODER)
    with pytest.raises(IndexCorrupt, match=r"e0\.parquet, Photo \d+\.jpg: a file has two vectors"):
        merge_dense([collection.folder / "part"] * 2, collection.images, plans[0], out, **ENCODER)
    with pytest.raises(IndexCorrupt, match="not a part"):
        merge_dense([collection.folder / "nowhere"], collection.images, plans[0], out, **ENCODER)
    with pytest.raises(IndexCorrupt, match="not the plan"):
        merge_dense([collection.folder / "part"], collection.images, collection.shards[0], out, **ENCODER)
    assert not out.exists()
    assert pq.read_table(collection.folder / "part" / "files.parquet").num_rows == ROWS // PARTS
