"""What an image index is to be: flat or in lists, by its size; the lists' centroids, and queries to measure it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.images.faiss_file import FLAT, IVF
from schemas.errors import IndexCorrupt, InputError
from schemas.tables import check_table, embeddings_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FLAT_BELOW", "Plan", "check_unit", "read_plan", "to_vectors", "train_dense"]

FLAT_BELOW = 200_000
"""Vectors up to which comparing with all of them answers in tens of milliseconds."""
ROUNDS = 10
"""Of k-means: more did not raise the recall at equal nprobe by a thousandth (docs/decisions/0012)."""
SAMPLES_PER_LIST = 40
"""Vectors that a centroid is made of. Source: below 39 Faiss warns of too few."""
QUERIES = 400
_LEAST_GROUPS = 64
_SEED = 7
_UNIT_TOLERANCE = 1e-3
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@dataclass(frozen=True, eq=False)
class Plan:
    """What every part of one index shares.

    kind: FLAT or IVF. centroids: [nlist, dim] float32, none if flat. queries: [q, dim] float32, rows of the
    embeddings that no centroid was made of; query_files: their files, which are no answers to them.
    """

    kind: str
    dim: int
    centroids: NDArray[np.float32]
    queries: NDArray[np.float32]
    query_files: tuple[str, ...]

    @property
    def nlist(self) -> int:
        """Lists; a flat index is one."""
        return max(1, len(self.centroids))


def train_dense(embedding_files: Sequence[Path], out: Path) -> None:
    """Decide the kind by the number of vectors, find the centroids on a sample, choose queries; write one small file.

    Args:
        embedding_files: every Parquet shard of ImageEmbedding, at least one.
        out: the file to write (.npz), by rename.

    Raises:
        InputError: there is no embedding shard.
        IndexCorrupt: a shard differs from the contract.
    """
    import numpy as np

    dim = _dim_of(embedding_files)
    vectors = sum(check_table(path, embeddings_schema(dim)) for path in embedding_files)
    nlist = 0 if vectors < FLAT_BELOW else lists_for(vectors)
    files, rows = _pick(embedding_files, dim, QUERIES + nlist * SAMPLES_PER_LIST, vectors)
    centroids = _find_centroids(rows[QUERIES:], nlist) if nlist else np.empty((0, dim), np.float32)
    temporary = out.with_name(f".{out.name}.tmp")
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(temporary, "wb") as file:
        np.savez(file, centroids=centroids, queries=rows[:QUERIES], query_files=np.array(files[:QUERIES], dtype=str))
    temporary.replace(out)


def lists_for(vectors: int) -> int:
    """Return the number of lists: about two for each of the square root, a power of two.

    >>> lists_for(200_000), lists_for(1_000_000), lists_for(5_000_000), lists_for(10)
    (1024, 2048, 4096, 8)
    """
    wanted = 2 * sqrt(vectors)
    power = 1
    while power * sqrt(2) < wanted and 2 * power < vectors:
        power *= 2
    return power


def read_plan(path: Path) -> Plan:
    """Read what `train_dense` wrote.

    Raises:
        IndexCorrupt: it is not that.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as values:
            centroids, queries, files = (values[name] for name in ("centroids", "queries", "query_files"))
        if centroids.shape[1] != queries.shape[1] or len(files) != len(queries):
            raise ValueError("shapes that contradict each other")
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise IndexCorrupt(f"not the plan of an image index ({error})", path=path, remedy=_REBUILD) from error
    kind = IVF if len(centroids) else FLAT
    return Plan(kind, centroids.shape[1], centroids, queries, tuple(str(file) for file in files))


def to_vectors(column: Any, dim: int) -> NDArray[np.float32]:
    """Return a column of vectors as an array [n, dim]."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return cast("NDArray[np.float32]", column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim))


def check_unit(vectors: NDArray[np.float32], files: Any, path: Path) -> None:
    """Check that every vector has length 1.

    Raises:
        IndexCorrupt: one has not; its file is named.
    """
    import numpy as np

    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_TOLERANCE))
    if len(bad):
        raise IndexCorrupt("not a unit vector", path=path, place=str(files[int(bad[0])]), remedy=_REBUILD)


def _dim_of(embedding_files: Sequence[Path]) -> int:
    if not embedding_files:
        raise InputError("there is no embedding shard to index", remedy=_REBUILD)
    try:
        kind = pq.read_schema(embedding_files[0]).field("vector").type
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a shard of embeddings ({error})", path=embedding_files[0], remedy=_REBUILD) from error
    if not pa.types.is_fixed_size_list(kind):
        raise IndexCorrupt(f"vectors of type {kind}", path=embedding_files[0], remedy=_REBUILD)
    return int(kind.list_size)


def _pick(paths: Sequence[Path], dim: int, wanted: int, total: int) -> tuple[list[str], NDArray[np.float32]]:
    """Pick rows at random out of row groups at random, in random order: all of them where fewer are wanted."""
    import numpy as np

    dice = np.random.default_rng(_SEED)
    groups = [(path, group) for path in paths for group in range(pq.read_metadata(path).num_row_groups)]
    if not total:
        return [], np.empty((0, dim), np.float32)
    share = min(1.0, wanted / total)
    count = min(len(groups), max(_LEAST_GROUPS, ceil(2 * share * len(groups))))
    files: list[str] = []
    parts: list[NDArray[np.float32]] = []
    for at in np.sort(dice.permutation(len(groups))[:count]):
        path, group = groups[at]
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(group, ["file", "vector"])
        rows = dice.permutation(table.num_rows)[: ceil(wanted / count) if share < 1 else None]
        files += [table.column("file")[int(row)].as_py() for row in rows]
        vectors = to_vectors(table.column("vector"), dim)
        check_unit(vectors, table.column("file"), path)
        parts.append(vectors[rows])
    order = dice.permutation(len(files))[:wanted]
    return [files[at] for at in order], np.concatenate(parts)[order]


def _find_centroids(sample: NDArray[np.float32], nlist: int) -> NDArray[np.float32]:
    import faiss

    kmeans = faiss.Kmeans(sample.shape[1], nlist, niter=ROUNDS, spherical=True, seed=_SEED, min_points_per_centroid=1)
    kmeans.train(sample)
    return cast("NDArray[np.float32]", kmeans.centroids)
