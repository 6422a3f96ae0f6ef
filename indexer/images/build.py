"""Builds an image index from vectors: planned on a sample, made part by part, merged in one pass over the lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.images.faiss_file import FLAT, METRIC, Header, read_header, write_flat_head, write_ivf_head
from indexer.images.parts import IndexPart, build_dense_part, is_current, open_part
from indexer.images.plan import IndexPlan, plan_dense, read_plan
from indexer.images.recall import Recall, choose_nprobe
from indexer.images.searcher import IDS_NAME, INDEX_NAME, DenseSearcher
from indexer.images.shards import BATCH_ROWS
from schemas.errors import IndexCorrupt
from schemas.tables import IMAGE_IDS, IMAGES, check_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["build_dense", "merge_dense"]

PLAN_NAME = "plan.npz"
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


def build_dense(
    embedding_files: Sequence[Path],
    images_files: Sequence[Path],
    out_dir: Path,
    *,
    encoder: str,
    encoder_fingerprint: str,
) -> dict[str, Any]:
    """Write index.faiss (vectors as 16-bit floats, inner product) and ids.parquet, both ordered by file name.

    Only files that an article uses are indexed. A small index is flat: a query is compared with every vector. A large
    one has lists, of which a query searches the nearest few: as many as give a recall of MIN_RECALL. Memory holds a
    batch of vectors and the names and page ids of all. Parts stay beside the folder until the index is done, so that
    an interrupted build continues with the parts it has.

    Names and page ids stand in a Parquet file beside the index, because Faiss keeps numbers only: row n of ids.parquet
    is vector n of index.faiss.

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
    plan_file = work / PLAN_NAME
    parts = [work / f"{number:05d}" for number in range(len(embedding_files))]
    if not any(is_current(part, path, plan_file) for part, path in zip(parts, embedding_files, strict=True)):
        shutil.rmtree(work, ignore_errors=True)  # left by a build of other shards
    if not plan_file.exists():
        plan_dense(embedding_files, plan_file)
    for part, path in zip(parts, embedding_files, strict=True):
        if not is_current(part, path, plan_file):
            build_dense_part(path, plan_file, part)
    section = merge_dense(
        parts, images_files, plan_file, out_dir, encoder=encoder, encoder_fingerprint=encoder_fingerprint
    )
    shutil.rmtree(work)
    return section


def merge_dense(
    parts: Sequence[Path],
    images_files: Sequence[Path],
    plan_file: Path,
    out_dir: Path,
    *,
    encoder: str,
    encoder_fingerprint: str,
) -> dict[str, Any]:
    """Merge the parts of all shards, in any order, into the index that `build_dense` makes, byte for byte.

    Args:
        parts: what `build_dense_part` made of every shard with this plan. They are left as they are.
        images_files: Parquet shards of ArticleImage.
        plan_file: what `plan_dense` wrote.
        out_dir: the folder to make, by rename; one that exists is replaced.
        encoder: the encoder's spec.
        encoder_fingerprint: what identifies its weights.

    Returns:
        The manifest's `image_index`: encoder, encoder_fingerprint, dim, metric, kind, factory (the kind as Faiss's
        index_factory writes it), nlist, nprobe, vectors, unused_vectors (of files that no article uses), recall_at_10
        (None where no query has a neighbour), recall_queries, bytes_per_vector (of the index file and of the names and
        page ids in memory).

    Raises:
        IndexCorrupt: a part is not of this plan, or a file has two vectors.
    """
    plan = read_plan(plan_file)
    opened = [open_part(part, plan) for part in parts]
    ids, positions = _order_by_name(opened, _pages_by_file(images_files))
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with open(temporary / INDEX_NAME, "wb") as file:
            (_write_flat if plan.kind == FLAT else _write_lists)(file, plan, opened, positions, ids.num_rows)
        pq.write_table(ids, temporary / IDS_NAME, row_group_size=BATCH_ROWS)
        # Before the rename: it opens the index as a searcher does, and writes nprobe into the file.
        recall = choose_nprobe(temporary, plan, opened, positions, ids)
        header = read_header(temporary / INDEX_NAME)
        size_bytes = (temporary / INDEX_NAME).stat().st_size + DenseSearcher(temporary).names_bytes
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    unused = sum(len(part.files) for part in opened) - header.vectors
    names = {"encoder": encoder, "encoder_fingerprint": encoder_fingerprint}
    return names | _section(header, recall, unused, size_bytes)


def _section(header: Header, recall: Recall, unused: int, size_bytes: int) -> dict[str, Any]:
    return {
        "dim": header.dim,
        "metric": METRIC,
        "kind": header.kind,
        "factory": header.factory,
        "nlist": header.nlist,
        "nprobe": header.nprobe,
        "vectors": header.vectors,
        "unused_vectors": unused,
        "recall_at_10": recall.value,
        "recall_queries": recall.queries,
        "bytes_per_vector": round(size_bytes / max(1, header.vectors)),
    }


def _pages_by_file(images_files: Sequence[Path]) -> pa.Table:
    """Return every (file, page_id) pair once, ordered by file and page."""
    tables = []
    for path in images_files:
        check_table(path, IMAGES)
        tables.append(pq.read_table(path, columns=["file", "page_id"]))
    if not tables:
        return IMAGES.empty_table().select(["file", "page_id"])
    pairs = pa.concat_tables(tables).group_by(["file", "page_id"]).aggregate([])
    return pairs.sort_by([("file", "ascending"), ("page_id", "ascending")])


def _order_by_name(parts: Sequence[IndexPart], pages: pa.Table) -> tuple[pa.Table, list[NDArray[np.int64]]]:
    """Order by name the files that articles use.

    Returns:
        The table of ids, and for each part the position in the index of each of its rows, -1 if no article uses it.
    """
    import numpy as np

    names = pa.chunked_array([part.files for part in parts], pa.string())
    used = pc.is_in(names, value_set=pages.column("file").combine_chunks().unique())
    rows = pa.array(np.flatnonzero(used.to_numpy()))
    order = rows.take(pc.sort_indices(names.take(rows)))
    files = names.take(order)
    _check_distinct(parts, files)
    positions = np.full(len(names), -1, np.int64)
    positions[order.to_numpy()] = np.arange(len(order))
    ends = np.cumsum([len(part.files) for part in parts])[:-1]
    return _to_ids(files, pages), np.split(positions, ends)


def _check_distinct(parts: Sequence[IndexPart], files: pa.ChunkedArray) -> None:
    """Check that no two neighbours among the sorted files are equal.

    Raises:
        IndexCorrupt: two vectors belong to one file; it is named, with the last shard that holds it.
    """
    again = pc.equal(files[1:], files[:-1]) if len(files) > 1 else pa.array([], pa.bool_())
    if pc.any(again).as_py():
        name = files[pc.index(again, True).as_py()]
        sources = [part.source for part in parts if pc.any(pc.equal(part.files, name)).as_py()]
        raise IndexCorrupt("a file has two vectors", path=sources[-1], place=name.as_py(), remedy=_REBUILD)


def _to_ids(files: pa.ChunkedArray, pages: pa.Table) -> pa.Table:
    """Return a row for each file with the ids of its pages; files and pairs are both ordered by file."""
    import numpy as np

    pairs = pages.take(pa.array(np.flatnonzero(pc.is_in(pages.column("file"), value_set=files).to_numpy())))
    numbers = pc.index_in(pairs.column("file"), value_set=files).to_numpy()
    offsets = np.searchsorted(numbers, np.arange(len(files) + 1)).astype(np.int32)
    page_ids = pa.ListArray.from_arrays(pa.array(offsets), pairs.column("page_id").combine_chunks())
    return pa.table({"file": files, "page_ids": page_ids}, schema=IMAGE_IDS)


def _write_flat(
    file: BinaryIO, plan: IndexPlan, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]], vectors: int
) -> None:
    """Write the vectors in the order of their positions, a batch at a time, from whichever parts hold them."""
    import numpy as np

    write_flat_head(file, plan.dim, vectors)
    origins = np.empty((vectors, 2), np.int64)  # of each position: the number of the part, and the row in it
    for number, part_positions in enumerate(positions):
        rows = np.flatnonzero(part_positions >= 0)
        origins[part_positions[rows]] = np.stack([np.full(len(rows), number), rows], axis=1)
    for start in range(0, vectors, BATCH_ROWS):
        batch = origins[start : start + BATCH_ROWS]
        codes = np.empty((len(batch), plan.dim), np.float16)
        for number in np.unique(batch[:, 0]):
            is_of_part = batch[:, 0] == number
            codes[is_of_part] = parts[number].codes[batch[is_of_part, 1]]
        file.write(codes.tobytes())


def _write_lists(
    file: BinaryIO, plan: IndexPlan, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]], _vectors: int
) -> None:
    """Write list after list: each takes its vectors from the same list of every part, ordered by position."""
    import numpy as np

    sizes = np.zeros(plan.nlist, np.int64)
    for part, part_positions in zip(parts, positions, strict=True):
        lists = np.repeat(np.arange(plan.nlist), np.diff(part.starts))
        sizes += np.bincount(lists[part_positions >= 0], minlength=plan.nlist)
    write_ivf_head(file, plan.centroids, sizes)
    for codes, ids in _merged_lists(plan, parts, positions):
        file.write(codes.tobytes())
        file.write(ids.tobytes())


def _merged_lists(
    plan: IndexPlan, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.float16], NDArray[np.int64]]]:
    import numpy as np

    for number in range(plan.nlist):
        codes, ids = [], []
        for part, part_positions in zip(parts, positions, strict=True):
            here = slice(int(part.starts[number]), int(part.starts[number + 1]))
            is_used = part_positions[here] >= 0
            ids.append(part_positions[here][is_used])
            codes.append(part.codes[here][is_used])
        merged = np.concatenate(ids)
        order = np.argsort(merged)
        yield np.concatenate(codes)[order], merged[order]
