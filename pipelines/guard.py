"""The guard: a parser that may hang, crash or eat memory runs in a child process that can be killed."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from pipelines.dump import Page
from pipelines.parser_process import HEADER
from schemas.errors import MieError
from schemas.records import Reject

__all__ = ["GuardedParser"]

T = TypeVar("T")
_DIED = "parser_died"
_START_TIMEOUT_S = 120.0
_TRANSFER_TIMEOUT_S = 60.0
_CHILD = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from pipelines.parser_process import serve; serve(int(sys.argv[1]), int(sys.argv[2]))"
)


class _ChildLost(Exception):
    """The child ended, or the deadline passed (is_late)."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__()
        self.is_late = is_late


class GuardedParser(Generic[T]):
    """Runs a parser in a child process of its own and turns what goes wrong into Rejects.

    The child starts with the first page and stays; it is replaced after a time-out, a crash or a lack of memory.
    It ends with its parent, also when the parent is killed. Works in threads and in daemonic processes; an object
    belongs to one thread at a time, and is made where it is used (it does not pickle).

    Args:
        parse: an importable function (it is pickled by name), or a partial of one.
        timeout_s: time for one page.
        memory_bytes: what the child may take beyond what it has when it starts (Linux; no limit elsewhere).
    """

    def __init__(self, parse: Callable[[Page], T], timeout_s: float = 30.0, memory_bytes: int = 2 * 2**30) -> None:
        self._parser = pickle.dumps(parse, pickle.HIGHEST_PROTOCOL)
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._begun: tuple[Page, float | _ChildLost] | None = None

    def parse(self, page: Page) -> T | Reject:
        """Parse one page; a failure is a Reject of the stage "article".

        Its reason is parser_timeout, parser_memory, parser_died (twice: the child may have been killed from outside,
        so the page is tried again) or parser_error; its id is the page's id and title.

        Raises:
            MieError: the child does not start.
        """
        return self._receive(page, self._send(page))

    def begin(self, page: Page) -> None:
        """Let the child work on a page; `end` gives its result. One page at a time."""
        assert self._begun is None
        self._begun = (page, self._send(page))

    def end(self) -> T | Reject:
        """Wait for the page that was begun, and give what `parse` gives for it."""
        assert self._begun is not None
        (page, sent), self._begun = self._begun, None
        return self._receive(page, sent)

    def close(self) -> None:
        """End the child."""
        self._begun = None
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        os.close(self._lifeline)

    def __enter__(self) -> GuardedParser[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self.close()

    def __reduce__(self) -> str:
        raise TypeError("a GuardedParser is made in the process that uses it, and does not pickle")

    def _send(self, page: Page) -> float | _ChildLost:
        """Send a page to the child; give the deadline of its answer, or how the child was lost."""
        if self._child is not None and self._child.poll() is not None:
            self.close()  # it was ended from outside between two pages
        child = self._child or self._start()
        deadline = time.monotonic() + self._timeout_s
        try:
            _write(child, pickle.dumps(page, pickle.HIGHEST_PROTOCOL), deadline)
        except _ChildLost as lost:
            return lost
        return deadline

    def _receive(self, page: Page, sent: float | _ChildLost) -> T | Reject:
        result = self._receive_once(page, sent)
        if isinstance(result, Reject) and result.reason == _DIED:
            return self._receive_once(page, self._send(page))
        return result

    def _receive_once(self, page: Page, sent: float | _ChildLost) -> T | Reject:
        child = self._child
        assert child is not None
        try:
            if isinstance(sent, _ChildLost):
                raise sent
            status, value = pickle.loads(_read(child, sent))  # noqa: S301  # our own child, a private pipe
        except _ChildLost as lost:
            return _to_reject(page, *self._bury(child, lost))
        if status == "memory":
            self.close()
            return _to_reject(page, "parser_memory", f"it wanted more than {self._memory_bytes} bytes")
        if status == "error":
            return _to_reject(page, "parser_error", value)
        result: T = value
        return result

    def _bury(self, child: subprocess.Popen[bytes], lost: _ChildLost) -> tuple[str, str]:
        """End a lost child; give the reason and the detail."""
        if lost.is_late:
            self.close()
            return "parser_timeout", f"no result after {self._timeout_s:g} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        code = child.returncode
        self.close()
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
        return _DIED, f"the parser process ended {how}"

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the child and wait until it has imported the parser."""
        lifeline, self._lifeline = os.pipe()
        command = [sys.executable, "-c", _CHILD, str(lifeline), str(self._memory_bytes), *sys.path]
        try:
            self._child = child = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pass_fds=[lifeline]
            )
        finally:
            os.close(lifeline)
        assert child.stdin is not None
        os.set_blocking(child.stdin.fileno(), False)
        deadline = time.monotonic() + _START_TIMEOUT_S
        try:
            _write(child, self._parser, deadline)
            status, value = pickle.loads(_read(child, deadline))  # noqa: S301
        except _ChildLost as lost:
            status, value = "error", "no answer" if lost.is_late else "it ended"
        if status != "done":
            self.close()
            raise MieError(f"the parser process did not start ({value})", remedy="see what it wrote to stderr")
        return child


def _to_reject(page: Page, reason: str, detail: str) -> Reject:
    return Reject("article", f"{page.page_id} {page.title}", reason, detail)


def _write(child: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
    assert child.stdin is not None
    pipe = child.stdin.fileno()
    rest = memoryview(HEADER.pack(len(data)) + data)
    while rest:
        _wait(pipe, select.POLLOUT, deadline)
        try:
            rest = rest[os.write(pipe, rest) :]
        except BlockingIOError:
            continue
        except BrokenPipeError as error:
            raise _ChildLost(is_late=False) from error


def _read(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Read an answer whose first byte must come before the deadline (the caller may look for it later)."""
    assert child.stdout is not None
    pipe = child.stdout.fileno()
    (size,) = HEADER.unpack(_read_bytes(pipe, HEADER.size, deadline))
    return _read_bytes(pipe, size, time.monotonic() + _TRANSFER_TIMEOUT_S)


def _read_bytes(pipe: int, size: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while size:
        _wait(pipe, select.POLLIN, deadline)
        part = os.read(pipe, min(size, 2**20))
        if not part:
            raise _ChildLost(is_late=False)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Wait until the pipe is ready or broken; what is ready counts even if the deadline has passed."""
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise _ChildLost(is_late=True)
