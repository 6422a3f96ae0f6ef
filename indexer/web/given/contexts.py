"""The contexts of one sample at a time, from caches of any size: tables stay in Arrow's columns."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.context_cache import CacheInfo, read_cache
from schemas.dataset import input_digest
from schemas.errors import IndexCorrupt, MieError
from schemas.records import Context, Query, Sample
from schemas.tables import CONTEXTS, QUERIES, check_table

__all__ = ["ContextCaches", "SourceContexts"]

_REMEDY = "make it again: mie-index retrieve, or mie-index contexts import, with --overwrite"


@dataclass(frozen=True, slots=True)
class SourceContexts:
    """The contexts that one source of a cache has for a sample.

    Args:
        cache: name of the cache.
        source: name of the source.
        status: hit, no_hit, no_image, missing_image, broken_image; not_asked where the cache lacks the sample; other
            where it was made for other tokens or another image (then there are no contexts).
        contexts: by rank.
    """

    cache: str
    source: str
    status: str
    contexts: tuple[Context, ...]


class _TableBySample:
    """A table of a cache, whose rows are found by sample.

    A cache has its rows in the order of the samples, so the rows of one sample are a few ranges: to keep (first row,
    number of rows) of each takes far less than an index of all rows. Texts are dictionary-encoded, so that a text
    that many samples share is held once.

    Args:
        path: of the Parquet file.
        schema: that it must have.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        check_table(path, schema)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        try:
            self._table = pq.read_table(path, read_dictionary=texts, use_threads=False).combine_chunks()
            self._table.validate(full=True)  # text that is not UTF-8 would fail later, at each row
        except (OSError, pa.ArrowException) as error:
            raise IndexCorrupt(f"the table cannot be read ({error})", path=path, remedy=_REMEDY) from error
        self._ranges = _ranges_of(self._table.column("sample_id"))
        pa.default_memory_pool().release_unused()  # decoding took several times the memory that the table keeps

    def rows(self, sample_id: str) -> list[dict[str, object]]:
        """Return the rows of a sample."""
        ranges = self._ranges.get(sample_id, ())
        return [row for first, count in ranges for row in self._table.slice(first, count).to_pylist()]


def _ranges_of(column: pa.ChunkedArray) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return (first row, number of rows) of each range of equal values, by value.

    >>> _ranges_of(pa.chunked_array([["a", "a", "b", "a"]]))
    {'a': ((0, 2), (3, 1)), 'b': ((2, 1),)}
    """
    import pyarrow.compute as pc

    if not len(column):
        return {}
    encoded = pc.run_end_encode(column.cast(pa.string()).combine_chunks())
    ranges: dict[str, tuple[tuple[int, int], ...]] = {}
    first = 0
    for value, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
        ranges[value] = (*ranges.get(value, ()), (first, end - first))
        first = end
    return ranges


class _OpenedCache:
    """A cache: its description, and its tables."""

    def __init__(self, folder: Path) -> None:
        self.info: CacheInfo = read_cache(folder)
        self.contexts = _TableBySample(folder / "contexts.parquet", CONTEXTS)
        self.queries = _TableBySample(folder / "queries.parquet", QUERIES)


class ContextCaches:
    """All context caches; each is read at its first use.

    Args:
        folders: by the cache's name.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._opened: dict[str, _OpenedCache] = {}
        self._lock = threading.Lock()

    def contexts_of(self, sample: Sample) -> tuple[list[SourceContexts], list[tuple[str, MieError]]]:
        """Return the contexts of a sample by source; and the caches that cannot be used, each with the reason."""
        found: list[SourceContexts] = []
        faults: list[tuple[str, MieError]] = []
        for name in self._folders:
            try:
                found += _contexts_of(name, self._open(name), sample)
            except MieError as error:
                faults.append((name, error))
        return found, faults

    def index_fingerprint(self, name: str) -> str | None:
        """Return the fingerprint of the index that a cache was made from; None for imported files."""
        return self._open(name).info.index_fingerprint

    def _open(self, name: str) -> _OpenedCache:
        with self._lock:
            if name not in self._opened:
                self._opened[name] = _OpenedCache(self._folders[name])
            return self._opened[name]


def _contexts_of(name: str, cache: _OpenedCache, sample: Sample) -> list[SourceContexts]:
    rows = cache.queries.rows(sample.sample_id)
    queries = {str(row["source"]): Query(**row) for row in rows}  # type: ignore[arg-type]
    contexts: dict[str, list[Context]] = {}
    for row in cache.contexts.rows(sample.sample_id):
        context = Context(**row)  # type: ignore[arg-type]
        contexts.setdefault(context.source, []).append(context)
    # The digest covers tokens and image: where it differs, the contexts were found for another text or picture.
    digest = input_digest(sample)
    found = []
    for source in cache.info.sources:
        query = queries.get(source)
        status = "not_asked" if query is None else query.status if query.digest == digest else "other"
        is_shown = status not in ("not_asked", "other")
        ranked = sorted(contexts.get(source, []), key=lambda row: row.rank) if is_shown else []
        found.append(SourceContexts(name, source, status, tuple(ranked)))
    return found
