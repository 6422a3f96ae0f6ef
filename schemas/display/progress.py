"""What a person sees of long work: one line on stderr, redrawn on a terminal and now and then elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Progress", "Status", "Steps", "can_redraw", "note", "shown_steps", "tell"]

_TERMINAL_S = 0.5
_PIPE_S = 15.0


@dataclass(frozen=True, slots=True)
class Status:
    """How far a stage is: done of total (any unit), and rates of what is counted in absolute numbers.

    counts: name -> number so far; shown with its rate per second. Bytes are shown as MB.
    """

    done: float
    total: float
    text: str = ""
    counts: tuple[tuple[str, float], ...] = ()


class Progress:
    """Reports stages and remembers how many seconds each took.

    Args:
        stream: where to write.
        is_quiet: write nothing but notes.
    """

    def __init__(self, stream: TextIO | None = None, *, is_quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._is_quiet = is_quiet
        self._is_terminal = can_redraw(self._stream)
        self.seconds: dict[str, float] = {}

    def note(self, text: str) -> None:
        """Write a line."""
        print(text, file=self._stream, flush=True)

    @contextlib.contextmanager
    def stage(self, name: str, read: Callable[[], Status] | None = None) -> Iterator[None]:
        """Show a stage while the block runs.

        Args:
            name: of the stage.
            read: tells how far it is; called from a thread.
        """
        started = time.monotonic()
        first = read() if read else None
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(name, read, first, started, ended), daemon=True)
        if self._is_terminal and not self._is_quiet:
            self._show(f"{name:<8} ...", is_last=False)
        if read is not None and not self._is_quiet:
            watcher.start()
        is_done = False
        try:
            yield
            is_done = True
        finally:
            ended.set()
            if watcher.is_alive():
                watcher.join()
            self.seconds[name] = time.monotonic() - started
            if not self._is_quiet:
                self._show_end(name, read, first, is_done)

    def _watch(
        self, name: str, read: Callable[[], Status], first: Status, started: float, ended: threading.Event
    ) -> None:
        while not ended.wait(_TERMINAL_S if self._is_terminal else _PIPE_S):
            self._show(_line(name, read(), first, time.monotonic() - started), is_last=False)

    def _show_end(self, name: str, read: Callable[[], Status] | None, first: Status | None, is_done: bool) -> None:
        seconds = self.seconds[name]
        if read is None or first is None or not is_done:
            word = "done" if is_done else "stopped"
            self._show(f"{name:<8} {word} in {seconds:.1f} s", is_last=True)
        else:
            self._show(_line(name, read(), first, seconds, is_done=True), is_last=True)

    def _show(self, line: str, *, is_last: bool) -> None:
        if self._is_terminal:
            room = max(20, shutil.get_terminal_size().columns - 1)
            self._stream.write(f"\r\x1b[K{line if is_last else line[:room]}" + ("\n" if is_last else ""))
            self._stream.flush()
        else:
            print(line, file=self._stream, flush=True)


def can_redraw(stream: TextIO) -> bool:
    """Tell whether a line on a stream can be drawn again: a terminal, and not one that says it is dumb."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def _line(name: str, status: Status, first: Status, seconds: float, *, is_done: bool = False) -> str:
    """Write a status as one line.

    Args:
        name: of the stage.
        status: how far it is.
        first: how far it was when this run began; rates and the time to go are those of this run.
        seconds: since then.
        is_done: it has ended.

    >>> _line("parse", Status(5, 10, "1/2 shards", (("pages", 600), ("bytes", 3e6))), Status(0, 10), 2.0)
    'parse     50 %  1/2 shards  600 pages (300/s)  3.0 MB (1.5 MB/s)  2 s to go'
    """
    share = min(1.0, status.done / status.total) if status.total else 0.0
    has_share = status.total > 0 and not is_done
    parts = [f"{name:<8} {100 * share:3.0f} %" if has_share else f"{name:<7}", status.text]
    before, pace = dict(first.counts), max(seconds, 1e-9)
    for what, number in status.counts:
        rate = (number - before.get(what, 0)) / pace
        if what == "bytes":
            parts.append(f"{number / 1e6:.1f} MB ({rate / 1e6:.1f} MB/s)")
        else:
            parts.append(f"{number:,.0f} {what} ({rate:,.{1 if 0 < rate < 10 else 0}f}/s)")
    if is_done:
        parts.append(f"done in {seconds:.1f} s")
    elif status.total and status.done > first.done:
        parts.append(f"{_duration((status.total - status.done) * seconds / (status.done - first.done))} to go")
    return "  ".join(part for part in parts if part)


def _duration(seconds: float) -> str:
    """Write a time for people.

    >>> _duration(59.6), _duration(61), _duration(7300)
    ('60 s', '1 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class Steps:
    """Shows one step of long work after another, from what the work itself tells; a step leaves no line behind.

    Args:
        stream: where to write; stderr by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = can_redraw(self._stream)
        self._pause_s = _TERMINAL_S if self._is_terminal else _PIPE_S
        self._name = ""
        self._first = self._last = Status(0, 0)
        self._started = self._shown = 0.0
        self._is_drawn = False

    def tell(self, name: str, done: float, total: float, unit: str) -> None:
        """Say how far a step is; another name, or less than before, is another step.

        Args:
            name: of the step.
            done: so far, in units; in bytes where the unit is "bytes".
            total: of all; 0 where that is not known.
            unit: what is counted.
        """
        now, status = time.monotonic(), Status(done, total, counts=((unit, done),))
        if name != self._name or done < self._last.done:
            self._name, self._first, self._started, self._shown = name, status, now, now
            self._draw(_line(name, status, status, 0.0), is_first=True)
        elif now - self._shown >= self._pause_s:
            self._shown = now
            self._draw(_line(name, status, self._first, now - self._started))
        self._last = status

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self.clear()
        print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the line of the step away."""
        if self._is_drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_drawn = False

    def _draw(self, line: str, *, is_first: bool = False) -> None:
        if self._is_terminal:
            room = max(20, shutil.get_terminal_size().columns - 1)
            self._stream.write(f"\r\x1b[K{line[:room]}")
            self._stream.flush()
            self._is_drawn = True
        elif not is_first:
            print(line, file=self._stream, flush=True)


_STEPS: ContextVar[Steps | None] = ContextVar("steps", default=None)


@contextlib.contextmanager
def shown_steps(stream: TextIO | None = None) -> Iterator[Steps]:
    """Show what `tell` is told while the block runs.

    Args:
        stream: where to write; stderr by default.
    """
    steps = Steps(stream)
    token = _STEPS.set(steps)
    try:
        yield steps
    finally:
        steps.clear()
        _STEPS.reset(token)


def note(text: str) -> None:
    """Write a line that stays, where a command shows steps; else nothing happens."""
    steps = _STEPS.get()
    if steps is not None:
        steps.note(text)


def tell(name: str, done: float, total: float, unit: str) -> None:
    """Say how far a step of long work is (`Steps.tell`): seen where a command shows steps, else nothing happens."""
    steps = _STEPS.get()
    if steps is not None:
        steps.tell(name, done, total, unit)
