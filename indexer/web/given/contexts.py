"""The contexts of one sample at a time, from caches of any size: a table stays in Arrow's columns, each text once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.context_cache import CacheInfo, read_cache
from schemas.dataset import input_digest
from schemas.errors import IndexCorrupt, MieError
from schemas.records import Context, Query, Sample
from schemas.tables import CONTEXTS, QUERIES, check_table

__all__ = ["ContextShelf", "SourceContexts"]

_REMEDY = "make it again: mie-index retrieve, or mie-index contexts import, with --overwrite"


@dataclass(frozen=True, slots=True)
class SourceContexts:
    """What a source of a cache gave for a sample.

    Args:
        cache: name of the cache.
        source: of it.
        status: hit, no_hit, no_image, missing_image, broken_image; not_asked where the cache lacks the sample; other
            where it was made for other tokens or another image (then there are no contexts).
        contexts: by rank.
    """

    cache: str
    source: str
    status: str
    contexts: tuple[Context, ...]


class _Rows:
    """The rows of a table by sample: a cache's are in the order of the samples, so those of one are a few runs.

    Args:
        path: of the Parquet file.
        schema: that it must have.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        check_table(path, schema)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        try:
            self._table = pq.read_table(path, read_dictionary=texts, use_threads=False).combine_chunks()
            self._table.validate(full=True)  # text that is not UTF-8 would fail later, at each row
        except (OSError, pa.ArrowException) as error:
            raise IndexCorrupt(f"the table cannot be read ({error})", path=path, remedy=_REMEDY) from error
        self._places = _runs(self._table.column("sample_id"))
        pa.default_memory_pool().release_unused()  # what decoding took is several times what is kept

    def of(self, sample_id: str) -> list[dict[str, object]]:
        """Return the rows of a sample."""
        places = self._places.get(sample_id, ())
        return [row for first, count in places for row in self._table.slice(first, count).to_pylist()]


def _runs(column: pa.ChunkedArray) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return (first row, rows) of each run of equal values, by value.

    >>> _runs(pa.chunked_array([["a", "a", "b", "a"]]))
    {'a': ((0, 2), (3, 1)), 'b': ((2, 1),)}
    """
    import pyarrow.compute as pc

    if not len(column):
        return {}
    plain = column.cast(pa.string()).combine_chunks()
    encoded = pc.run_end_encode(plain)
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    first = 0
    for value, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
        found[value] = (*found.get(value, ()), (first, end - first))
        first = end
    return found


class _Cache:
    """A cache: what it says of itself, and its rows by sample."""

    def __init__(self, folder: Path) -> None:
        self.info: CacheInfo = read_cache(folder)
        self.contexts = _Rows(folder / "contexts.parquet", CONTEXTS)
        self.queries = _Rows(folder / "queries.parquet", QUERIES)


class ContextShelf:
    """All caches, by name; each is read at its first use.

    Args:
        folders: by the cache's name.
    """

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self._read: dict[str, _Cache] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> Sequence[str]:
        """Names of the caches."""
        return list(self._folders)

    def of(self, sample: Sample) -> tuple[list[SourceContexts], list[tuple[str, MieError]]]:
        """Return what every source gave for a sample, and the caches that cannot be used."""
        found: list[SourceContexts] = []
        faults: list[tuple[str, MieError]] = []
        for name in self._folders:
            try:
                found += _of_cache(name, self._open(name), sample)
            except MieError as error:
                faults.append((name, error))
        return found, faults

    def index_fingerprint(self, name: str) -> str | None:
        """Return the fingerprint of the index that a cache was made from; None for imported files."""
        return self._open(name).info.index_fingerprint

    def _open(self, name: str) -> _Cache:
        with self._lock:
            if name not in self._read:
                self._read[name] = _Cache(self._folders[name])
            return self._read[name]


def _of_cache(name: str, cache: _Cache, sample: Sample) -> list[SourceContexts]:
    queries = {str(row["source"]): Query(**row) for row in cache.queries.of(sample.sample_id)}  # type: ignore[arg-type]
    rows: dict[str, list[Context]] = {}
    for row in cache.contexts.of(sample.sample_id):
        context = Context(**row)  # type: ignore[arg-type]
        rows.setdefault(context.source, []).append(context)
    digest = input_digest(sample)
    found = []
    for source in cache.info.sources:
        query = queries.get(source)
        status = "not_asked" if query is None else query.status if query.digest == digest else "other"
        contexts = [] if status in ("not_asked", "other") else sorted(rows.get(source, []), key=lambda row: row.rank)
        found.append(SourceContexts(name, source, status, tuple(contexts)))
    return found
