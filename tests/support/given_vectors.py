"""Writes vectors in the forms in which others give them, for `--images vectors:...`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = np.random.default_rng(0).standard_normal((7, 4)).astype(np.float32)
NAMES = [f"P {number}.jpg" for number in range(7)]


def write_vectors(path: Path, vectors: Any, names: list[str] = NAMES, column: str = "vector", **options: Any) -> str:
    """Write a Parquet file of vectors and the addresses of their pictures, in groups of 3 rows; return its spec."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({column: vectors, "url": [f"https://upload.wikimedia.org/a/a9/{name}" for name in names]})
    pq.write_table(table, path, row_group_size=3, **options)
    return f"vectors:{path}"


def fixed(rows: np.ndarray, kind: pa.DataType | None = None) -> pa.Array:
    """Return rows [n, dim] as a column of lists of one length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), kind), rows.shape[1])
