"""The folder of a context cache: the contexts that each source found for each sample.

It holds `queries.parquet` (one row for each sample and source), `contexts.parquet` (one row for each context) and
`contexts.json`, which sums them up and is written last: a folder without it is not a cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import SCHEMA_VERSION
from schemas.descriptions import read_description
from schemas.manifest import write_json_atomically
from schemas.records import Context, Query
from schemas.tables import CONTEXTS, QUERIES, read_table

__all__ = [
    "CACHE_NAME",
    "VECTORS_NAME",
    "CacheInfo",
    "SourceInfo",
    "describe_query",
    "keeps_addresses",
    "puts_description_first",
    "read_cache",
    "read_context_rows",
    "read_query_rows",
    "summarise",
    "write_cache",
    "write_rows",
]

CACHE_NAME = "contexts.json"
VECTORS_NAME = "vectors.parquet"
"""The table of the samples' image vectors; it exists if an image view was searched."""
_ALL_TOKENS = "tokens joined by blanks"
_WITHOUT_ADDRESSES = "tokens without web addresses, joined by blanks"
"""How the text queries were made, as the parameters of a cache describe it; `keeps_addresses` reads it."""
_BEFORE_TEXT = "before the text"
_KIND = "contexts"
_REMEDY = "make it again: mie-index retrieve, or mie-index contexts import, with --overwrite"


@dataclass(frozen=True)
class SourceInfo:
    """One source of contexts in numbers; each share is a share of the samples."""

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
        fingerprints: of the samples of the data set, by split.
        sources: counts by the name of the source.
        index_fingerprint: of the index that was searched; None for imported files.
        parameters: everything else that shaped the rows (k, analyzer, encoder, file names and hashes).
        seconds_per_sample: wall time of the search by source, including the time to load the engine and its model.
        kind: of the folder; always that of a context cache.
        schema_version: of the tables.
    """

    dataset: str
    fingerprints: dict[str, str]
    sources: dict[str, SourceInfo]
    index_fingerprint: str | None
    parameters: dict[str, Any]
    seconds_per_sample: dict[str, float]
    kind: str = _KIND
    schema_version: int = SCHEMA_VERSION


def describe_query(*, keep_addresses: bool, title_boost: float, description_first: bool = False) -> dict[str, Any]:
    """Describe how the queries of both views are made and their answers written, for the parameters of a cache.

    >>> describe_query(keep_addresses=True, title_boost=2.0)
    {'text': 'tokens joined by blanks', 'image': 'picture', 'title_boost': 2.0}
    """
    query: dict[str, Any] = {"text": _ALL_TOKENS if keep_addresses else _WITHOUT_ADDRESSES, "image": "picture"}
    query |= {"title_boost": title_boost} if title_boost else {}
    return query | ({"description": _BEFORE_TEXT} if description_first else {})


def keeps_addresses(query: Mapping[str, Any]) -> bool:
    """Return whether the text queries of a cache kept the web addresses of posts.

    Args:
        query: what `describe_query` returned, as the parameters of a cache hold it under `query`.

    >>> keeps_addresses(describe_query(keep_addresses=True, title_boost=0.0)), keeps_addresses({})
    (True, False)
    """
    return query.get("text") == _ALL_TOKENS


def puts_description_first(query: Mapping[str, Any]) -> bool:
    """Return whether the texts of a cache begin with the descriptions of their articles.

    Args:
        query: what `describe_query` returned, as the parameters of a cache hold it under `query`.

    >>> puts_description_first(describe_query(keep_addresses=False, title_boost=0.0, description_first=True))
    True
    """
    return query.get("description") == _BEFORE_TEXT


def summarise(queries: Iterable[Query]) -> dict[str, SourceInfo]:
    """Count the results of each source.

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
    """Write a table under a temporary name, and rename it when it is complete."""
    temporary = path.with_name(path.name + ".tmp")
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), temporary)
    temporary.replace(path)


def write_cache(folder: Path, info: CacheInfo) -> None:
    """Write `contexts.json`, after both tables: it declares the cache finished."""
    write_json_atomically(folder / CACHE_NAME, asdict(info))


def read_cache(folder: str | Path) -> CacheInfo:
    """Read `contexts.json`.

    Raises:
        IndexNotFound: the folder has no such file.
        IndexCorrupt: the file cannot be read as one of ours.
        IndexMismatch: the file has another schema version.
    """
    path = Path(folder) / CACHE_NAME
    return read_description(path, _to_info, kind=_KIND, version=SCHEMA_VERSION, noun="context cache", remedy=_REMEDY)


def _to_info(values: dict[str, Any]) -> CacheInfo:
    sources = {name: SourceInfo(**row) for name, row in values["sources"].items()}
    return CacheInfo(**{**values, "sources": sources})


def read_query_rows(folder: str | Path) -> list[Query]:
    """Read the queries, in the order of the samples."""
    return [Query(**row) for row in read_table(Path(folder) / "queries.parquet", QUERIES, _REMEDY).to_pylist()]


def read_context_rows(folder: str | Path) -> list[Context]:
    """Read all contexts, in the order of samples, sources and ranks."""
    return [Context(**row) for row in read_table(Path(folder) / "contexts.parquet", CONTEXTS, _REMEDY).to_pylist()]
