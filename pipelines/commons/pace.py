"""How fast all processes of this machine together ask a site: connections, bytes a second, pauses."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines.storage import locked

__all__ = ["Pace"]

_STATE = struct.Struct("<d")
_LONGEST_S = 3600.0
"""A pause that lasts longer is a mistake of the clock."""
_POLL_S = 0.02


class Pace:
    """Limits the requests at a time, and the bytes a second, of all processes of this machine together.

        folder/connection-0, -1, ...   a request holds the lock of one of these files
        folder/not-before              the time before which no request may begin, under a lock

    The kernel releases the locks of a process that dies, so its connection is free again. Bytes that came push the time
    in not-before forward, by as long as they should have taken; a pause that the site asks for does the same.

    Args:
        folder: the same in every process that asks this site.
        connections: requests at a time.
        bytes_per_s: over all connections together.
    """

    def __init__(self, folder: Path, connections: int, bytes_per_s: float) -> None:
        self._folder = folder
        self._connections = connections
        self._bytes_per_s = bytes_per_s
        self._not_before = folder / "not-before"

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a connection, after waiting for one that is free and for the time when a request may begin."""
        descriptor = self._take_slot()
        try:
            while (wait := self._wait_s()) > 0:
                time.sleep(min(wait, 1.0))
            yield
        finally:
            os.close(descriptor)

    def spent(self, size_bytes: int) -> None:
        """Count bytes that were received."""
        self._move(size_bytes / self._bytes_per_s, is_added=True)

    def hold(self, seconds: float) -> None:
        """Let no process send a request for a number of seconds, because the site asks for a pause."""
        self._move(seconds, is_added=False)

    def _take_slot(self) -> int:
        while True:
            for number in range(self._connections):
                descriptor = os.open(self._folder / f"connection-{number}", os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(descriptor)
                    continue
                return descriptor
            time.sleep(_POLL_S)

    def _wait_s(self) -> float:
        with locked(self._not_before) as state:
            return _read(state) - time.time()

    def _move(self, seconds: float, *, is_added: bool) -> None:
        with locked(self._not_before) as state:
            now, until = time.time(), _read(state)
            until = max(until, now) + seconds if is_added else max(until, now + seconds)
            os.pwrite(state, _STATE.pack(until), 0)


def _read(state: int) -> float:
    """Return the time before which no request may begin; 0 if it is too far off, because the clock was set back."""
    data = os.pread(state, _STATE.size, 0)
    until = float(_STATE.unpack(data)[0]) if len(data) == _STATE.size else 0.0
    return until if until - time.time() <= _LONGEST_S else 0.0
