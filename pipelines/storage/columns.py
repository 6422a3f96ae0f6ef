"""Rows that wait to be written, held as columns of plain Python values, which Arrow takes in one call each.

A page has few rows, so those of many pages are collected and turned into Arrow arrays together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

import pyarrow as pa

__all__ = ["RowColumns"]


class RowColumns:
    """Rows of one table that wait to be written, in order.

    Args:
        schema: of the table.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [_Structs(field.type) if _is_structs(field.type) else _Values(field.type) for field in schema]
        self._records: list[Any] = []
        self.rows = 0

    def add(self, rows: Sequence[Any]) -> None:
        """Append records whose attributes are the columns."""
        self._records += rows
        self.rows += len(rows)

    def add_columns(self, columns: Sequence[Any]) -> None:
        """Append rows given as columns.

        Args:
            columns: one for each field of the schema, in its order: a sequence of values, all of one length. For a
                column of lists of structs: (the lengths of the lists, the values of the first field, of the second,
                ...), where the values of all rows follow each other.
        """
        self._lay_out()
        for column, part in zip(self._columns, columns, strict=True):
            column.add_flat(part)
        self.rows += len(columns[0])

    def take(self, rows: int) -> pa.Table:
        """Return the first rows as a table, and remove them here."""
        self._lay_out()
        self.rows -= rows
        return pa.Table.from_arrays([column.take(rows) for column in self._columns], schema=self._schema)

    def _lay_out(self) -> None:
        """Append the records that wait to the columns."""
        if self._records:
            for name, column in zip(self._schema.names, self._columns, strict=True):
                column.add(list(map(attrgetter(name), self._records)))
            self._records = []


def _is_structs(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type))


class _Values:
    """A column of values that Arrow takes as they are."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._values: list[Any] = []

    def add(self, values: Iterable[Any]) -> None:
        self._values += values

    def add_flat(self, values: Iterable[Any]) -> None:
        self._values += values

    def take(self, rows: int) -> pa.Array:
        taken, self._values = self._values[:rows], self._values[rows:]
        return pa.array(taken, type=self._kind)


class _Structs:
    """A column of lists of structs, as lengths and flat values: Arrow takes a tuple for pairs of name and value."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._fields = list(kind.value_type)
        self._lengths: list[int] = []
        self._parts = [_Values(field.type) for field in self._fields]

    def add(self, values: Sequence[Sequence[Any]]) -> None:
        flat = list(chain.from_iterable(values))
        self.add_flat((map(len, values), *(zip(*flat, strict=True) if flat else [()] * len(self._parts))))

    def add_flat(self, values: Sequence[Iterable[Any]]) -> None:
        lengths, *parts = values  # as `RowColumns.add_columns` describes
        self._lengths += lengths
        for part, items in zip(self._parts, parts, strict=True):
            part.add(items)

    def take(self, rows: int) -> pa.Array:
        taken, self._lengths = self._lengths[:rows], self._lengths[rows:]
        offsets = list(accumulate(taken, initial=0))  # row i has the items from offsets[i] to offsets[i + 1]
        items = pa.StructArray.from_arrays([part.take(offsets[-1]) for part in self._parts], fields=self._fields)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, type=self._kind)
