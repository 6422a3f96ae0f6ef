"""Which item of a message a child is working on, and since when: 16 bytes of memory that it shares with its owner."""

from __future__ import annotations

import mmap
import struct
import time

__all__ = ["ItemClock"]

# Bytes 0 to 7: when the item was begun, seconds as a double. Bytes 8 to 15: its position in the message, from 0.
_LAYOUT = struct.Struct("dq")


class ItemClock:
    """A clock that the child sets at each item, and that its owner reads when it waits too long.

    It is memory and no message: a message for each item would make the two processes take turns on the processor, which
    costs as much as parsing a short article.

    Args:
        descriptor: a file of `initial_bytes`, open in both processes.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _LAYOUT.size)

    @staticmethod
    def initial_bytes() -> bytes:
        """Return what to write into the file before it is mapped.

        The bytes must be written: in a file that is only made longer, the disk has no room for them yet, and if it is
        full at the first write, the kernel ends both processes (SIGBUS).
        """
        return _LAYOUT.pack(time.monotonic(), 0)

    def begin(self, position: int) -> None:
        """Write that work on an item begins now.

        Args:
            position: of the item in its message, from 0.
        """
        # One assignment of 16 bytes. struct.pack_into would clear them first, and the owner could read the zeros in
        # between: an item that began at time 0, and so is long over its time.
        self._memory[: _LAYOUT.size] = _LAYOUT.pack(time.monotonic(), position)

    def read(self) -> tuple[float, int]:
        """Return when the item was begun (time.monotonic, which all processes of a machine share), and its position."""
        began, position = _LAYOUT.unpack_from(self._memory)
        return float(began), int(position)

    def close(self) -> None:
        """Unmap the memory."""
        self._memory.close()
