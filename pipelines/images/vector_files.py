"""Files of vectors that others made, Parquet or NumPy: which columns have vectors and names, and a row's vector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.images.name_index import IndexedName
from pipelines.images.source import Missing
from pipelines.images.tar import name_in_address
from pipelines.storage import is_remote, open_file
from schemas.errors import InputError

__all__ = ["MAX_DIM", "VECTOR_COLUMNS", "VectorFile", "names_beside"]

VECTOR_COLUMNS = ("vector", "embedding", "image_embedding", "img_emb")
"""Columns of vectors; the first that a file has is used. Source: our own embeddings tables, wikimedia/wit_base, others
that are common in published sets."""
_NAMES = ("file", "file_name", "filename", "image_url", "url", "image.path", "image_path", "name")
"""Columns of names; the first that a file has is used. image_path is clip-retrieval's."""
MAX_DIM = 65_536
_MAX_GROUP_VALUES = 2**28
"""Numbers in a row group, which is read whole for one vector: 1 GB as float32."""
_MAX_VECTOR_BYTES = 4 * MAX_DIM
_REMEDY = "fetch it again"


class VectorFile:
    """One Parquet file with a column of vectors and one of names, or a NumPy file with its names in a Parquet file.

    For a vector in Parquet its whole row group is decoded, and the last one is kept in memory; a NumPy file is mapped.

    Args:
        path: path or URL of a Parquet file; path of a NumPy file.
        column: of the vectors; "": the first of VECTOR_COLUMNS.

    Raises:
        InputError: it cannot be read, or has no vectors or no names.
    """

    def __init__(self, path: str, column: str = "") -> None:
        self._path = path
        self._matrix = _map_matrix(path) if path.endswith(".npy") else None
        names_path = path if self._matrix is None else str(names_beside(Path(path)))
        self._file = _open_parquet(names_path)
        schema = self._file.schema_arrow
        leaves = [self._file.schema.column(at).path for at in range(len(self._file.schema))]
        self._names = next((name for name in _NAMES if name in leaves and _is_text(schema, name)), "")
        candidates = (column,) if column else VECTOR_COLUMNS
        self._column = next((name for name in candidates if name in schema.names and _is_vector(schema, name)), "")
        if not self._names or (self._matrix is None and not self._column):
            raise InputError(
                f"the columns {', '.join(schema.names)} are not vectors and names of pictures",
                path=names_path,
                remedy=f"lists of floats ({' or '.join(candidates)}; others by ?column=NAME) and texts "
                f"({', '.join(_NAMES)}) are needed",
            )
        groups = [self._file.metadata.row_group(group) for group in range(self._file.metadata.num_row_groups)]
        # Row numbers count through the whole file; the start of each row group turns them into rows of the group.
        self._starts = np.cumsum([0, *(group.num_rows for group in groups)])
        if self._matrix is None:
            leaf = next(at for at, name in enumerate(leaves) if name.partition(".")[0] == self._column)
            self._check_groups([group.column(leaf).num_values for group in groups])
        elif len(self._matrix) != self._starts[-1]:
            raise InputError(
                f"{len(self._matrix)} vectors, and {self._starts[-1]} names in {names_path}",
                path=path,
                remedy="row n of one belongs to row n of the other: make both again",
            )
        self._cached: tuple[int, pa.ChunkedArray] | None = None

    def _check_groups(self, sizes: list[int]) -> None:
        for group, size in enumerate(sizes):
            if size > _MAX_GROUP_VALUES:
                raise InputError(
                    f"a row group of {size} numbers has to be read for one vector",
                    path=self._path,
                    place=f"row group {group}",
                    remedy="write it again with row groups of about 1,000 rows, or as a NumPy file",
                )

    @property
    def dim(self) -> int | None:
        """The components of the first vector; None if there is none.

        Raises:
            InputError: a row group is damaged.
        """
        if self._matrix is not None:
            return int(self._matrix.shape[1])
        kind = self._file.schema_arrow.field(self._column).type
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        for group in range(len(self._starts) - 1):
            values = self._read(group, self._column).drop_null()
            if len(values):
                return len(values[0].values)
        return None

    def names(self) -> Iterator[IndexedName]:
        """Yield name, rank, row of the file and row group of each vector.

        Raises:
            InputError: a row group is damaged.
        """
        for group, start in enumerate(self._starts[:-1]):
            try:
                names = cast("list[str | None]", self._read(group, self._names).to_pylist())
            except ValueError as error:  # not UTF-8
                raise self._damaged(group, error) from error
            for row, name in enumerate(names):
                if name:
                    yield name_in_address(name).rpartition("/")[2], 0, int(start) + row, group

    def read(self, row: int, group: int) -> npt.NDArray[np.float32] | Missing:
        """Return the vector [dim] of a row of the file, which lies in a row group."""
        found = self._values(row, group)
        if isinstance(found, Missing):
            return found
        # A number that float32 cannot hold becomes infinity, and the vector is refused for it. The values are copied:
        # a view would keep the whole row group in memory as long as the vector.
        with np.errstate(over="ignore", invalid="ignore"):
            vector = np.array(found, np.float32)
        if vector.nbytes > _MAX_VECTOR_BYTES:
            return Missing("too_large", f"{vector.nbytes} bytes, at most {_MAX_VECTOR_BYTES}")
        return vector

    def _values(self, row: int, group: int) -> npt.NDArray[Any] | Missing:
        if self._matrix is not None:
            return np.asarray(self._matrix[row])
        if self._cached is None or self._cached[0] != group:
            self._cached = None
            self._cached = group, self._read(group, self._column)
        value = self._cached[1][row - int(self._starts[group])]
        if not value.is_valid:
            return Missing("no_vector", f"{self._path}, row {row} has no vector")
        found: npt.NDArray[Any] = value.values.to_numpy(zero_copy_only=False)  # a missing component becomes NaN
        return found

    def _read(self, group: int, column: str) -> pa.ChunkedArray:
        try:
            values = self._file.read_row_group(group, columns=[column]).column(0)
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(group, error) from error
        inner = column.partition(".")[2]
        if not inner:
            return values
        return pa.chunked_array([chunk.field(inner) for chunk in values.chunks], type=values.type.field(inner).type)

    def _damaged(self, group: int, error: Exception) -> InputError:
        return InputError(f"row group {group} is damaged ({error})", path=self._path, remedy=_REMEDY)

    def close(self) -> None:
        """Close the files."""
        self._cached = self._matrix = None
        self._file.close(force=True)


def names_beside(path: Path) -> Path:
    """Return the Parquet file with the names of a NumPy file's rows: of the same name, or where clip-retrieval has it.

    >>> names_beside(Path("out/img_emb/img_emb_07.npy")).as_posix()
    'out/metadata/metadata_07.parquet'
    >>> names_beside(Path("out/vectors.npy")).as_posix()
    'out/vectors.parquet'
    """
    beside = path.with_suffix(".parquet")
    if path.parent.name != "img_emb" or beside.is_file():
        return beside
    return path.parent.parent / "metadata" / f"{path.stem.replace('img_emb', 'metadata', 1)}.parquet"


def _map_matrix(path: str) -> npt.NDArray[Any]:
    if is_remote(path):
        raise InputError("a NumPy file is mapped from disk", path=path, remedy="copy it here, or give Parquet files")
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is a Python literal, and errors in it raise many kinds
        raise InputError(f"not a readable NumPy file ({error})", path=path, remedy=_REMEDY) from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind != "f":
        shape, kind = getattr(matrix, "shape", "?"), getattr(matrix, "dtype", "?")
        raise InputError(f"{kind} {shape} are no vectors", path=path, remedy="floats [rows, dim] are needed")
    return matrix


def _open_parquet(path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(open_file(path) if is_remote(path) else path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"not a readable Parquet file ({error})", path=path, remedy=_REMEDY) from error


def _is_vector(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))


def _is_text(schema: pa.Schema, name: str) -> bool:
    outer, _, inner = name.partition(".")
    kind = schema.field(outer).type
    if inner:
        kind = kind.field(inner).type if pa.types.is_struct(kind) else None
    return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
