"""In which container file a name lies, and where: an index on disk, for which each container file is read once."""

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

__all__ = ["ContainerFile", "Entry", "IndexedName", "NameIndex"]

IndexedName = tuple[str, int, int, int]
"""A name in a container file: name, rank (0: its own name; 1, 2, ...: names that it may also stand for), and its place
there as two numbers, whose meaning is that of the container's kind (`Entry`)."""

_VERSION = 1
"""Of the tables; part of the name of the index file, so that another version starts anew."""
_TABLES = """
CREATE TABLE shards (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, size INTEGER NOT NULL, stamp TEXT NOT NULL);
CREATE TABLE names (key TEXT NOT NULL, rank INTEGER NOT NULL, shard INTEGER NOT NULL, first INTEGER NOT NULL,
    second INTEGER NOT NULL, PRIMARY KEY (key, rank, shard, first)) WITHOUT ROWID;
"""
_FIND = """
SELECT path, first, second FROM names JOIN shards ON shard = id WHERE key = ? ORDER BY rank, path, first LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """A container file as it is now. If its size or stamp (time of change) differs from the index, it is read again."""

    path: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a file lies: the path of its container, and two numbers, such as offset and size in a tar."""

    path: str
    first: int
    second: int


class NameIndex:
    """Finds canonical names in container files, without holding them in memory: millions of names are a gigabyte.

    Args:
        path: a complete index file.
    """

    def __init__(self, path: Path) -> None:
        # Beam may hand a worker's object from one of its threads to another, never to two at a time.
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)

    @classmethod
    def of(cls, kind: str, files: list[ContainerFile], names_of: Callable[[str], Iterable[IndexedName]]) -> NameIndex:
        """Open the index of these containers, after bringing it up to date.

        Args:
            kind: of the containers.
            files: the containers.
            names_of: returns the names in the container of a path.
        """
        key = json.dumps([_VERSION, kind, sorted(file.path for file in files)])
        path = cache_folder("names") / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.sqlite"
        with locked(path.with_suffix(".lock")):  # of many workers that start together, one makes it and the rest wait
            if not _is_current(path, files):
                _bring_up_to_date(path, files, names_of)
        return cls(path)

    def find(self, file: str) -> Entry | None:
        """Return where a file lies; a name that is spelt exactly so is preferred to its variants."""
        row = self._connection.execute(_FIND, (file_key(file),)).fetchone()
        return None if row is None else Entry(*row)

    def count(self) -> int:
        """Count the names."""
        return int(self._connection.execute("SELECT count(DISTINCT key) FROM names").fetchone()[0])

    def count_repeated(self) -> int:
        """Count the entries whose name an earlier entry has."""
        return int(self._connection.execute("SELECT count(*) FROM names").fetchone()[0]) - self.count()


def _read_files(connection: sqlite3.Connection) -> dict[ContainerFile, int]:
    rows = connection.execute("SELECT * FROM shards")
    return {ContainerFile(path, size, stamp): id_ for id_, path, size, stamp in rows}


def _is_current(path: Path, files: Iterable[ContainerFile]) -> bool:
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return set(_read_files(connection)) == set(files)
    except sqlite3.DatabaseError:
        path.unlink()  # damaged: it is made again
        return False


def _bring_up_to_date(path: Path, files: list[ContainerFile], names_of: Callable[[str], Iterable[IndexedName]]) -> None:
    """Read the containers that are new or have changed, forget those that are gone.

    The work is done on a copy that takes the index's name when it is complete: readers and crashes see whole indexes.
    """
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        if path.is_file():
            shutil.copyfile(path, temporary)
        with contextlib.closing(sqlite3.connect(temporary)) as connection, connection:
            if not path.is_file():
                connection.executescript(_TABLES)
            known = _read_files(connection)
            for file, id_ in known.items():
                if file not in files:
                    connection.execute("DELETE FROM names WHERE shard = ?", (id_,))
                    connection.execute("DELETE FROM shards WHERE id = ?", (id_,))
            for file in files:
                if file not in known:
                    values = (file.path, file.size, file.stamp)
                    added = connection.execute("INSERT INTO shards (path, size, stamp) VALUES (?, ?, ?)", values)
                    rows = _rows(added.lastrowid or 0, names_of(file.path))
                    connection.executemany("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?, ?)", rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(container: int, names: Iterable[IndexedName]) -> Iterator[tuple[str, int, int, int, int]]:
    for name, rank, first, second in names:
        key = file_key(name)
        # Of one rank, a name that is spelt exactly as its key is found first, then a variant (underscores, lower case).
        yield key, 2 * rank + (name != key), container, first, second
