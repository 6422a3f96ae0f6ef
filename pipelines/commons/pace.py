"""How fast a site is asked by all processes of this machine together: connections, bytes a second, pauses."""

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
_POLL_S = 0.02


class Pace:
    """Lets in as many requests at a time as there are connections, and no more bytes a second than are allowed.

    The state is files that every process locks: a process that dies gives its turn back.

    Args:
        folder: the same for everybody who asks this site.
        connections: requests at a time.
        bytes_per_s: over all connections; what was taken too fast is waited for before the next request.
    """

    def __init__(self, folder: Path, connections: int, bytes_per_s: float) -> None:
        self._folder = folder
        self._connections = connections
        self._bytes_per_s = bytes_per_s
        self._not_before = folder / "not-before"

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a free connection and for the time when the next byte may come, and hold the connection."""
        descriptor = self._take_slot()
        try:
            while (wait := self._wait_s()) > 0:
                time.sleep(min(wait, 1.0))
            yield
        finally:
            os.close(descriptor)

    def spent(self, size_bytes: int) -> None:
        """Count bytes that came."""
        self._move(size_bytes / self._bytes_per_s, is_added=True)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the site said so."""
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
    """Return the time before which nobody asks; a time that is too far off is a clock that was set back."""
    data = os.pread(state, _STATE.size, 0)
    until = float(_STATE.unpack(data)[0]) if len(data) == _STATE.size else 0.0
    return until if until - time.time() <= _LONGEST_S else 0.0
