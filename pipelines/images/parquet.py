"""Parquet files of pictures: which column has the bytes, which one the names, and the bytes of a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.images.name_index import IndexedName
from pipelines.images.source import Missing
from pipelines.images.tar import name_in_address
from pipelines.storage import is_remote, open_file
from schemas.errors import InputError

__all__ = ["ParquetContainer"]

_BYTES = ("image.bytes", "image", "image_bytes", "bytes", "jpg", "jpeg", "png", "webp", "content")
_NAMES = ("file", "file_name", "filename", "image_url", "url", "image.path", "name")
"""Columns of bytes and of names; the first that a file has is used. Source: wikimedia/wit_base (image {bytes, path},
image_url), the Image feature of datasets, WebDataset converted to Parquet."""
_MAX_GROUP_BYTES = 2**30
"""Of bytes in a row group, which is read whole for one picture."""
_REMEDY = "fetch it again"


class ParquetContainer:
    """One Parquet file. For a picture its whole row group is decoded; the last one is kept in memory.

    Args:
        path: path or URL.

    Raises:
        InputError: it is no Parquet file, or has no column of bytes or none of names.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._file = pq.ParquetFile(open_file(path) if is_remote(path) else path)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"not a readable Parquet file ({error})", path=path, remedy=_REMEDY) from error
        # A column inside a struct ("image.bytes") is a leaf of the Parquet schema, under its path with dots.
        leaves = {self._file.schema.column(at).path: at for at in range(len(self._file.schema))}
        schema = self._file.schema_arrow
        self._bytes = next((name for name in _BYTES if name in leaves and _is_binary(schema, name)), "")
        self._name = next((name for name in _NAMES if name in leaves and _is_text(schema, name)), "")
        if not self._bytes or not self._name:
            raise InputError(
                f"the columns {', '.join(schema.names)} are not bytes and names of pictures",
                path=path,
                remedy=f"one of bytes ({', '.join(_BYTES)}) and one of text ({', '.join(_NAMES)}) are needed",
            )
        self._leaf = leaves[self._bytes]
        self._cached: tuple[int, pa.ChunkedArray] | None = None

    def names(self) -> Iterator[IndexedName]:
        """Yield name, rank, row group and row of each picture.

        Raises:
            InputError: a row group is too large to be read for one picture, or damaged.
        """
        for group in range(self._file.metadata.num_row_groups):
            size = self._file.metadata.row_group(group).column(self._leaf).total_uncompressed_size
            if size > _MAX_GROUP_BYTES:
                raise InputError(
                    f"a row group of {size} bytes has to be read for each picture",
                    path=self._path,
                    place=f"row group {group}",
                    remedy="write it again with row groups of about 100 rows",
                )
            for row, name in enumerate(self._texts(group)):
                if name:
                    yield name_in_address(name).rpartition("/")[2], 0, group, row

    def _texts(self, group: int) -> list[str | None]:
        try:
            return cast("list[str | None]", self._read(group, self._name).to_pylist())
        except ValueError as error:  # not UTF-8
            raise InputError(f"row group {group} is damaged ({error})", path=self._path, remedy=_REMEDY) from error

    def _read(self, group: int, column: str) -> pa.ChunkedArray:
        try:
            values = self._file.read_row_group(group, columns=[column]).column(0)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"row group {group} is damaged ({error})", path=self._path, remedy=_REMEDY) from error
        return _field(values, column.partition(".")[2])

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:
        """Return the bytes of a row group's (`first`) row (`second`)."""
        if self._cached is None or self._cached[0] != first:
            self._cached = None  # freed before the next row group is read, so that one is held and not two
            self._cached = first, self._read(first, self._bytes)
        data: bytes | None = self._cached[1][second].as_py()
        if not data:
            return Missing("no_bytes", f"{self._path}, row group {first}, row {second} has no bytes")
        return data if len(data) <= max_bytes else Missing("too_large", f"{len(data)} bytes, at most {max_bytes}")

    def close(self) -> None:
        """Close the file."""
        self._cached = None
        self._file.close(force=True)


def _field(values: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if not name:
        return values
    return pa.chunked_array([chunk.field(name) for chunk in values.chunks], type=values.type.field(name).type)


def _type_of(schema: pa.Schema, name: str) -> pa.DataType | None:
    outer, _, inner = name.partition(".")
    kind = schema.field(outer).type
    if not inner:
        return kind
    return kind.field(inner).type if pa.types.is_struct(kind) else None


def _is_binary(schema: pa.Schema, name: str) -> bool:
    kind = _type_of(schema, name)
    return kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(schema: pa.Schema, name: str) -> bool:
    kind = _type_of(schema, name)
    return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
