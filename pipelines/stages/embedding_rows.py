"""The embeddings table: to which shard a file belongs, what a row holds, and how a shard is collected and written."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.images import Missing
from pipelines.stages.results import IMAGE_OUTCOMES, EmbedResult, ImageCounts
from pipelines.storage import ShardWriter, Work, describe_file, part_name
from schemas.manifest import Shard
from schemas.records import Reject
from schemas.tables import REJECTS, embeddings_schema

__all__ = ["EmbeddingRow", "EmbeddingShard", "count_embedding_shards", "embedding_shard_of", "read_image_files"]

_SHARD_USES = 10_000
"""Uses of files by articles for one embedding shard; its vectors (20 MB at 512-d) are held in memory."""
_MIN_SHARDS, _MIN_SHARD_USES = 8, 500
"""A small dump has up to 8 shards, so that the cores of one machine have work, if each has 500 uses."""


def read_image_files(images_table: Path) -> Iterator[str]:
    """Yield the distinct files of an images table, in order of appearance."""
    seen: set[str] = set()
    with pq.ParquetFile(images_table) as table:
        for batch in table.iter_batches(columns=["file"]):
            for file in batch.column(0).to_pylist():
                if file not in seen:
                    seen.add(file)
                    yield file


def count_embedding_shards(uses: int) -> int:
    """Return the number of embedding shards. It follows from the rows of the images tables, never from the workers.

    >>> count_embedding_shards(0), count_embedding_shards(1_100), count_embedding_shards(50_000)
    (1, 3, 8)
    >>> count_embedding_shards(10_000_000)
    1000
    """
    return max(1, min(_MIN_SHARDS, -(-uses // _MIN_SHARD_USES)), -(-uses // _SHARD_USES))


def embedding_shard_of(file: str, shards: int) -> int:
    """Return the number of the embedding shard of a file.

    Args:
        file: its canonical name.
        shards: number of embedding shards.

    >>> embedding_shard_of("Tea.jpg", 1)
    0
    """
    # Not hash(): each process has another one, and an interrupted build must find its shards again.
    return zlib.crc32(file.encode("utf-8")) % shards


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """One row of the embeddings table. sha256, width and height: "" and 0 where the vector was given."""

    file: str
    vector: npt.NDArray[np.float32]
    sha256: str
    width: int
    height: int
    source: str
    page_url: str


class EmbeddingShard:
    """Collects what becomes of the files of one embedding shard: a row or a reject for each, and counts by source."""

    def __init__(self) -> None:
        self.rows: list[EmbeddingRow] = []
        self._rejects: list[Reject] = []
        self._outcomes: dict[str, Counter[str]] = {name: Counter() for name in IMAGE_OUTCOMES}

    def add(self, row: EmbeddingRow) -> None:
        """Add a file that has a vector."""
        self.rows.append(row)
        self._outcomes["images_embedded_by_source"][row.source] += 1

    def add_missing(self, file: str, why: Missing) -> None:
        """Add a file that no source has."""
        self._rejects.append(Reject("image", file, "missing", f"{why.reason}: {why.detail}"))
        self._outcomes["images_missing_by_reason"][why.reason] += 1

    def add_broken(self, file: str, source: str, reason: str, detail: str) -> None:
        """Add a file whose bytes, or whose given vector, cannot be used."""
        self._rejects.append(Reject("image", file, reason, f"{detail} [{source}]"))
        self._outcomes["images_broken_by_reason"][reason] += 1
        self._outcomes["images_broken_by_source"][source] += 1

    def write(
        self,
        work: Work,
        shard: int,
        reject_number: int,
        encoder: dict[str, Any],
        *,
        encoded: int = 0,
        taken_over: int = 0,
        scaled: int | None = None,
    ) -> EmbedResult:
        """Write the tables, rows and rejects ordered by file, then the result, which declares the shard done.

        Args:
            work: where to write.
            shard: number of the embedding shard.
            reject_number: number of its file in the rejects table.
            encoder: "dim", and "fingerprint" where the encoder is one of ours.
            encoded: see ImageCounts.
            taken_over: see EmbedResult.
            scaled: see ImageCounts.
        """
        # Given vectors come in the order in which they lie in their files; the table has one order for every source.
        self.rows.sort(key=lambda row: row.file)
        self._rejects.sort(key=lambda reject: reject.id)
        files = self._write_tables(work, shard, reject_number, encoder["dim"])
        missing = self._outcomes["images_missing_by_reason"].total()
        broken = len(self._rejects) - missing
        counts = ImageCounts(
            len(self.rows) + len(self._rejects), len(self.rows), encoded, missing, broken, scaled=scaled
        )
        outcomes = {name: dict(counter) for name, counter in self._outcomes.items()}
        result = EmbedResult(files, counts, outcomes, taken_over, encoder)
        result.write(work, shard)
        return result

    def _write_tables(self, work: Work, shard: int, reject_number: int, dim: int) -> tuple[Shard, ...]:
        with ShardWriter(work.ready, shard, {"embeddings": embeddings_schema(dim)}) as writer:
            writer.add_table("embeddings", _to_table(self.rows, dim))
        with ShardWriter(work.ready, reject_number, {"rejects": REJECTS}) as writer:
            writer.add("rejects", self._rejects)
        paths = {"embeddings": part_name(shard), "rejects": part_name(reject_number)}
        return tuple(describe_file(work.ready, work.ready / table / paths[table], table) for table in paths)


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
