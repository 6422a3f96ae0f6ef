"""The folder of a context cache: what each source gave for each sample, and `contexts.json`, written last."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import SCHEMA_VERSION
from schemas.dataset import read_table
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound
from schemas.manifest import write_json_atomically
from schemas.records import Context, Query
from schemas.tables import CONTEXTS, QUERIES

__all__ = [
    "ALL_TOKENS",
    "CACHE_NAME",
    "VECTORS_NAME",
    "WITHOUT_ADDRESSES",
    "CacheInfo",
    "SourceInfo",
    "read_cache",
    "read_context_rows",
    "read_query_rows",
    "summarise",
    "write_cache",
    "write_rows",
]

CACHE_NAME = "contexts.json"
VECTORS_NAME = "vectors.parquet"
"""Image vectors of the samples, where an image view was asked."""
ALL_TOKENS = "tokens joined by blanks"
WITHOUT_ADDRESSES = "tokens without web addresses, joined by blanks"
"""What the text view asked for, in a cache's parameters."""
_KIND = "contexts"
_REMEDY = "make it again: mie-index retrieve, or mie-index contexts import, with --overwrite"


@dataclass(frozen=True)
class SourceInfo:
    """One source of contexts in figures; the shares are of its samples."""

    samples: int
    contexts: int
    share_with_hit: float
    share_without_image: float
    share_without_hit: float
    statuses: dict[str, int]


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds.

    Args:
        dataset: name of the data set.
        fingerprints: of the samples asked for, by split.
        sources: by name.
        index_fingerprint: of the index asked; None for imported files.
        parameters: all else that shaped the rows (k, analyzer, encoder, file names and hashes).
        seconds_per_sample: wall time of the search by source, with loading the engine and its model.
    """

    dataset: str
    fingerprints: dict[str, str]
    sources: dict[str, SourceInfo]
    index_fingerprint: str | None
    parameters: dict[str, Any]
    seconds_per_sample: dict[str, float]
    kind: str = _KIND
    schema_version: int = SCHEMA_VERSION


def summarise(queries: Iterable[Query]) -> dict[str, SourceInfo]:
    """Count what each source gave.

    >>> summarise([Query("a", "image", "", "no_image", 0), Query("b", "image", "", "hit", 3)])["image"].share_with_hit
    0.5
    """
    grouped: dict[str, list[Query]] = {}
    for query in queries:
        grouped.setdefault(query.source, []).append(query)
    return {source: _source_info(rows) for source, rows in grouped.items()}


def _source_info(rows: list[Query]) -> SourceInfo:
    statuses: dict[str, int] = {}
    for row in rows:
        statuses[row.status] = statuses.get(row.status, 0) + 1
    without_image = sum(statuses.get(name, 0) for name in ("no_image", "missing_image", "broken_image"))
    return SourceInfo(
        samples=len(rows),
        contexts=sum(row.contexts for row in rows),
        share_with_hit=statuses.get("hit", 0) / len(rows),
        share_without_image=without_image / len(rows),
        share_without_hit=statuses.get("no_hit", 0) / len(rows),
        statuses=dict(sorted(statuses.items())),
    )


def write_rows(path: Path, schema: pa.Schema, rows: Iterable[Context | Query]) -> None:
    """Write rows to a temporary name and rename it."""
    temporary = path.with_name(path.name + ".tmp")
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), temporary)
    temporary.replace(path)


def write_cache(folder: Path, info: CacheInfo) -> None:
    """Declare a cache finished: the last act, after both of its tables."""
    write_json_atomically(folder / CACHE_NAME, asdict(info))


def read_cache(folder: str | Path) -> CacheInfo:
    """Read what a cache holds.

    Raises:
        IndexNotFound: it has no `contexts.json`.
        IndexCorrupt: that file is not one of ours.
        IndexMismatch: it was written under another schema version.
    """
    path = Path(folder) / CACHE_NAME
    if not path.is_file():
        raise IndexNotFound("no finished context cache here (there is no contexts.json)", path=folder, remedy=_REMEDY)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("kind") != _KIND:
            raise ValueError("not the description of a context cache")
        if values["schema_version"] != SCHEMA_VERSION:
            raise IndexMismatch("another schema version", path=path, remedy=_REMEDY)
        sources = {name: SourceInfo(**row) for name, row in values["sources"].items()}
        return CacheInfo(**{**values, "sources": sources})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IndexCorrupt(f"unreadable description ({error})", path=path, remedy=_REMEDY) from error


def read_query_rows(folder: str | Path) -> list[Query]:
    """Read what was asked, in the order of the samples."""
    return [Query(**row) for row in read_table(Path(folder) / "queries.parquet", QUERIES, _REMEDY).to_pylist()]


def read_context_rows(folder: str | Path) -> list[Context]:
    """Read all contexts, in the order of the samples, sources and ranks."""
    return [Context(**row) for row in read_table(Path(folder) / "contexts.parquet", CONTEXTS, _REMEDY).to_pylist()]
