"""Rows of the embeddings table, and how a shard of them is written, with its rejects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.storage import ShardWriter, Work, describe_file, part_name
from schemas.records import Reject
from schemas.tables import REJECTS, embeddings_schema

__all__ = ["EmbeddingRow", "write_rows"]


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """One row of the embeddings table. sha256, width and height: "" and 0 where no picture was seen."""

    file: str
    vector: npt.NDArray[np.float32]
    sha256: str
    width: int
    height: int
    source: str
    page_url: str


def write_rows(
    work: Work, shard: int, reject_number: int, rows: Sequence[EmbeddingRow], rejects: Sequence[Reject], dim: int
) -> list[dict[str, Any]]:
    """Write an embedding shard and its rejects; give its files for the manifest.

    Args:
        work: where to write.
        shard: number of the embedding shard.
        reject_number: number of its file in the rejects table.
        rows: ordered by file.
        rejects: in any order.
        dim: components of a vector.
    """
    with ShardWriter(work.ready, shard, {"embeddings": embeddings_schema(dim)}) as writer:
        writer.add_table("embeddings", _to_table(rows, dim))
    with ShardWriter(work.ready, reject_number, {"rejects": REJECTS}) as writer:
        writer.add("rejects", sorted(rejects, key=lambda reject: reject.id))
    paths = {"embeddings": part_name(shard), "rejects": part_name(reject_number)}
    return [vars(describe_file(work.ready, work.ready / table / paths[table], table)) for table in paths]


def _to_table(rows: Sequence[EmbeddingRow], dim: int) -> pa.Table:
    schema = embeddings_schema(dim)
    flat = np.concatenate([row.vector for row in rows]) if rows else np.zeros(0, np.float32)
    columns = [
        pa.array([row.file for row in rows], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), type=schema.field("vector").type),
        pa.array([row.sha256 for row in rows], pa.string()),
        pa.array([row.width for row in rows], pa.int32()),
        pa.array([row.height for row in rows], pa.int32()),
        pa.array([row.source for row in rows], pa.string()),
        pa.array([row.page_url for row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)
