"""The image index: equal to brute force, ids in step with vectors, and no foreign file given to Faiss."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.images import INDEX_NAME, DenseSearcher, build_dense
from indexer.images.searcher import IDS_NAME, to_hits
from indexer.search import Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, InputError, UsageError
from schemas.tables import IMAGE_IDS, IMAGES, check_table, embeddings_schema

pytestmark = pytest.mark.integration

DIM = 24
ENCODER = {"encoder": "test-encoder", "encoder_fingerprint": "f" * 64}


def unit_rows(rows: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_embeddings(path: Path, files: list[str], vectors: np.ndarray) -> Path:
    dim = vectors.shape[1]
    rows = len(files)
    table = pa.table(
        {
            "file": files,
            "vector": pa.FixedSizeListArray.from_arrays(vectors.astype(np.float32).ravel(), dim),
            "sha256": ["0" * 64] * rows,
            "width": pa.array([1] * rows, pa.int32()),
            "height": pa.array([1] * rows, pa.int32()),
            "source": ["dir:photos"] * rows,
            "page_url": [""] * rows,
        },
        schema=embeddings_schema(dim),
    )
    pq.write_table(table, path, row_group_size=100)
    return path


def write_images(path: Path, uses: list[tuple[str, int]]) -> Path:
    text = [""] * len(uses)
    columns = {"file": [file for file, _ in uses], "page_id": [page for _, page in uses]}
    columns |= dict.fromkeys(("title", "caption", "section", "intro", "thumbnail_url"), text)
    table = pa.table({**columns, "position": pa.array([0] * len(uses), pa.int32())}).select(IMAGES.names)
    pq.write_table(table.cast(IMAGES), path)
    return path


def build(tmp_path: Path, files: list[str], vectors: np.ndarray, shards: int = 3) -> DenseSearcher:
    parts = np.array_split(np.arange(len(files)), shards)
    embedding_files = [
        write_embeddings(tmp_path / f"e{n}.parquet", [files[i] for i in part], vectors[part])
        for n, part in enumerate(parts)
    ]
    images = write_images(tmp_path / "i.parquet", [(file, n) for n, file in enumerate(files)])
    build_dense(embedding_files, [images], tmp_path / "faiss", **ENCODER)
    return DenseSearcher(tmp_path / "faiss")


def brute_force(vectors: np.ndarray, files: list[str], query: np.ndarray, k: int) -> list[tuple[str, float]]:
    scores = vectors.astype(np.float16).astype(np.float64) @ query.astype(np.float64)
    order = sorted(range(len(files)), key=lambda i: (-scores[i], files[i]))[:k]
    return [(files[i], scores[i]) for i in order]


def test_search_equals_brute_force_on_the_rounded_vectors(tmp_path: Path) -> None:
    names = [f"Photo {n:04d}.jpg" for n in np.random.default_rng(1).permutation(1000)]
    vectors = unit_rows(1000)
    searcher = build(tmp_path, names, vectors)
    queries = unit_rows(50, seed=2)
    for query, hits in zip(queries, searcher.search(queries, SearchParams(k=10)), strict=True):
        expected = brute_force(vectors, names, query, 10)
        assert [hit.doc_id for hit in hits] == [file for file, _ in expected]
        assert [hit.rank for hit in hits] == list(range(1, 11))
        assert np.allclose([hit.score for hit in hits], [score for _, score in expected], atol=1e-5)


def test_each_vector_finds_its_own_file(tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(300)]
    vectors = unit_rows(300)
    hits = build(tmp_path, names, vectors).search(vectors, SearchParams(k=1))
    assert [found[0].doc_id for found in hits] == names
    assert min(found[0].score for found in hits) > 0.999


def test_order_and_bytes_do_not_depend_on_the_shards(tmp_path: Path) -> None:
    names = ["Éa.jpg", "b.jpg", "A.jpg", "Z.jpg", "\U0001f600.jpg", "\uffee.jpg"]
    vectors = unit_rows(6)
    contents = []
    for shards, order in ((1, [0, 1, 2, 3, 4, 5]), (4, [5, 3, 1, 0, 2, 4])):
        folder = tmp_path / str(shards)
        folder.mkdir()
        build(folder, [names[i] for i in order], vectors[order], shards)
        contents.append((folder / "faiss" / INDEX_NAME).read_bytes())
        assert pq.read_table(folder / "faiss" / IDS_NAME)["file"].to_pylist() == sorted(names)
    assert contents[0] == contents[1]


def test_the_manifest_section_says_what_was_built(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e.parquet", ["A.jpg", "B.jpg", "Unused.jpg"], unit_rows(3))
    images = write_images(
        tmp_path / "i.parquet", [("B.jpg", 7), ("A.jpg", 9), ("B.jpg", 3), ("B.jpg", 7), ("C.jpg", 1)]
    )
    section = build_dense([embeddings], [images], tmp_path / "faiss", **ENCODER)
    held = section.pop("bytes_per_vector") * 2 - (tmp_path / "faiss" / INDEX_NAME).stat().st_size
    assert 30 < held < 100, "names and page ids"
    assert section == {
        **ENCODER, "dim": DIM, "metric": "inner_product", "kind": "flat_fp16", "factory": "SQfp16", "nlist": 1,
        "nprobe": 1, "vectors": 2, "unused_vectors": 1, "recall_at_10": 1.0, "recall_queries": 3,
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "faiss").iterdir()) == [IDS_NAME, INDEX_NAME]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.parquet", "faiss", "i.parquet"]
    assert check_table(tmp_path / "faiss" / IDS_NAME, IMAGE_IDS) == 2
    searcher = DenseSearcher(tmp_path / "faiss", dim=DIM)
    assert [searcher.page_ids(file) for file in ("A.jpg", "B.jpg", "C.jpg", "", "Z")] == [[9], [3, 7], [], [], []]


def test_building_again_replaces_the_folder(tmp_path: Path) -> None:
    build(tmp_path, ["A.jpg", "B.jpg"], unit_rows(2), 1)
    (tmp_path / ".faiss.tmp").mkdir()
    (tmp_path / ".faiss.tmp" / "left over").write_bytes(b"")
    assert build(tmp_path, ["C.jpg"], unit_rows(1), 1).search(unit_rows(1), SearchParams())[0][0].doc_id == "C.jpg"
    assert not (tmp_path / ".faiss.tmp").exists()


def test_k_above_the_number_of_vectors_gives_them_all(tmp_path: Path) -> None:
    searcher = build(tmp_path, ["A.jpg", "B.jpg", "C.jpg"], unit_rows(3))
    for k in (3, 4, 1000, 10**9):
        assert len(searcher.search(unit_rows(1, seed=5), SearchParams(k=k))[0]) == 3
    with pytest.raises(UsageError):
        searcher.search(unit_rows(1), SearchParams(k=0))


def test_padding_ends_the_list_and_ties_go_by_name() -> None:
    positions, scores = np.array([3, 1, 0, -1, -1]), np.array([0.5, 0.5, 0.25, -3e38, -3e38], np.float32)
    assert to_hits(positions, scores, ["a", "b", "c", "d"]) == [Hit(1, 0.5, "b"), Hit(2, 0.5, "d"), Hit(3, 0.25, "a")]
    assert to_hits(np.array([-1]), np.array([0], np.float32), []) == []


def test_an_index_without_vectors_answers_with_nothing(tmp_path: Path) -> None:
    embeddings = write_embeddings(tmp_path / "e.parquet", ["A.jpg"], unit_rows(1))
    section = build_dense([embeddings], [write_images(tmp_path / "i.parquet", [])], tmp_path / "faiss", **ENCODER)
    assert section["vectors"] == 0
    assert DenseSearcher(tmp_path / "faiss").search(unit_rows(2), SearchParams()) == [[], []]


def test_queries_without_direction_or_of_another_dimension_are_refused(tmp_path: Path) -> None:
    searcher = build(tmp_path, ["A.jpg", "B.jpg"], unit_rows(2))
    assert searcher.search([], SearchParams()) == []
    for wrong in (unit_rows(1, DIM + 1), unit_rows(1, DIM - 1), unit_rows(1)[0]):
        with pytest.raises(InputError, match="dimensions"):
            searcher.search(wrong, SearchParams())
    for value in (0.0, np.nan, np.inf):
        queries = unit_rows(3)
        queries[1] = value
        with pytest.raises(InputError, match="query 1"):
            searcher.search(queries, SearchParams())


def test_vectors_that_are_not_unit_vectors_are_not_indexed(tmp_path: Path) -> None:
    for value in (0.0, np.nan, 2.0):
        vectors = unit_rows(3)
        vectors[2] = value
        with pytest.raises(IndexCorrupt, match=r"C\.jpg"):
            build(tmp_path, ["A.jpg", "B.jpg", "C.jpg"], vectors)
        assert not (tmp_path / "faiss").exists()


def test_shards_that_break_the_contract_are_refused(tmp_path: Path) -> None:
    images = write_images(tmp_path / "i.parquet", [("A.jpg", 1)])
    one = write_embeddings(tmp_path / "1.parquet", ["A.jpg"], unit_rows(1))
    again = write_embeddings(tmp_path / "2.parquet", ["A.jpg"], unit_rows(1, seed=3))
    other = write_embeddings(tmp_path / "3.parquet", ["B.jpg"], unit_rows(1, DIM + 1))
    with pytest.raises(IndexCorrupt, match="two vectors"):
        build_dense([one, again], [images], tmp_path / "faiss", **ENCODER)
    with pytest.raises(IndexCorrupt, match="columns differ"):
        build_dense([one, other], [images], tmp_path / "faiss", **ENCODER)
    with pytest.raises(IndexCorrupt):
        build_dense([images], [images], tmp_path / "faiss", **ENCODER)
    with pytest.raises(InputError, match="no embedding shard"):
        build_dense([], [images], tmp_path / "faiss", **ENCODER)


def test_another_dimension_than_the_manifest_states_is_a_mismatch(tmp_path: Path) -> None:
    build(tmp_path, ["A.jpg"], unit_rows(1), 1)
    with pytest.raises(IndexMismatch, match="24 dimensions, 512 expected"):
        DenseSearcher(tmp_path / "faiss", dim=512)


def test_absent_files_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        DenseSearcher(tmp_path)
    build(tmp_path, ["A.jpg"], unit_rows(1), 1)
    (tmp_path / "faiss" / IDS_NAME).unlink()
    with pytest.raises(IndexNotFound):
        DenseSearcher(tmp_path / "faiss")


def test_ids_that_do_not_fit_the_vectors_are_corrupt(tmp_path: Path) -> None:
    build(tmp_path, ["A.jpg", "B.jpg", "C.jpg"], unit_rows(3))
    path = tmp_path / "faiss" / IDS_NAME
    ids = pq.read_table(path)
    for broken, says in (
        (ids.slice(1), "2 ids for 3"),
        (ids.take([1, 0, 2]), "ascending"),
        (ids.take([0, 0, 2]), "asc"),
    ):
        pq.write_table(broken, path)
        with pytest.raises(IndexCorrupt, match=says):
            DenseSearcher(tmp_path / "faiss")
    path.write_bytes(b"PAR1 no")
    with pytest.raises(IndexCorrupt):
        DenseSearcher(tmp_path / "faiss")


def test_foreign_and_damaged_index_files_never_reach_faiss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    build(tmp_path, ["A.jpg", "B.jpg"], unit_rows(2), 1)
    path = tmp_path / "faiss" / INDEX_NAME
    good = path.read_bytes()
    quantizer = faiss.ScalarQuantizer
    others = [
        faiss.IndexFlatIP(DIM),
        faiss.IndexHNSWFlat(DIM, 8),
        faiss.IndexScalarQuantizer(DIM, quantizer.QT_fp16, faiss.METRIC_L2),
        faiss.IndexScalarQuantizer(DIM, quantizer.QT_bf16, faiss.METRIC_INNER_PRODUCT),
    ]
    damaged = [faiss.serialize_index(index).tobytes() for index in others]
    damaged += [b"", b"IxSQ", good[:80], good[:-1], good + b"\0", b"\0" * 200, b"PK\x03\x04" + good[4:]]
    damaged += [good[:8] + struct.pack("<q", n) + good[16:] for n in (-1, 3, 2**62)]
    damaged += [good[:4] + struct.pack("<i", n) + good[8:] for n in (0, -24, 2**30)]
    damaged += [good[:73] + struct.pack("<Q", n) + good[81:] for n in (0, 2**63)]

    def explode(_: str) -> None:
        raise AssertionError("Faiss was given a foreign file")

    monkeypatch.setattr(faiss, "read_index", explode)
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(IndexCorrupt):
            DenseSearcher(tmp_path / "faiss")
