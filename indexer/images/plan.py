"""The plan of an image index: flat or in lists, the centroids of the lists, and queries that will measure its recall.

It is made once, from a sample of all shards, and shared by the workers that make the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, cast

from indexer.images.faiss_file import FLAT, IVF
from indexer.images.shards import SEED, dim_of, sample_rows
from schemas.errors import IndexCorrupt
from schemas.tables import check_table, embeddings_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FLAT_BELOW", "IndexPlan", "plan_dense", "read_plan"]

FLAT_BELOW = 200_000
"""With fewer vectors than this the index is flat: comparing a query with all of them takes tens of milliseconds."""
ROUNDS = 10
"""Rounds of k-means; more did not raise the recall at equal nprobe by a thousandth (docs/decisions/0012)."""
SAMPLES_PER_LIST = 40
"""Vectors that each centroid is computed from. Source: below 39 Faiss warns that there are too few."""
QUERIES = 400
"""Rows that measure the recall: the standard error of a recall of 0.99 is then at most half a per cent."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@dataclass(frozen=True, eq=False)
class IndexPlan:
    """What all parts of one index share.

    A centroid is the mean direction of a list. A vector goes into the list whose centroid is nearest to it, and a query
    is compared only with the vectors of the `nprobe` lists whose centroids are nearest to the query.

    Args:
        kind: FLAT or IVF (inverted file: in lists).
        dim: components of a vector.
        centroids: [nlist, dim] float32; empty if flat.
        queries: [q, dim] float32: rows of the embeddings from which no centroid was computed.
        query_files: their files. A query's own file does not count as a hit of it.
    """

    kind: str
    dim: int
    centroids: NDArray[np.float32]
    queries: NDArray[np.float32]
    query_files: tuple[str, ...]

    @property
    def nlist(self) -> int:
        """Number of lists; a flat index is one list."""
        return max(1, len(self.centroids))


def plan_dense(embedding_files: Sequence[Path], out: Path) -> None:
    """Choose the kind by the number of vectors, compute centroids from a sample, draw queries; write one small file.

    Args:
        embedding_files: every Parquet shard of ImageEmbedding, at least one.
        out: the file to write (.npz), by rename.

    Raises:
        InputError: there is no embedding shard.
        IndexCorrupt: a shard differs from the contract.
    """
    import numpy as np

    dim = dim_of(embedding_files)
    vectors = sum(check_table(path, embeddings_schema(dim)) for path in embedding_files)
    nlist = 0 if vectors < FLAT_BELOW else lists_for(vectors)
    files, rows = sample_rows(embedding_files, dim, QUERIES + nlist * SAMPLES_PER_LIST, vectors)
    # The first rows become queries and the rest centroids: a query that shaped a centroid would lie nearer to it than
    # a new picture does, and the recall would look better than it is.
    centroids = _find_centroids(rows[QUERIES:], nlist) if nlist else np.empty((0, dim), np.float32)
    temporary = out.with_name(f".{out.name}.tmp")
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(temporary, "wb") as file:
        np.savez(file, centroids=centroids, queries=rows[:QUERIES], query_files=np.array(files[:QUERIES], dtype=str))
    temporary.replace(out)


def lists_for(vectors: int) -> int:
    """Return the number of lists for a number of vectors: a power of two, about twice the square root.

    >>> lists_for(200_000), lists_for(1_000_000), lists_for(5_000_000), lists_for(10)
    (1024, 2048, 4096, 8)
    """
    target = 2 * sqrt(vectors)
    power = 1
    while power * sqrt(2) < target and 2 * power < vectors:
        power *= 2
    return power


def read_plan(path: Path) -> IndexPlan:
    """Read what `plan_dense` wrote.

    Raises:
        IndexCorrupt: it is another file.
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
    return IndexPlan(kind, centroids.shape[1], centroids, queries, tuple(str(file) for file in files))


def _find_centroids(sample: NDArray[np.float32], nlist: int) -> NDArray[np.float32]:
    import faiss

    # Spherical: centroids are kept at length 1, because lists are chosen by inner product.
    kmeans = faiss.Kmeans(sample.shape[1], nlist, niter=ROUNDS, spherical=True, seed=SEED, min_points_per_centroid=1)
    kmeans.train(sample)
    return cast("NDArray[np.float32]", kmeans.centroids)
