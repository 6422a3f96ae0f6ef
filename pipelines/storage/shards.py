"""The Parquet files of one output shard: written to temporary names, renamed when they are whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage.columns import RowColumns
from schemas.manifest import Shard, sha256_file

__all__ = ["ROW_GROUP_ROWS", "ShardWriter", "describe_file", "part_name", "to_table", "write_table"]

ROW_GROUP_ROWS = 250
"""Rows of a row group: the least that must be read to get one text by its id (benchmarks/text_by_id, decision 0011)."""
_HELD_ROWS = 4 * ROW_GROUP_ROWS
"""Rows that a writer collects in memory and writes at once; a multiple of a row group, so that groups stay whole."""
_UNIQUE_COLUMNS = {"text", "sentence_id", "vector", "sha256"}
"""Columns whose values hardly repeat: a Parquet dictionary of them takes time and space for nothing."""


def part_name(number: int) -> str:
    """Return the name of a shard's file.

    >>> part_name(7)
    'part-00007.parquet'
    """
    return f"part-{number:05d}.parquet"


def to_table(rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Turn records, whose attributes are the schema's columns, into a table.

    >>> from schemas.records import Reject
    >>> from schemas.tables import REJECTS
    >>> to_table([Reject("image", "A.jpg", "missing", "")], REJECTS).column("id").to_pylist()
    ['A.jpg']
    """
    columns = RowColumns(schema)
    columns.add(rows)
    return columns.take(len(rows))


class ShardWriter:
    """Writes the tables of one shard, each to folder/TABLE/part-NNNNN.parquet, in bounded memory.

    Row groups have exactly ROW_GROUP_ROWS rows (the last has the rest), so the bytes depend on the rows alone, not on
    how many are added at a time. Files get their names together, when all tables of the shard are whole; if the block
    ends by an exception, there are none.

    Args:
        folder: in which each table has a folder.
        number: of the shard.
        schemas: table name -> schema.
    """

    def __init__(self, folder: Path, number: int, schemas: Mapping[str, pa.Schema]) -> None:
        self._files = {table: _TableFile(folder / table / part_name(number), schemas[table]) for table in schemas}

    def add(self, table: str, rows: Sequence[Any]) -> None:
        """Append records whose attributes are the table's columns."""
        self._files[table].add(rows)

    def add_columns(self, table: str, columns: Sequence[Any]) -> None:
        """Append rows given as columns of values (`RowColumns.add_columns`)."""
        self._files[table].add_columns(columns)

    def add_table(self, table: str, rows: pa.Table) -> None:
        """Append rows of a table."""
        self._files[table].add_table(rows)

    def rows(self) -> dict[str, int]:
        """Return the number of rows written so far, by table."""
        return {table: file.rows for table, file in self._files.items()}

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for file in self._files.values():
                    file.finish()  # all before the first is published: a full disk mostly fails here
                for file in self._files.values():
                    file.publish()
        finally:
            for file in self._files.values():
                file.discard()


class _TableFile:
    """One Parquet file that is being written, under a temporary name of this process.

    Rows come as values (`_waiting`) or as Arrow tables (`_tables`), and keep their order: values that come after tables
    are made a table, behind them.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._path = path
        # With the process id: an engine may run a shard twice at once, and each run then publishes the same bytes
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._schema = schema
        self._waiting = RowColumns(schema)
        self._tables: list[pa.Table] = []
        self._table_rows = 0
        self._writer = open_writer(self._temporary, schema)

    def add(self, rows: Sequence[Any]) -> None:
        self._waiting.add(rows)
        self._write_full()

    def add_columns(self, columns: Sequence[Any]) -> None:
        self._waiting.add_columns(columns)
        self._write_full()

    def _write_full(self) -> None:
        """Write rows that came as values, as far as they fill what is written at once."""
        while not self._tables and self._waiting.rows >= _HELD_ROWS:
            self._write(self._waiting.take(_HELD_ROWS))
        self._write_tables(is_last=False)

    def add_table(self, rows: pa.Table) -> None:
        self._take_waiting()
        self._tables.append(rows.cast(self._schema))
        self._table_rows += rows.num_rows
        self._write_tables(is_last=False)

    def _take_waiting(self) -> None:
        """Append the rows that wait as values to the tables that wait."""
        if self._waiting.rows:
            self._table_rows += self._waiting.rows
            self._tables.append(self._waiting.take(self._waiting.rows))

    def _write_tables(self, *, is_last: bool) -> None:
        if not self._tables or (not is_last and self._table_rows + self._waiting.rows < _HELD_ROWS):
            return
        self._take_waiting()
        rows = pa.concat_tables(self._tables)
        while rows.num_rows >= _HELD_ROWS or (is_last and rows.num_rows):
            self._write(rows.slice(0, _HELD_ROWS))
            rows = rows.slice(_HELD_ROWS)
        self._tables, self._table_rows = [rows] if rows.num_rows else [], rows.num_rows

    def _write(self, rows: pa.Table) -> None:
        # One chunk: the writer ends pages of values at chunks, and then bytes would depend on how rows came
        self._writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP_ROWS)
        self.rows += rows.num_rows

    def finish(self) -> None:
        self._take_waiting()
        self._write_tables(is_last=True)
        self._writer.close()

    def publish(self) -> None:
        with open(self._temporary, "rb") as file:
            os.fsync(file.fileno())  # without it, a power cut could leave the name and not the bytes
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there. On a full disk to close the writer fails once more."""
        if self._temporary.exists():
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._temporary.unlink()


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file for writing, with the settings of all our tables.

    Only page ids have statistics. Rows are looked up by page id, and statistics of texts would be most of the footer.
    """
    repeating = [
        leaf for field in schema if field.name not in _UNIQUE_COLUMNS for leaf in _leaves(field.type, field.name)
    ]
    return pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=repeating or False, write_statistics=["page_id"]
    )


def _leaves(kind: pa.DataType, path: str) -> list[str]:
    """Return the paths of the columns that Parquet makes of one of ours: of a list of structs, one for each field.

    >>> _leaves(pa.list_(pa.struct([pa.field("start", pa.int32()), pa.field("target", pa.string())])), "links")
    ['links.list.element.start', 'links.list.element.target']
    """
    if pa.types.is_list(kind):
        return _leaves(kind.value_type, f"{path}.list.element")
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaves(field.type, f"{path}.{field.name}")]
    return [path]


def write_table(path: Path, rows: pa.Table) -> None:
    """Write a small table to a file in one step: under a temporary name, then rename it."""
    file = _TableFile(path, rows.schema)
    try:
        file.add_table(rows)
        file.finish()
        file.publish()
    finally:
        file.discard()


def describe_file(folder: Path, path: Path, table: str) -> Shard:
    """Describe a finished file for the manifest: rows (None if it is no Parquet file), size and hash.

    Args:
        folder: the output folder; paths in the manifest are relative to it.
        path: the file.
        table: the table or index that it belongs to.
    """
    rows = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None
    return Shard(table, path.relative_to(folder).as_posix(), rows, path.stat().st_size, sha256_file(path))
