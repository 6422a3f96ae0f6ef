"""Where in many container files a picture lies: an index on disk of file names, made once per container file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.storage import cache_folder, locked
from schemas.titles import file_key

__all__ = ["NameIndex", "Place", "Shard"]

_VERSION = 1
_TABLES = """
CREATE TABLE shards (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, size INTEGER NOT NULL, stamp TEXT NOT NULL);
CREATE TABLE names (key TEXT NOT NULL, rank INTEGER NOT NULL, shard INTEGER NOT NULL, first INTEGER NOT NULL,
    second INTEGER NOT NULL, PRIMARY KEY (key, rank, shard, first)) WITHOUT ROWID;
"""
_FIND = """
SELECT path, first, second FROM names JOIN shards ON shard = id WHERE key = ? ORDER BY rank, path, first LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Shard:
    """A container file as it is now: if size or stamp differ from what was indexed, it is read again."""

    path: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture lies: in which container, and two numbers that its kind understands."""

    path: str
    first: int
    second: int


class NameIndex:
    """Finds pictures by canonical name in container files, without holding the names in memory.

    Args:
        path: the index file, which is whole.
    """

    def __init__(self, path: Path) -> None:
        # Beam may hand a worker's object from one of its threads to another, never to two at a time.
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)

    @classmethod
    def of(
        cls, kind: str, shards: list[Shard], names_of: Callable[[str], Iterable[tuple[str, int, int, int]]]
    ) -> NameIndex:
        """Open the index of these containers, after bringing it up to date.

        Args:
            kind: of the containers.
            shards: the containers.
            names_of: gives of one container (by path) name, rank among names of one key, and the place's two numbers.
        """
        told = json.dumps([_VERSION, kind, sorted(shard.path for shard in shards)])
        path = cache_folder("names") / f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.sqlite"
        with locked(path.with_suffix(".lock")):
            if not _is_current(path, shards):
                _bring_up_to_date(path, shards, names_of)
        return cls(path)

    def find(self, file: str) -> Place | None:
        """Return the place of a file; a name that is written exactly so goes before its variants."""
        row = self._connection.execute(_FIND, (file_key(file),)).fetchone()
        return None if row is None else Place(*row)

    def count(self) -> int:
        """Count the names."""
        return int(self._connection.execute("SELECT count(DISTINCT key) FROM names").fetchone()[0])

    def count_repeated(self) -> int:
        """Count the places whose name has an earlier one."""
        return int(self._connection.execute("SELECT count(*) FROM names").fetchone()[0]) - self.count()


def _read_shards(connection: sqlite3.Connection) -> dict[Shard, int]:
    return {Shard(path, size, stamp): id_ for id_, path, size, stamp in connection.execute("SELECT * FROM shards")}


def _is_current(path: Path, shards: Iterable[Shard]) -> bool:
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return set(_read_shards(connection)) == set(shards)
    except sqlite3.DatabaseError:
        path.unlink()  # damaged: it is made again
        return False


def _bring_up_to_date(
    path: Path, shards: list[Shard], names_of: Callable[[str], Iterable[tuple[str, int, int, int]]]
) -> None:
    """Read the containers that are new or have changed, forget those that are gone."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        if path.is_file():
            shutil.copyfile(path, temporary)
        with contextlib.closing(sqlite3.connect(temporary)) as connection, connection:
            if not path.is_file():
                connection.executescript(_TABLES)
            known = _read_shards(connection)
            for shard, id_ in known.items():
                if shard not in shards:
                    connection.execute("DELETE FROM names WHERE shard = ?", (id_,))
                    connection.execute("DELETE FROM shards WHERE id = ?", (id_,))
            for shard in shards:
                if shard not in known:
                    values = (shard.path, shard.size, shard.stamp)
                    added = connection.execute("INSERT INTO shards (path, size, stamp) VALUES (?, ?, ?)", values)
                    rows = _rows(added.lastrowid or 0, names_of(shard.path))
                    connection.executemany("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?, ?)", rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(shard: int, names: Iterable[tuple[str, int, int, int]]) -> Iterator[tuple[str, int, int, int, int]]:
    for name, rank, first, second in names:
        key = file_key(name)
        yield key, 2 * rank + (name != key), shard, first, second
