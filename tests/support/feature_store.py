"""A feature store written by hand, as its contract says, without the program that makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.dataset import input_digest
from schemas.feature_store import (
    ABSENT_ROW,
    StoreInfo,
    ViewInfo,
    feature_samples_schema,
    features_schema,
    write_store,
)
from schemas.records import Sample


def write_features(
    folder: Path,
    samples: Sequence[Sample],
    views: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    dim: int,
    encoder: str = "toy",
) -> Path:
    """Write a store of samples: view -> image -> vectors. An image without a row in the first view is missing."""
    folder.mkdir(parents=True)
    images = list(next(iter(views.values())))
    infos = {}
    for view, rows in views.items():
        parts = [np.array(rows[image], np.float16).reshape(-1, dim) for image in images]
        offsets = pa.array(np.cumsum([0, *map(len, parts)]), pa.int32())
        count = sum(map(len, parts))
        boxes = np.arange(count * 4, dtype=np.float32)

        def fixed(flat: pa.Array, size: int, offsets: pa.Array = offsets) -> pa.Array:
            return pa.ListArray.from_arrays(offsets, pa.FixedSizeListArray.from_arrays(flat, size))

        columns = [
            pa.array(images),
            pa.array([10] * len(images), pa.int32()),
            pa.array([10] * len(images), pa.int32()),
            fixed(pa.array(np.concatenate(parts).ravel(), pa.float16()), dim),
            fixed(pa.array(boxes, pa.float32()), 4),
            pa.ListArray.from_arrays(offsets, pa.array([""] * count, pa.string())),
            pa.ListArray.from_arrays(offsets, pa.array(np.full(count, np.nan), pa.float32())),
        ]
        pq.write_table(pa.Table.from_arrays(columns, schema=features_schema(dim)), folder / f"{view}.parquet")
        infos[view] = ViewInfo(dim, max(map(len, parts), default=0), count, encoder, f"weights of {encoder}")
    table = [
        {
            "sample_id": sample.sample_id,
            "digest": input_digest(sample),
            "row": images.index(sample.image) if sample.image in images else ABSENT_ROW,
            "status": "ok" if sample.image in images else "missing_image",
        }
        for sample in samples
    ]
    pq.write_table(pa.Table.from_pylist(table, feature_samples_schema()), folder / "samples.parquet")
    write_store(folder, StoreInfo("toy", {}, infos, {}, {"encoder": encoder}, 0, 0.0, f"of {folder.name}"))
    return folder
