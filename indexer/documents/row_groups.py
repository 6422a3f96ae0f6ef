"""Decoded row groups of Parquet tables, and a cache of those that were used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RowGroup", "RowGroupCache"]

_ID_BYTES = 72
"""Memory of an id as a Python string in a list."""


class RowGroup:
    """Decoded rows, found by page or by id.

    Rows are found in plain Python and NumPy: Arrow's own filters import pandas, which takes longer than a whole query.

    Args:
        table: the rows.
        key: the column of the ids.
    """

    def __init__(self, table: pa.Table, key: str) -> None:
        self._table = table
        self._key = key
        self.size_bytes: int = table.get_total_buffer_size() + _ID_BYTES * table.num_rows

    def row_of(self, doc_id: str) -> dict[str, Any] | None:
        """Return the first row of an id, or None."""
        if doc_id not in self._ids:
            return None
        at = self._ids.index(doc_id)
        return {name: self._table.column(name)[at].as_py() for name in self._table.column_names}

    def runs_of(self, page_id: int) -> Iterator[pa.Table]:
        """Return the rows of a page, as runs of rows."""
        for first, count in _runs(self._page_ids, page_id):
            yield self._table.slice(first, count)

    @cached_property
    def _ids(self) -> list[str]:
        """The ids as a list: among 250 rows, making a dictionary takes longer than it saves."""
        ids: list[str] = self._table.column(self._key).to_pylist()
        return ids

    @cached_property
    def _page_ids(self) -> NDArray[np.int64]:
        """The column of page ids, from Arrow's buffer, because Arrow's own conversion imports pandas."""
        import numpy as np

        whole = self._table.column("page_id").combine_chunks()
        return np.frombuffer(whole.buffers()[1], np.int64, len(whole), 8 * whole.offset)


class RowGroupCache:
    """Keeps the row groups that were used last, up to a number of bytes. Threads may share it.

    One thread at a time decodes, which takes less than a millisecond, so a row group that several need is decoded once.

    Args:
        limit_bytes: of all row groups together; the last one is kept however large it is.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held: OrderedDict[tuple[object, ...], RowGroup] = OrderedDict()
        self._lock = Lock()
        self.size_bytes = 0
        """Bytes of the row groups in the cache."""

    def get(self, key: tuple[object, ...], decode: Callable[[], RowGroup]) -> RowGroup:
        """Return the row group of a key, decoded if it is not in the cache.

        >>> cache = RowGroupCache(1 << 20)
        >>> rows = RowGroup(pa.table({"id": ["a", "b"], "text": ["one", "two"]}), "id")
        >>> cache.get(("t", 0), lambda: rows) is cache.get(("t", 0), lambda: 1 / 0)
        True
        >>> rows.row_of("b")
        {'id': 'b', 'text': 'two'}
        """
        with self._lock:
            found = self._held.pop(key, None)  # and back at the end: the order is that of the last use
            if found is None:
                found = decode()
                self.size_bytes += found.size_bytes
            self._held[key] = found
            while self.size_bytes > self._limit_bytes and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                self.size_bytes -= dropped.size_bytes
            return found


def _runs(values: NDArray[np.int64], value: int) -> Iterator[tuple[int, int]]:
    """Return (first, count) of each run of a value.

    >>> import numpy as np
    >>> list(_runs(np.array([7, 7, 9, 7]), 7))
    [(0, 2), (3, 1)]
    """
    at = (values == value).nonzero()[0].tolist()
    start = 0
    for number in range(1, len(at) + 1):
        if number == len(at) or at[number] != at[number - 1] + 1:
            yield at[start], number - start
            start = number
