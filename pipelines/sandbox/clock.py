"""Which page of a message a parser is at, and since when: bytes that it shares with the process that guards it."""

from __future__ import annotations

import mmap
import struct
import time

__all__ = ["PageClock"]

_MARK = struct.Struct("dq")


class PageClock:
    """Told by the parser, read by its guard. To tell costs no message: each would make the processes change places.

    Args:
        descriptor: an open file that both have; the one that opens it calls `allot` before.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _MARK.size)

    @staticmethod
    def allot() -> bytes:
        """Return what the file holds at first (bytes, not a hole: a hole on a full disk would end both processes)."""
        return _MARK.pack(time.monotonic(), 0)

    def begin(self, place: int) -> None:
        """Say that work on a page of the message begins. The time stands first, so that no page gets an older one's."""
        # In one piece: pack_into clears the bytes first, which read then tell of a page begun at 0, long over its time
        self._memory[: _MARK.size] = _MARK.pack(time.monotonic(), place)

    def read(self) -> tuple[float, int]:
        """Return when the page was begun (time.monotonic, which all processes of a machine share), and its place."""
        since, place = _MARK.unpack_from(self._memory)
        return float(since), int(place)

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()
