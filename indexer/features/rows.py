"""The vectors of a picture in one view, and the rows of many pictures as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from schemas.feature_store import features_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PictureSize", "TableHash", "ViewRows", "drop_not_finite", "no_rows", "to_table"]


class PictureSize(NamedTuple):
    """The name of a picture, and its width and height in pixels as displayed; 0 where nobody knows them."""

    name: str
    width: int
    height: int


class ViewRows(NamedTuple):
    """The vectors of a picture in one view.

    Args:
        values: [K, D].
        boxes: where each is in the picture, in pixels [K, 4]; NaN where it has no place.
        names: of what is there, "" where nobody says it [K].
        scores: how sure that is [K]; NaN where nobody says it.
    """

    values: NDArray[np.float16]
    boxes: NDArray[np.float32]
    names: Sequence[str]
    scores: NDArray[np.float32]


def no_rows(dim: int) -> ViewRows:
    """Return the rows of a picture that has none."""
    import numpy as np

    empty = np.empty(0, np.float32)
    return ViewRows(np.empty((0, dim), np.float16), np.empty((0, 4), np.float32), (), empty)


def drop_not_finite(
    values: NDArray[np.float32],
    boxes: NDArray[np.float32],
    names: Sequence[str],
    scores: NDArray[np.float32],
    group: int = 1,
) -> tuple[ViewRows, list[int]]:
    """Return rows as they are stored, without those that are no numbers in float16.

    Args:
        values: [K, D].
        boxes: [K, 4].
        names: [K].
        scores: [K].
        group: rows that stand or fall together: the four positions of a pyramid.

    Returns:
        the rows, and the numbers of the rows left out.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        small = values.astype(np.float16)
    is_right = np.isfinite(small).all(axis=1).reshape(-1, group).all(axis=1).repeat(group)
    kept = [name for name, right in zip(names, is_right, strict=True) if right]
    rows = ViewRows(small[is_right], boxes[is_right], kept, scores[is_right])
    return rows, np.flatnonzero(~is_right).tolist()


def to_table(pictures: Sequence[PictureSize], rows: Sequence[ViewRows], dim: int) -> pa.Table:
    """Return the table of a view: a row for each picture."""
    import numpy as np

    offsets = pa.array(np.cumsum([0, *(len(row.values) for row in rows)]), pa.int32())
    names = pa.array([name for row in rows for name in row.names], pa.string())
    columns = [
        pa.array([picture.name for picture in pictures], pa.string()),
        pa.array([picture.width for picture in pictures], pa.int32()),
        pa.array([picture.height for picture in pictures], pa.int32()),
        _lists(offsets, [row.values for row in rows], pa.float16(), dim),
        _lists(offsets, [row.boxes for row in rows], pa.float32(), 4),
        pa.ListArray.from_arrays(offsets, names),
        pa.ListArray.from_arrays(offsets, pa.array(np.concatenate([row.scores for row in rows]), pa.float32())),
    ]
    return pa.Table.from_arrays(columns, schema=features_schema(dim))


def _lists(offsets: pa.Array, parts: Sequence[NDArray[np.generic]], kind: pa.DataType, dim: int) -> pa.Array:
    import numpy as np

    flat = pa.array(np.concatenate(parts).reshape(-1), kind)
    return pa.ListArray.from_arrays(offsets, pa.FixedSizeListArray.from_arrays(flat, dim))


class TableHash:
    """The hash of all values of a view, however its rows are divided into parts."""

    def __init__(self) -> None:
        self._columns = {name: hashlib.sha256() for name in ("lengths", "values", "boxes", "scores", "names")}

    def add(self, table: pa.Table) -> None:
        """Add the rows of a part."""
        for name in ("values", "boxes", "scores"):
            for chunk in table[name].chunks:
                flat = chunk.flatten() if name == "scores" else chunk.flatten().flatten()
                self._columns[name].update(flat.to_numpy(zero_copy_only=False).tobytes())
        for row in zip(table["picture"].to_pylist(), table["names"].to_pylist(), strict=True):
            self._columns["names"].update(repr(row).encode())
            self._columns["lengths"].update(f"{len(row[1])} ".encode())

    def hexdigest(self) -> str:
        """Return the hash of all rows so far."""
        digest = hashlib.sha256()
        for column in self._columns.values():
            digest.update(column.digest())
        return digest.hexdigest()
