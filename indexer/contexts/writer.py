"""Writes a context cache: in parts, so that an interrupted retrieval continues, and into place by one rename.

Files while it is made, of which the mark comes last in each part, and when it is finished:

    <out>.partial/  plan.json               the parameters; parts of other parameters are never mixed with these
                    contexts-00000.parquet
                    queries-00000.parquet
                    vectors-00000.parquet   if there are image vectors
                    part-00000.json         the mark: part 0 is finished
    <out>/          contexts.parquet  queries.parquet  vectors.parquet  contexts.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.part_folder import PartFolder
from schemas.context_cache import CACHE_NAME, VECTORS_NAME, CacheInfo, read_cache, write_cache, write_rows
from schemas.manifest import write_json_atomically
from schemas.records import Context, Query
from schemas.tables import CONTEXTS, QUERIES, sample_vectors_schema

__all__ = ["CachePart", "CacheWriter"]

_ROWS_JOINED = 100_000
_DICTIONARY_BYTES = 64 * 1024 * 1024
"""Size of a dictionary of texts, above Parquet's default of 1 MB: beyond it each text would be stored anew."""


@dataclass(frozen=True)
class CachePart:
    """The rows of a number of samples.

    Args:
        contexts: of all sources.
        queries: of all sources.
        vectors: image vector [dim] float32 by the digest of its sample.
        encoder: fingerprint of the weights that made the vectors.
        seconds: time of the search by source.
    """

    contexts: Sequence[Context]
    queries: Sequence[Query]
    vectors: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


class CacheWriter(PartFolder[CacheInfo]):
    """Writes the parts of a cache into `<out>.partial`; `publish` joins them and renames the folder to `out`.

    Where a finished cache of the same parameters is at `out` already, `finished` describes it and nothing is prepared.

    Args:
        out: the folder of the cache.
        parameters: JSON values of all that shapes the rows.
        overwrite: delete what was made with other parameters.

    Raises:
        UsageError: another cache, or parts made with other parameters, are here and overwrite is false.
    """

    def __init__(self, out: Path, parameters: dict[str, Any], *, overwrite: bool) -> None:
        super().__init__(out, parameters, CACHE_NAME, read_cache, "context cache", overwrite=overwrite)

    def write_part(self, number: int, part: CachePart) -> None:
        """Write the rows of a part, and then its mark."""
        write_rows(self.partial / f"contexts-{number:05}.parquet", CONTEXTS, part.contexts)
        write_rows(self.partial / f"queries-{number:05}.parquet", QUERIES, part.queries)
        if part.vectors:
            rows = [{"digest": digest, "vector": vector} for digest, vector in part.vectors.items()]
            schema = sample_vectors_schema(len(rows[0]["vector"]), part.encoder)
            pq.write_table(pa.Table.from_pylist(rows, schema), self.partial / f"vectors-{number:05}.parquet")
        write_json_atomically(self.mark(number), dict(part.seconds))

    def read_queries(self, parts: int) -> list[Query]:
        """Read the queries of all parts."""
        paths = [self.partial / f"queries-{number:05}.parquet" for number in range(parts)]
        return [Query(**row) for path in paths for row in pq.read_table(path).to_pylist()]

    def seconds(self, parts: int) -> dict[str, float]:
        """Return the time of the search by source, summed over all parts."""
        total: dict[str, float] = {}
        for number in range(parts):
            for source, value in json.loads(self.mark(number).read_text()).items():
                total[source] = total.get(source, 0.0) + value
        return total

    def publish(self, parts: int, info: CacheInfo) -> CacheInfo:
        """Join the parts, write the description, and rename the folder into place."""
        for table, schema in (("contexts", CONTEXTS), ("queries", QUERIES)):
            paths = [self.partial / f"{table}-{number:05}.parquet" for number in range(parts)]
            _join(paths, self.partial / f"{table}.parquet", schema)
        vectors = sorted(self.partial.glob("vectors-?????.parquet"))
        if vectors:
            _join(vectors, self.partial / VECTORS_NAME, pq.read_schema(vectors[0]))
        write_cache(self.partial, info)
        self.move_into_place()
        return info


def _join(paths: Sequence[Path], out: Path, schema: pa.Schema) -> None:
    """Write the rows of all parts in large row groups: samples share paragraphs, and a row group stores a text once."""
    with pq.ParquetWriter(out, schema, compression="zstd", dictionary_pagesize_limit=_DICTIONARY_BYTES) as writer:
        tables: list[pa.Table] = []
        for path in paths:
            tables.append(pq.read_table(path))
            # Whole parts are gathered, so a table is a little larger than _ROWS_JOINED and still one row group.
            if sum(table.num_rows for table in tables) >= _ROWS_JOINED:
                writer.write_table(pa.concat_tables(tables), row_group_size=2 * _ROWS_JOINED)
                tables = []
        if tables:
            writer.write_table(pa.concat_tables(tables), row_group_size=2 * _ROWS_JOINED)
