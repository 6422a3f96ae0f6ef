"""A context cache while it is made: parts beside the place where it will stand, and one rename at the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.context_cache import CACHE_NAME, VECTORS_NAME, CacheInfo, read_cache, write_cache, write_rows
from schemas.errors import StoreError, UsageError
from schemas.manifest import write_json_atomically
from schemas.records import Context, Query
from schemas.tables import CONTEXTS, QUERIES, sample_vectors_schema

__all__ = ["CacheFolder", "Part"]

_ROWS = 100_000
_DICTIONARY_BYTES = 64 * 1024 * 1024
_OVERWRITE = "add --overwrite, or choose another --out"


@dataclass(frozen=True)
class Part:
    """What was found for some samples.

    Args:
        contexts, queries: rows of all sources.
        vectors: image vector [dim] float32 by the digest of its sample.
        encoder: fingerprint of the weights that made the vectors.
        seconds: time of the search by source.
    """

    contexts: Sequence[Context]
    queries: Sequence[Query]
    vectors: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


class CacheFolder:
    """The cache that will stand at out. Its parts lie in `<out>.partial` until `publish`.

    Args:
        out: where the cache will stand.
        plan: JSON values of all that shapes the rows; parts of another plan are never mixed with these.
        overwrite: throw away what another plan left here.

    Raises:
        UsageError: another cache, or the parts of another plan, are here and overwrite is false.
    """

    def __init__(self, out: Path, plan: dict[str, Any], *, overwrite: bool) -> None:
        self.out = out
        self.partial = out.with_name(out.name + ".partial")
        self._overwrite = overwrite
        self.finished = self._find_finished(plan)
        if self.finished is None:
            self._prepare(plan)

    def _find_finished(self, plan: dict[str, Any]) -> CacheInfo | None:
        if not self.out.exists():
            return None
        if not (self.out / CACHE_NAME).is_file():
            raise UsageError(
                "this is there already and is no context cache", path=self.out, remedy="choose another --out"
            )
        try:
            info = read_cache(self.out)
        except StoreError:
            if not self._overwrite:
                raise
            return None
        if json.loads(json.dumps(plan)) == info.parameters:
            return info
        if not self._overwrite:
            raise UsageError("a cache of other samples or settings is here", path=self.out, remedy=_OVERWRITE)
        return None

    def _prepare(self, plan: dict[str, Any]) -> None:
        described = self.partial / "plan.json"
        if self.partial.exists() and not _is_plan(described, plan):
            if not self._overwrite:
                raise UsageError(
                    "an unfinished cache of other samples or settings is here", path=self.partial, remedy=_OVERWRITE
                )
            shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_json_atomically(described, plan)

    def has_part(self, number: int) -> bool:
        """Tell whether a part was finished, now or before an interruption."""
        return self._mark(number).is_file()

    def write_part(self, number: int, part: Part) -> None:
        """Write a part's rows and then its mark."""
        write_rows(self.partial / f"contexts-{number:05}.parquet", CONTEXTS, part.contexts)
        write_rows(self.partial / f"queries-{number:05}.parquet", QUERIES, part.queries)
        if part.vectors:
            rows = [{"digest": digest, "vector": vector} for digest, vector in part.vectors.items()]
            schema = sample_vectors_schema(len(rows[0]["vector"]), part.encoder)
            pq.write_table(pa.Table.from_pylist(rows, schema), self.partial / f"vectors-{number:05}.parquet")
        write_json_atomically(self._mark(number), dict(part.seconds))

    def read_queries(self, parts: int) -> list[Query]:
        """Read the queries of all parts."""
        paths = [self.partial / f"queries-{number:05}.parquet" for number in range(parts)]
        return [Query(**row) for path in paths for row in pq.read_table(path).to_pylist()]

    def seconds(self, parts: int) -> dict[str, float]:
        """Add up the time of all parts by source."""
        total: dict[str, float] = {}
        for number in range(parts):
            for source, value in json.loads(self._mark(number).read_text()).items():
                total[source] = total.get(source, 0.0) + value
        return total

    def publish(self, parts: int, info: CacheInfo) -> CacheInfo:
        """Join the parts, describe the cache and rename its folder into place."""
        for table, schema in (("contexts", CONTEXTS), ("queries", QUERIES)):
            paths = [self.partial / f"{table}-{number:05}.parquet" for number in range(parts)]
            _join(paths, self.partial / f"{table}.parquet", schema)
        vectors = sorted(self.partial.glob("vectors-?????.parquet"))
        if vectors:
            _join(vectors, self.partial / VECTORS_NAME, pq.read_schema(vectors[0]))
        write_cache(self.partial, info)
        if self.out.exists():
            shutil.rmtree(self.out)
        self.partial.rename(self.out)
        for path in [*self.out.glob("*-?????.*"), self.out / "plan.json"]:
            path.unlink()
        return info

    def _mark(self, number: int) -> Path:
        return self.partial / f"part-{number:05}.json"


def _is_plan(path: Path, plan: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(plan)))
    except (OSError, ValueError):
        return False


def _join(paths: Sequence[Path], out: Path, schema: pa.Schema) -> None:
    """Write the parts' rows in large row groups: samples share paragraphs, and a row group keeps each text once."""
    with pq.ParquetWriter(out, schema, compression="zstd", dictionary_pagesize_limit=_DICTIONARY_BYTES) as writer:
        waiting: list[pa.Table] = []
        for path in paths:
            waiting.append(pq.read_table(path))
            if sum(part.num_rows for part in waiting) >= _ROWS:
                writer.write_table(pa.concat_tables(waiting), row_group_size=2 * _ROWS)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=2 * _ROWS)
