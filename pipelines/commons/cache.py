"""The cache of what a site answered, pictures and missing files: on disk, bounded, shared by all processes."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import StoreError

__all__ = ["CacheEntry", "FetchCache"]

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, body BLOB, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified TEXT NOT NULL, fetched REAL NOT NULL, used REAL NOT NULL);
CREATE INDEX IF NOT EXISTS by_use ON entries (used);
CREATE TABLE IF NOT EXISTS total (size INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entries BEGIN UPDATE total SET size = size + new.size; END;
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON entries BEGIN UPDATE total SET size = size - old.size; END;
"""
_ROW_BYTES = 300
"""Bytes that an entry takes beside its body, about; missing files count, too."""
_USE_IS_NEW_S = 3600.0
"""Seconds after which a use is noted again: noting each would turn every read into a write."""
_DROP = "DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY used LIMIT 64)"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What a site answered for a file.

    Args:
        body: the picture; None: the site has no such file.
        etag: for asking whether it has changed; so is modified.
        modified: the header Last-Modified.
        age_s: seconds since the site was asked.
    """

    body: bytes | None
    etag: str
    modified: str
    age_s: float


class FetchCache:
    """A cache in one SQLite file. When it is full, the entries that were used longest ago are removed.

    Triggers keep the sum of all sizes in a table of one row: to add up millions of rows at each `put` would take
    seconds.

    Args:
        path: the file.
        max_bytes: bound of all entries together.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        with self._as_store_error():
            self._connection = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
            # WAL lets the other processes read while one writes. NORMAL may lose the last entries when the power
            # fails, which is no harm to a cache.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_TABLES)

    def get(self, key: str) -> CacheEntry | None:
        """Return the entry of a file; None if there is none."""
        now = time.time()
        with self._as_store_error():
            query = "SELECT body, etag, modified, fetched, used FROM entries WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
            if row is None:
                return None
            body, etag, modified, fetched, used = row
            if now - used > _USE_IS_NEW_S:
                self._connection.execute("UPDATE entries SET used = ? WHERE key = ?", (now, key))
        return CacheEntry(body, etag, modified, max(0.0, now - fetched))

    def put(self, key: str, body: bytes | None, etag: str = "", modified: str = "") -> None:
        """Keep a file, or (None) that the site has none, and remove old entries if that makes too much."""
        now, size = time.time(), len(body or b"") + _ROW_BYTES
        if size > self._max_bytes:
            return
        with self._as_store_error(), self._transaction():
            self._connection.execute("DELETE FROM entries WHERE key = ?", (key,))
            while self._size() + size > self._max_bytes and self._connection.execute(_DROP).rowcount:
                pass
            row = (key, body, size, etag, modified, now, now)
            self._connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def refresh(self, key: str) -> None:
        """Note that the site was asked now, and the file has not changed."""
        with self._as_store_error():
            self._connection.execute("UPDATE entries SET fetched = ? WHERE key = ?", (time.time(), key))

    def _size(self) -> int:
        return int(self._connection.execute("SELECT size FROM total").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")  # takes the write lock now; later, another process may hold it
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _as_store_error(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the cache of pictures does not work ({error})",
                path=self._path,
                remedy="make room if the disk is full, or remove the file: pictures are then fetched again",
            ) from error
