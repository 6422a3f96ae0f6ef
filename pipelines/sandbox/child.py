"""The owner's end of a child process: start it, send it items, wait for its replies no longer than an item may take."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from pipelines.sandbox.clock import ItemClock
from pipelines.sandbox.server import HEADER
from schemas.errors import MieError

__all__ = ["Child", "ChildLost", "Reply"]

_START_TIMEOUT_S = 120.0
"""Time to import the function on a busy machine; torch alone can take tens of seconds there."""
_TRANSFER_TIMEOUT_S = 60.0
"""Time to read a reply whose first byte is there. The child has done its work, so this is no item's time."""
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[4:]; "
    "from pipelines.sandbox.server import serve; serve(*map(int, sys.argv[1:4]))"
)

Reply = tuple[str, object]
"""A `server.ReplyStatus`, and the result, the text of an exception, or None."""


class ChildLost(Exception):
    """The child ended, or was too slow.

    Args:
        position: of the item in its message that the child was working on.
        is_late: the item took longer than it may; otherwise the child ended.
    """

    def __init__(self, position: int, *, is_late: bool) -> None:
        super().__init__()
        self.position = position
        self.is_late = is_late


class _NotReady(Exception):
    """The deadline passed before the pipe was ready or broken."""


class Child:
    """A process that runs a function on the items that are sent to it, one message at a time.

    It ends with its owner, also when the owner is killed.

    Args:
        function: pickled.
        name: what error messages call the process.
        memory_bytes: address space that it may take beyond what it has when it starts (Linux; no limit elsewhere).

    Raises:
        MieError: it does not start.
    """

    def __init__(self, function: bytes, name: str, memory_bytes: int) -> None:
        # Nothing is ever written into the lifeline: the child holds one end and dies when the other, ours, closes.
        child_end, self._lifeline = os.pipe()
        try:
            with tempfile.TemporaryFile() as clock:
                clock.write(ItemClock.initial_bytes())
                clock.flush()
                self._clock = ItemClock(clock.fileno())
                fds = (child_end, clock.fileno())
                command = [sys.executable, "-c", _PROGRAM, *map(str, (*fds, memory_bytes)), *sys.path]
                self._process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pass_fds=fds
                )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(child_end)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()
        # A child that hangs stops reading: a blocking write into a full pipe would wait past every deadline
        os.set_blocking(self._requests, False)
        self._start(function, name)

    def _start(self, function: bytes, name: str) -> None:
        """Send the function, and wait until the child has imported it."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        try:
            self._write(function, deadline)
            ((status, value),) = self._read(deadline)
        except _NotReady:
            status, value = "error", "no answer"
        except EOFError:
            status, value = "error", "it ended"
        except BaseException:
            self.close()
            raise
        if status != "done":
            self.close()
            raise MieError(f"the {name} process did not start ({value})", remedy="see what it wrote to stderr")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended by itself, or was ended from outside."""
        return self._process.poll() is not None

    def send(self, items: Sequence[object], timeout_s: float) -> None:
        """Send a message of items. Its replies must be received before the next message is sent.

        Raises:
            ChildLost
        """
        self._clock.begin(0)
        try:
            message = pickle.dumps(
                [pickle.dumps(item, pickle.HIGHEST_PROTOCOL) for item in items], pickle.HIGHEST_PROTOCOL
            )
            self._write(message, time.monotonic() + timeout_s)
        except (_NotReady, EOFError) as error:
            raise self._lost(len(items), is_late=isinstance(error, _NotReady)) from error

    def receive(self, count: int, timeout_s: float) -> list[Reply]:
        """Wait for the replies to the items that were sent.

        Args:
            count: number of items that were sent.
            timeout_s: time for one item, from when the child began it. A reply that is there when it is looked for is
                in time, however late that is.

        Returns:
            A reply for each item in order; after a lack of memory the items that follow have none.

        Raises:
            ChildLost
        """
        try:
            began = self._clock.read()
            # The reply comes when all items are done. So when the time of the item that we know of is over, look at
            # the clock again: only if the child is still at that same item is it late.
            while not _is_ready(self._replies, select.POLLIN, began[0] + timeout_s):
                last, began = began, self._clock.read()
                if began == last:
                    raise _NotReady
            return self._read(time.monotonic() + _TRANSFER_TIMEOUT_S)
        except (_NotReady, EOFError) as error:
            raise self._lost(count, is_late=isinstance(error, _NotReady)) from error

    def _lost(self, count: int, *, is_late: bool) -> ChildLost:
        _, position = self._clock.read()
        return ChildLost(min(position, count - 1), is_late=is_late)  # the clock stands at count while it replies

    def wait_for_end(self, timeout_s: float) -> int | None:
        """Wait until the process ends.

        Returns:
            Its exit code, below 0 for a signal; None if it does not end in time.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode

    def close(self) -> None:
        """Kill the process, and close its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._clock.close()
        os.close(self._lifeline)

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(HEADER.pack(len(data)) + data)
        while rest:
            _wait(self._requests, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._requests, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise EOFError from error

    def _read(self, deadline: float) -> list[Reply]:
        """Read the replies of a message. To unpickle them is safe for the reason that `server.HEADER` names."""
        (size_bytes,) = HEADER.unpack(self._read_bytes(HEADER.size, deadline))
        replies = pickle.loads(self._read_bytes(size_bytes, deadline))  # noqa: S301
        return [pickle.loads(reply) for reply in replies]  # noqa: S301

    def _read_bytes(self, size_bytes: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size_bytes:
            _wait(self._replies, select.POLLIN, deadline)
            part = os.read(self._replies, min(size_bytes, 2**20))
            if not part:
                raise EOFError
            parts.append(part)
            size_bytes -= len(part)
        return b"".join(parts)


def _wait(pipe: int, event: int, deadline: float) -> None:
    if not _is_ready(pipe, event, deadline):
        raise _NotReady


def _is_ready(pipe: int, event: int, deadline: float) -> bool:
    """Wait until the pipe is ready or broken; one that is ready counts even if the deadline has passed."""
    poll = select.poll()  # select.select cannot take descriptors from 1,024 on
    poll.register(pipe, event)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
