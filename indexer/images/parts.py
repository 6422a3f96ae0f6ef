"""A part of an image index: the vectors of one shard, by list, made wherever the shard is and merged later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.images.plan import Plan, check_unit, read_plan, to_vectors
from schemas.errors import IndexCorrupt
from schemas.manifest import sha256_file, write_json_atomically
from schemas.tables import check_table, embeddings_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EXACT", "Part", "build_dense_part", "is_current", "open_part"]

EXACT = 32
"""Nearest rows of the part that are kept for each query: ten, and spare ones for rows that are no answer."""
_BATCH_ROWS = 4096
_NAMES = pa.schema([pa.field("file", pa.string(), nullable=False)])
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of a part lie by list. Arrays are mapped into memory, not read.

    files: [n] names. codes: [n, dim] float16. starts: [nlist + 1]. exact_scores, exact_rows: [q, m], the rows nearest
    to each query by the unrounded vectors, best first.
    """

    source: str
    files: pa.Array
    codes: NDArray[np.float16]
    starts: NDArray[np.int64]
    exact_scores: NDArray[np.float32]
    exact_rows: NDArray[np.int64]


def build_dense_part(embedding_file: Path, trained: Path, out_dir: Path) -> None:
    """Make the part of one shard: 16-bit vectors by list, names, exact neighbours of the plan's queries.

    It needs no other shard, so every worker may make its own. Vectors pass through in batches.

    Args:
        embedding_file: Parquet shard of ImageEmbedding.
        trained: what `train_dense` wrote.
        out_dir: the folder to make, by rename; one that exists is replaced.

    Raises:
        IndexCorrupt: the shard differs from the contract, or a vector is not a unit vector.
    """
    import numpy as np

    plan = read_plan(trained)
    rows = check_table(embedding_file, embeddings_schema(plan.dim))
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        raw = temporary / "rows.bin"
        arrived = _map(raw, rows, plan.dim, "w+")
        lists, nearest = _read_rows(embedding_file, plan, arrived)
        order = np.argsort(lists, kind="stable")
        with open(temporary / "codes.bin", "wb") as file:
            for start in range(0, rows, _BATCH_ROWS):
                file.write(arrived[order[start : start + _BATCH_ROWS]].tobytes())
        del arrived
        raw.unlink()
        _write_names(temporary / "files.parquet", embedding_file, order)
        starts = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=plan.nlist))]).astype(np.int64)
        place_of = np.empty(rows, np.int64)
        place_of[order] = np.arange(rows)
        np.savez(temporary / "arrays.npz", starts=starts, scores=nearest.scores, rows=place_of[nearest.rows])
        write_json_atomically(temporary / "part.json", _stamp(embedding_file, trained))
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_current(part: Path, embedding_file: Path, trained: Path) -> bool:
    """Say whether a part is there, and made of this shard as it is now and with this plan."""
    try:
        return bool(json.loads((part / "part.json").read_text(encoding="utf-8")) == _stamp(embedding_file, trained))
    except (OSError, ValueError):
        return False


def open_part(folder: Path, plan: Plan) -> Part:
    """Open a part.

    Raises:
        IndexCorrupt: it is no part of this plan.
    """
    import numpy as np

    try:
        source = json.loads((folder / "part.json").read_text(encoding="utf-8"))["source"]
        with np.load(folder / "arrays.npz", allow_pickle=False) as values:
            starts, scores, rows = (values[name] for name in ("starts", "scores", "rows"))
        files = pq.read_table(folder / "files.parquet", schema=_NAMES).column("file").combine_chunks()
        codes = _map(folder / "codes.bin", len(files), plan.dim, "r")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise IndexCorrupt(f"not a part of an image index ({error})", path=folder, remedy=_REBUILD) from error
    if len(starts) != plan.nlist + 1 or starts[-1] != len(files) or len(scores) != len(plan.queries):
        raise IndexCorrupt("the part of another plan", path=folder, remedy=_REBUILD)
    return Part(str(source), files, codes, starts, scores, rows)


def _stamp(embedding_file: Path, trained: Path) -> dict[str, Any]:
    about = embedding_file.stat()
    size, changed = about.st_size, about.st_mtime_ns
    return {"source": embedding_file.name, "size": size, "changed_ns": changed, "plan": sha256_file(trained)}


def _map(path: Path, rows: int, dim: int, mode: Any) -> NDArray[np.float16]:
    """Map a file of codes into memory; an empty file cannot be mapped."""
    import numpy as np

    if not rows:
        path.touch()
        return np.empty((0, dim), np.float16)
    return np.memmap(path, np.float16, mode=mode, shape=(rows, dim))


class _Nearest:
    """The best EXACT rows for each query so far."""

    def __init__(self, queries: NDArray[np.float32]) -> None:
        import numpy as np

        self._queries = queries
        self.scores = np.empty((len(queries), 0), np.float32)
        self.rows = np.empty((len(queries), 0), np.int64)

    def see(self, vectors: NDArray[np.float32], first: int) -> None:
        """Compare with a batch whose first row has this number."""
        import numpy as np

        numbers = np.broadcast_to(np.arange(first, first + len(vectors)), (len(self._queries), len(vectors)))
        scores = np.concatenate([self.scores, self._queries @ vectors.T], axis=1)
        rows = np.concatenate([self.rows, numbers], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :EXACT] if len(vectors) < EXACT else _top(scores, EXACT)
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.rows = np.take_along_axis(rows, best, axis=1)


def _top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the columns of the k best in each row, best first."""
    import numpy as np

    some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _read_rows(path: Path, plan: Plan, codes: NDArray[np.float16]) -> tuple[NDArray[np.int64], _Nearest]:
    """Fill codes in the order of the shard; give each row's list, and the exact neighbours."""
    import numpy as np

    lists, nearest, first = np.zeros(len(codes), np.int64), _Nearest(plan.queries), 0
    for files, vectors in _batches(path, plan.dim):
        check_unit(vectors, files, path)
        here = slice(first, first + len(vectors))
        codes[here] = vectors
        if len(plan.centroids):
            lists[here] = (vectors @ plan.centroids.T).argmax(axis=1)
        nearest.see(vectors, first)
        first += len(vectors)
    return lists, nearest


def _batches(path: Path, dim: int) -> Iterator[tuple[pa.Array, NDArray[np.float32]]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=["file", "vector"], use_threads=False):
            yield batch["file"], to_vectors(batch["vector"], dim)


def _write_names(path: Path, embedding_file: Path, order: NDArray[np.int64]) -> None:
    names = pq.read_table(embedding_file, columns=["file"]).column("file").combine_chunks()
    pq.write_table(pa.table({"file": names.take(pa.array(order))}, schema=_NAMES), path)
