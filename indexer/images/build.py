"""How vectors become an image index: planned on a sample, made part by part, merged in one pass over the lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.images.faiss_file import FLAT, METRIC, read_header, write_flat_head, write_ivf_head
from indexer.images.parts import Part, build_dense_part, is_current, open_part
from indexer.images.plan import Plan, read_plan, train_dense
from indexer.images.recall import choose_nprobe
from indexer.images.searcher import IDS_NAME, INDEX_NAME, DenseSearcher
from schemas.errors import IndexCorrupt
from schemas.tables import IMAGE_IDS, IMAGES, check_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["build_dense", "build_dense_part", "merge_dense", "train_dense"]

PLAN_NAME = "plan.npz"
_BATCH_ROWS = 4096
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


def build_dense(
    embedding_files: Sequence[Path],
    images_files: Sequence[Path],
    out_dir: Path,
    *,
    encoder: str,
    encoder_fingerprint: str,
) -> dict[str, Any]:
    """Write index.faiss (every vector, 16-bit floats, inner product) and ids.parquet, ordered by file name.

    Only files that an article uses are indexed. Few vectors are compared one by one; many lie in lists, of which so
    many are searched that the recall measured here is at least RECALL_WANTED. Beside a batch of vectors only names
    and page ids are held in memory. Parts stay beside the folder until it is done: a build that was interrupted goes
    on with the parts it has.

    Args:
        embedding_files: Parquet shards of ImageEmbedding, at least one.
        images_files: Parquet shards of ArticleImage.
        out_dir: the folder to make, by rename; one that exists is replaced.
        encoder: the encoder's spec.
        encoder_fingerprint: what identifies its weights.

    Returns:
        The manifest's `image_index`: see `merge_dense`.

    Raises:
        InputError: there is no embedding shard.
        IndexCorrupt: a shard differs from the contract, a file has two vectors, or a vector is not a unit vector.
    """
    work = out_dir.with_name(f".{out_dir.name}.parts")
    plan = work / PLAN_NAME
    parts = [work / f"{number:05d}" for number in range(len(embedding_files))]
    if not any(is_current(part, path, plan) for part, path in zip(parts, embedding_files, strict=True)):
        shutil.rmtree(work, ignore_errors=True)
    if not plan.exists():
        train_dense(embedding_files, plan)
    for part, path in zip(parts, embedding_files, strict=True):
        if not is_current(part, path, plan):
            build_dense_part(path, plan, part)
    about = merge_dense(parts, images_files, plan, out_dir, encoder=encoder, encoder_fingerprint=encoder_fingerprint)
    shutil.rmtree(work)
    return about


def merge_dense(
    parts: Sequence[Path],
    images_files: Sequence[Path],
    trained: Path,
    out_dir: Path,
    *,
    encoder: str,
    encoder_fingerprint: str,
) -> dict[str, Any]:
    """Merge the parts of all shards, in any order, into the index that `build_dense` gives, byte for byte.

    Args:
        parts: what `build_dense_part` made of every shard with this plan. They are left as they are.
        images_files: Parquet shards of ArticleImage.
        trained: what `train_dense` wrote.
        out_dir: the folder to make, by rename; one that exists is replaced.
        encoder: the encoder's spec.
        encoder_fingerprint: what identifies its weights.

    Returns:
        The manifest's `image_index`: encoder, encoder_fingerprint, dim, metric, kind, factory (Faiss's words), nlist,
        nprobe, vectors, unused_vectors, recall_at_10 (None where there is nothing to compare), recall_queries,
        bytes_per_vector (what a searcher holds: the index and the names).

    Raises:
        IndexCorrupt: a part is not of this plan, or a file has two vectors.
    """
    plan = read_plan(trained)
    opened = [open_part(part, plan) for part in parts]
    ids, positions = _place(opened, _pages_by_file(images_files))
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with open(temporary / INDEX_NAME, "wb") as file:
            (_write_flat if plan.kind == FLAT else _write_lists)(file, plan, opened, positions, ids.num_rows)
        pq.write_table(ids, temporary / IDS_NAME, row_group_size=_BATCH_ROWS)
        recall = choose_nprobe(temporary, plan, opened, positions, ids)
        header = read_header(temporary / INDEX_NAME)
        held = (temporary / INDEX_NAME).stat().st_size + DenseSearcher(temporary).names_bytes
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return {
        "encoder": encoder,
        "encoder_fingerprint": encoder_fingerprint,
        "dim": header.dim,
        "metric": METRIC,
        "kind": header.kind,
        "factory": header.factory,
        "nlist": header.nlist,
        "nprobe": header.nprobe,
        "vectors": header.vectors,
        "unused_vectors": sum(len(part.files) for part in opened) - header.vectors,
        "recall_at_10": recall.value,
        "recall_queries": recall.queries,
        "bytes_per_vector": round(held / max(1, header.vectors)),
    }


def _pages_by_file(images_files: Sequence[Path]) -> pa.Table:
    """Return every (file, page) pair once, by file and page."""
    tables = []
    for path in images_files:
        check_table(path, IMAGES)
        tables.append(pq.read_table(path, columns=["file", "page_id"]))
    if not tables:
        return IMAGES.empty_table().select(["file", "page_id"])
    pairs = pa.concat_tables(tables).group_by(["file", "page_id"]).aggregate([])
    return pairs.sort_by([("file", "ascending"), ("page_id", "ascending")])


def _place(parts: Sequence[Part], pages: pa.Table) -> tuple[pa.Table, list[NDArray[np.int64]]]:
    """Order the files that articles use by name; give their ids table, and each row's position, -1 if unused."""
    import numpy as np

    names = pa.chunked_array([part.files for part in parts], pa.string())
    used = pc.is_in(names, value_set=pages.column("file").combine_chunks().unique())
    rows = pa.array(np.flatnonzero(used.to_numpy()))
    order = rows.take(pc.sort_indices(names.take(rows)))
    files = names.take(order)
    _check_once(parts, files)
    positions = np.full(len(names), -1, np.int64)
    positions[order.to_numpy()] = np.arange(len(order))
    cuts = np.cumsum([len(part.files) for part in parts])[:-1]
    return _to_ids(files, pages), np.split(positions, cuts)


def _check_once(parts: Sequence[Part], files: pa.ChunkedArray) -> None:
    again = pc.equal(files[1:], files[:-1]) if len(files) > 1 else pa.array([], pa.bool_())
    if pc.any(again).as_py():
        name = files[pc.index(again, True).as_py()]
        sources = [part.source for part in parts if pc.any(pc.equal(part.files, name)).as_py()]
        raise IndexCorrupt("a file has two vectors", path=sources[-1], place=name.as_py(), remedy=_REBUILD)


def _to_ids(files: pa.ChunkedArray, pages: pa.Table) -> pa.Table:
    """Return the pages of each of the files, which are in the order of the pairs."""
    import numpy as np

    pairs = pages.take(pa.array(np.flatnonzero(pc.is_in(pages.column("file"), value_set=files).to_numpy())))
    numbers = pc.index_in(pairs.column("file"), value_set=files).to_numpy()
    offsets = np.searchsorted(numbers, np.arange(len(files) + 1)).astype(np.int32)
    page_ids = pa.ListArray.from_arrays(pa.array(offsets), pairs.column("page_id").combine_chunks())
    return pa.table({"file": files, "page_ids": page_ids}, schema=IMAGE_IDS)


def _write_flat(
    file: BinaryIO, plan: Plan, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]], vectors: int
) -> None:
    """Write the codes by position, a batch at a time."""
    import numpy as np

    write_flat_head(file, plan.dim, vectors)
    owners = np.empty((vectors, 2), np.int64)
    for number, places in enumerate(positions):
        rows = np.flatnonzero(places >= 0)
        owners[places[rows]] = np.stack([np.full(len(rows), number), rows], axis=1)
    for start in range(0, vectors, _BATCH_ROWS):
        some = owners[start : start + _BATCH_ROWS]
        codes = np.empty((len(some), plan.dim), np.float16)
        for number in np.unique(some[:, 0]):
            mine = some[:, 0] == number
            codes[mine] = parts[number].codes[some[mine, 1]]
        file.write(codes.tobytes())


def _write_lists(
    file: BinaryIO, plan: Plan, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]], _vectors: int
) -> None:
    """Write list after list, each by position, out of that list of every part."""
    import numpy as np

    sizes = np.zeros(plan.nlist, np.int64)
    for part, places in zip(parts, positions, strict=True):
        lists = np.repeat(np.arange(plan.nlist), np.diff(part.starts))
        sizes += np.bincount(lists[places >= 0], minlength=plan.nlist)
    write_ivf_head(file, plan.centroids, sizes)
    for codes, ids in _lists(plan, parts, positions):
        file.write(codes.tobytes())
        file.write(ids.tobytes())


def _lists(
    plan: Plan, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.float16], NDArray[np.int64]]]:
    import numpy as np

    for number in range(plan.nlist):
        codes, ids = [], []
        for part, places in zip(parts, positions, strict=True):
            here = slice(int(part.starts[number]), int(part.starts[number + 1]))
            is_used = places[here] >= 0
            ids.append(places[here][is_used])
            codes.append(part.codes[here][is_used])
        merged = np.concatenate(ids)
        order = np.argsort(merged)
        yield np.concatenate(codes)[order], merged[order]
