"""A part of an image index: the vectors of one shard sorted by list, made where the shard is and merged later."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.images.plan import IndexPlan, read_plan
from indexer.images.shards import BATCH_ROWS, read_batches
from schemas.errors import IndexCorrupt
from schemas.manifest import sha256_file, write_json_atomically
from schemas.tables import check_table, embeddings_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EXACT", "IndexPart", "build_dense_part", "is_current", "open_part"]

EXACT = 32
"""Nearest rows of the part that are kept for each query: ten, and spare ones, since rows that no article uses and the
query's own file are no hits."""
_NAMES = pa.schema([pa.field("file", pa.string(), nullable=False)])
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@dataclass(frozen=True, eq=False)
class IndexPart:
    """The rows of one shard, sorted by list. Codes are mapped into memory, not read.

    Args:
        source: name of the shard.
        files: [n] names of the files.
        codes: [n, dim] float16 vectors.
        starts: [nlist + 1] int64: list number i is the rows from starts[i] to starts[i + 1].
        exact_scores: [q, m] float32: the best inner products of each query with the unrounded vectors, best first.
        exact_rows: [q, m] int64: the rows that have these scores.
    """

    source: str
    files: pa.Array
    codes: NDArray[np.float16]
    starts: NDArray[np.int64]
    exact_scores: NDArray[np.float32]
    exact_rows: NDArray[np.int64]


def build_dense_part(embedding_file: Path, plan_file: Path, out_dir: Path) -> None:
    """Make the part of one shard: 16-bit vectors by list, names, and the exact neighbours of the plan's queries.

    No other shard is needed, so every worker may make its own part. Vectors are read in batches.

    Args:
        embedding_file: Parquet shard of ImageEmbedding.
        plan_file: what `plan_dense` wrote.
        out_dir: the folder to make, by rename; one that exists is replaced.

    Raises:
        IndexCorrupt: the shard differs from the contract, or a vector is not a unit vector.
    """
    import numpy as np

    plan = read_plan(plan_file)
    rows = check_table(embedding_file, embeddings_schema(plan.dim))
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        raw = temporary / "rows.bin"
        shard_codes = _map_codes(raw, rows, plan.dim, "w+")
        lists, nearest = _read_shard(embedding_file, plan, shard_codes)
        order = np.argsort(lists, kind="stable")  # stable: within a list, rows stay in the order of the shard
        with open(temporary / "codes.bin", "wb") as file:
            for start in range(0, rows, BATCH_ROWS):
                file.write(shard_codes[order[start : start + BATCH_ROWS]].tobytes())
        del shard_codes  # unmaps the file, so that it can go
        raw.unlink()
        _write_names(temporary / "files.parquet", embedding_file, order)
        starts = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=plan.nlist))]).astype(np.int64)
        row_in_part = np.empty(rows, np.int64)
        row_in_part[order] = np.arange(rows)
        np.savez(temporary / "arrays.npz", starts=starts, scores=nearest.scores, rows=row_in_part[nearest.rows])
        write_json_atomically(temporary / "part.json", _stamp(embedding_file, plan_file))
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_current(part: Path, embedding_file: Path, plan_file: Path) -> bool:
    """Return whether a part is there, and made of this shard as it is now and with this plan."""
    try:
        return bool(json.loads((part / "part.json").read_text(encoding="utf-8")) == _stamp(embedding_file, plan_file))
    except (OSError, ValueError):
        return False


def open_part(folder: Path, plan: IndexPlan) -> IndexPart:
    """Open a part.

    Raises:
        IndexCorrupt: it is no part, or one of another plan.
    """
    import numpy as np

    try:
        source = json.loads((folder / "part.json").read_text(encoding="utf-8"))["source"]
        with np.load(folder / "arrays.npz", allow_pickle=False) as values:
            starts, scores, rows = (values[name] for name in ("starts", "scores", "rows"))
        files = pq.read_table(folder / "files.parquet", schema=_NAMES).column("file").combine_chunks()
        codes = _map_codes(folder / "codes.bin", len(files), plan.dim, "r")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise IndexCorrupt(f"not a part of an image index ({error})", path=folder, remedy=_REBUILD) from error
    if len(starts) != plan.nlist + 1 or starts[-1] != len(files) or len(scores) != len(plan.queries):
        raise IndexCorrupt("the part of another plan", path=folder, remedy=_REBUILD)
    return IndexPart(str(source), files, codes, starts, scores, rows)


def _stamp(embedding_file: Path, plan_file: Path) -> dict[str, Any]:
    """Return what identifies the shard (by size and time, which are quick to read) and the plan (by hash)."""
    stat = embedding_file.stat()
    return {
        "source": embedding_file.name,
        "size": stat.st_size,
        "changed_ns": stat.st_mtime_ns,
        "plan": sha256_file(plan_file),
    }


def _map_codes(path: Path, rows: int, dim: int, mode: Any) -> NDArray[np.float16]:
    """Map a file of codes [rows, dim] into memory; an empty file cannot be mapped."""
    import numpy as np

    if not rows:
        path.touch()
        return np.empty((0, dim), np.float16)
    return np.memmap(path, np.float16, mode=mode, shape=(rows, dim))


class _ExactNeighbours:
    """The best EXACT rows of each query among the batches seen so far, by brute force on the unrounded vectors."""

    def __init__(self, queries: NDArray[np.float32]) -> None:
        import numpy as np

        self._queries = queries
        self.scores = np.empty((len(queries), 0), np.float32)
        self.rows = np.empty((len(queries), 0), np.int64)

    def add(self, vectors: NDArray[np.float32], first_row: int) -> None:
        """Compare the queries with a batch [n, dim] whose first vector is that row of the shard."""
        import numpy as np

        numbers = np.broadcast_to(np.arange(first_row, first_row + len(vectors)), (len(self._queries), len(vectors)))
        scores = np.concatenate([self.scores, self._queries @ vectors.T], axis=1)
        rows = np.concatenate([self.rows, numbers], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :EXACT] if len(vectors) < EXACT else _top(scores, EXACT)
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.rows = np.take_along_axis(rows, best, axis=1)


def _top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the columns of the k best scores in each row, best first; only these k are sorted."""
    import numpy as np

    columns = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _read_shard(path: Path, plan: IndexPlan, codes: NDArray[np.float16]) -> tuple[NDArray[np.int64], _ExactNeighbours]:
    """Fill codes [n, dim] in the order of the shard; return the list of each row, and the exact neighbours."""
    import numpy as np

    lists, nearest, first = np.zeros(len(codes), np.int64), _ExactNeighbours(plan.queries), 0
    for vectors in read_batches(path, plan.dim):
        here = slice(first, first + len(vectors))
        # 16-bit floats: half the memory of float32, and an inner product of unit vectors changes by less than
        # 5e-4 (a rounding error of 2^-11), which swaps only hits whose scores are that close (docs/decisions/0012).
        codes[here] = vectors
        if len(plan.centroids):
            lists[here] = (vectors @ plan.centroids.T).argmax(axis=1)
        nearest.add(vectors, first)
        first += len(vectors)
    return lists, nearest


def _write_names(path: Path, embedding_file: Path, order: NDArray[np.int64]) -> None:
    names = pq.read_table(embedding_file, columns=["file"]).column("file").combine_chunks()
    pq.write_table(pa.table({"file": names.take(pa.array(order))}, schema=_NAMES), path)
