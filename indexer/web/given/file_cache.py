"""What was read from files, kept until they change; and what is wrong with a file that cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from schemas.errors import MieError

__all__ = ["Fault", "FileCache"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that cannot be used."""

    file: str
    place: str
    message: str
    remedy: str


class FileCache:
    """What was read from files, or the error, until a file's time or size changes. Threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, str], tuple[tuple[int, int], Any]] = {}
        self._lock = threading.RLock()

    def get(self, path: Path, read: Callable[[Path], T]) -> T | None:
        """Return what a function reads from a file: the same object until the file changes; None without a file.

        Raises:
            MieError: the function raised it, now or at an earlier call for the same file.
        """
        with self._lock:
            try:
                state = path.stat()
            except OSError:
                return None
            # Time and size together: a file that is written twice within one tick of the clock rarely keeps its size.
            stamp, key = (state.st_mtime_ns, state.st_size), (path, read.__name__)
            if self._kept.get(key, (None,))[0] != stamp:
                try:
                    self._kept[key] = stamp, read(path)
                except MieError as error:
                    self._kept[key] = stamp, error
            value: T | MieError = self._kept[key][1]
        if isinstance(value, MieError):
            raise value.with_traceback(None)  # each raise of the kept error would add to its traceback
        return value
