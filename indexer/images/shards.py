"""Reads shards of embeddings: vectors as arrays, checked to be unit vectors, in batches or as a random sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import IndexCorrupt, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BATCH_ROWS", "SEED", "dim_of", "read_batches", "sample_rows"]

BATCH_ROWS = 4096
"""Rows held at a time: of 512 components 8 MB as float32."""
SEED = 7
"""Of the sample and of k-means, so that the same shards make the same index."""
_LEAST_GROUPS = 64
"""Row groups that a sample is drawn from at least; a few could all be of one kind of picture."""
_UNIT_TOLERANCE = 1e-3
"""How far from 1 a length may be: vectors that were rounded to 16 bits are off by less."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


def dim_of(embedding_files: Sequence[Path]) -> int:
    """Return the number of components of the vectors of shards, by the schema of the first.

    Raises:
        InputError: there is no shard.
        IndexCorrupt: the first one has no column of vectors.
    """
    if not embedding_files:
        raise InputError("there is no embedding shard to index", remedy=_REBUILD)
    try:
        column_type = pq.read_schema(embedding_files[0]).field("vector").type
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a shard of embeddings ({error})", path=embedding_files[0], remedy=_REBUILD) from error
    if not pa.types.is_fixed_size_list(column_type):
        raise IndexCorrupt(f"vectors of type {column_type}", path=embedding_files[0], remedy=_REBUILD)
    return int(column_type.list_size)


def read_batches(path: Path, dim: int) -> Iterator[NDArray[np.float32]]:
    """Read the unit vectors of a shard, in order, as arrays [at most BATCH_ROWS, dim].

    Raises:
        IndexCorrupt: a vector is not a unit vector.
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["file", "vector"], use_threads=False):
            vectors = _to_array(batch["vector"], dim)
            _check_unit(vectors, batch["file"], path)
            yield vectors


def sample_rows(paths: Sequence[Path], dim: int, count: int, total: int) -> tuple[list[str], NDArray[np.float32]]:
    """Draw rows at random from shards, in random order; all rows where there are no more than `count`.

    Whole row groups are decoded, so they are drawn first, twice as many as would do; then rows of each.

    Args:
        paths: shards of embeddings.
        dim: components of a vector.
        count: rows to draw.
        total: rows of all shards.

    Returns:
        Their files, and their vectors [n, dim].

    Raises:
        IndexCorrupt: a vector is not a unit vector.
    """
    import numpy as np

    dice = np.random.default_rng(SEED)
    groups = [(path, group) for path in paths for group in range(pq.read_metadata(path).num_row_groups)]
    if not total:
        return [], np.empty((0, dim), np.float32)
    share = min(1.0, count / total)
    groups_drawn = min(len(groups), max(_LEAST_GROUPS, ceil(2 * share * len(groups))))
    rows_of_group = ceil(count / groups_drawn) if share < 1 else None
    files: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    for at in np.sort(dice.permutation(len(groups))[:groups_drawn]):
        path, group = groups[at]
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(group, ["file", "vector"])
        rows = dice.permutation(table.num_rows)[:rows_of_group]
        files += [table.column("file")[int(row)].as_py() for row in rows]
        group_vectors = _to_array(table.column("vector"), dim)
        _check_unit(group_vectors, table.column("file"), path)
        vectors.append(group_vectors[rows])
    order = dice.permutation(len(files))[:count]
    return [files[at] for at in order], np.concatenate(vectors)[order]


def _to_array(column: Any, dim: int) -> NDArray[np.float32]:
    """Return a column of vectors as an array [n, dim]."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return cast("NDArray[np.float32]", column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim))


def _check_unit(vectors: NDArray[np.float32], files: Any, path: Path) -> None:
    import numpy as np

    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_TOLERANCE))  # so written, it is true for NaN too
    if len(bad):
        raise IndexCorrupt("not a unit vector", path=path, place=str(files[int(bad[0])]), remedy=_REBUILD)
