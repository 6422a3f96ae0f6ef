"""The user's cache on this machine: what later builds use again (name indexes, fetched pictures, pace of fetching)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cache_folder", "locked"]


def cache_folder(*parts: str) -> Path:
    """Make a folder below the user's cache ($XDG_CACHE_HOME, else ~/.cache), and return it.

    Args:
        parts: of its path.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    folder = Path(home) if home else Path.home() / ".cache"
    folder = folder.joinpath("mie-context", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Wait for a lock file, and hold it for the block; the kernel gives it free when the process ends.

    Yields:
        The descriptor of the file, whose bytes the holder may read and write.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
