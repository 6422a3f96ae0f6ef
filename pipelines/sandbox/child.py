"""The parent's end of a parser in a child process: starts it, sends it pages, waits for its answers within a time."""

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

from pipelines.sandbox.clock import PageClock
from pipelines.sandbox.server import HEADER
from schemas.errors import MieError

__all__ = ["Answer", "ChildLost", "ParserChild"]

_START_TIMEOUT_S = 120.0
_TRANSFER_TIMEOUT_S = 60.0
_CHILD = (
    "import sys; sys.path[:] = sys.argv[4:]; "
    "from pipelines.sandbox.server import serve; serve(*map(int, sys.argv[1:4]))"
)

Answer = tuple[str, object]
"""A `parser_process.Status`, and the result, the message of an exception, or None."""


class ChildLost(Exception):
    """The child ended, or (is_late) a page took longer than it may. place: the page of the message that it was at."""

    def __init__(self, place: int, *, is_late: bool) -> None:
        super().__init__()
        self.place = place
        self.is_late = is_late


class _NotReady(Exception):
    """The deadline passed while the pipe was neither ready nor broken."""


class ParserChild:
    """A process that parses the pages that are sent to it, one message at a time.

    It ends with its parent, also when the parent is killed.

    Args:
        parser: the pickled function that it runs.
        memory_bytes: what it may take beyond what it has when it starts (Linux; no limit elsewhere).

    Raises:
        MieError: it does not start.
    """

    def __init__(self, parser: bytes, memory_bytes: int) -> None:
        ours, self._lifeline = os.pipe()
        try:
            with tempfile.TemporaryFile() as clock:
                clock.write(PageClock.allot())
                clock.flush()
                self._clock = PageClock(clock.fileno())
                fds = (ours, clock.fileno())
                command = [sys.executable, "-c", _CHILD, *map(str, (*fds, memory_bytes)), *sys.path]
                self._process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pass_fds=fds
                )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(ours)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        self._greet(parser)

    def _greet(self, parser: bytes) -> None:
        """Send the parser, and wait until it is imported."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        try:
            self._write(parser, deadline)
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
            raise MieError(f"the parser process did not start ({value})", remedy="see what it wrote to stderr")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself, or was ended from outside."""
        return self._process.poll() is not None

    def send(self, pages: Sequence[object], timeout_s: float) -> None:
        """Send pages; their answers must be received before the next are sent.

        Raises:
            ChildLost
        """
        self._clock.begin(0)
        try:
            message = pickle.dumps(
                [pickle.dumps(page, pickle.HIGHEST_PROTOCOL) for page in pages], pickle.HIGHEST_PROTOCOL
            )
            self._write(message, time.monotonic() + timeout_s)
        except (_NotReady, EOFError) as error:
            raise self._lost(len(pages), is_late=isinstance(error, _NotReady)) from error

    def receive(self, pages: int, timeout_s: float) -> list[Answer]:
        """Wait for the answers to the pages that were sent.

        Args:
            pages: how many were sent.
            timeout_s: time for one page, from when the child began it. An answer that is there when it is looked for
                is in time.

        Returns:
            An answer for each page in order; the pages behind a lack of memory have none.

        Raises:
            ChildLost
        """
        try:
            began = self._clock.read()
            while not _is_ready(self._answers, select.POLLIN, began[0] + timeout_s):
                last, began = began, self._clock.read()
                if began == last:
                    raise _NotReady
            return self._read(time.monotonic() + _TRANSFER_TIMEOUT_S)
        except (_NotReady, EOFError) as error:
            raise self._lost(pages, is_late=isinstance(error, _NotReady)) from error

    def _lost(self, pages: int, *, is_late: bool) -> ChildLost:
        _, place = self._clock.read()
        return ChildLost(min(place, pages - 1), is_late=is_late)

    def wait_for_end(self, timeout_s: float) -> int | None:
        """Wait until it ends; give its exit code, below 0 for a signal, or None if it does not end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode

    def close(self) -> None:
        """End it, and leave nothing of it."""
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

    def _read(self, deadline: float) -> list[Answer]:
        """Read answers; our own child wrote them into a private pipe."""
        (size,) = HEADER.unpack(self._read_bytes(HEADER.size, deadline))
        parts = pickle.loads(self._read_bytes(size, deadline))  # noqa: S301
        return [pickle.loads(part) for part in parts]  # noqa: S301

    def _read_bytes(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size:
            _wait(self._answers, select.POLLIN, deadline)
            part = os.read(self._answers, min(size, 2**20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _wait(pipe: int, event: int, deadline: float) -> None:
    if not _is_ready(pipe, event, deadline):
        raise _NotReady


def _is_ready(pipe: int, event: int, deadline: float) -> bool:
    """Wait until the pipe is ready or broken; what is ready counts even if the deadline has passed."""
    poll = select.poll()
    poll.register(pipe, event)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
