"""What a person sees of long work: one line on stderr, redrawn on a terminal and printed now and then elsewhere.

A build runs in stages, and its workers are other processes: they write how far they are into files, and a thread of
`Progress` reads them while the stage runs. Any other command works in its own process, and its code calls `tell`:

    the command            the code that works             the terminal
    with shown_steps():
        train(...)   ───►  tell("train", 5, 10, "steps") ───►  train     50 %  5 steps (2.5/s)  2 s to go
                           note("epoch 1 done")          ───►  epoch 1 done

Code that works never asks whether somebody watches: outside of `shown_steps`, `tell` and `note` do nothing. So a test
or a notebook can call the same code in silence.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["Progress", "ProgressStatus", "Steps", "note", "shown_steps", "tell"]

_TERMINAL_S = 0.5
"""Seconds between two redraws: often enough to look alive."""
_PIPE_S = 15.0
"""Seconds between two lines in a log: a build of an hour leaves 240."""


@dataclass(frozen=True, slots=True)
class ProgressStatus:
    """How far a stage or step is.

    Args:
        done: so far, in any unit.
        total: of all, in the same unit; 0 if it is not known.
        text: words to show, for instance "3/4 shards".
        counts: names and numbers so far; each is shown with its rate per second, bytes as MB.
    """

    done: float
    total: float
    text: str = ""
    counts: tuple[tuple[str, float], ...] = ()


class Progress:
    """Shows the stages of a build, and remembers how many seconds each took.

    Args:
        stream: where to write; stderr by default.
        is_quiet: write nothing but notes.
    """

    def __init__(self, stream: TextIO | None = None, *, is_quiet: bool = False) -> None:
        self._line = _StatusLine(stream or sys.stderr)
        self._is_quiet = is_quiet
        self.seconds: dict[str, float] = {}

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._line.print(text)

    @contextlib.contextmanager
    def stage(self, name: str, read: Callable[[], ProgressStatus] | None = None) -> Iterator[None]:
        """Show a stage while the block runs.

        Args:
            name: of the stage.
            read: returns how far the stage is; a thread calls it.
        """
        started = time.monotonic()
        first = read() if read else None
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(name, read, first, started, ended), daemon=True)
        if self._line.is_redrawn and not self._is_quiet:
            self._line.show(f"{name:<8} ...")
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
                self._line.clear()
                self._line.print(self._last_line(name, read, first, is_done=is_done))

    def _watch(
        self,
        name: str,
        read: Callable[[], ProgressStatus],
        first: ProgressStatus,
        started: float,
        ended: threading.Event,
    ) -> None:
        while not ended.wait(self._line.pause_s):
            self._line.show(_to_line(name, read(), first, time.monotonic() - started))

    def _last_line(
        self, name: str, read: Callable[[], ProgressStatus] | None, first: ProgressStatus | None, *, is_done: bool
    ) -> str:
        seconds = self.seconds[name]
        if read is None or first is None or not is_done:
            return f"{name:<8} {'done' if is_done else 'stopped'} in {seconds:.1f} s"
        return _to_line(name, read(), first, seconds, is_done=True)


class Steps:
    """Shows one step of long work after the other, from what `tell` says; a finished step leaves no line behind.

    Args:
        stream: where to write; stderr by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._line = _StatusLine(stream or sys.stderr)
        self._name = ""
        self._first = self._last = ProgressStatus(0, 0)
        self._started = self._shown = 0.0

    def tell(self, name: str, done: float, total: float, unit: str) -> None:
        """Show how far a step is. Another name, or a smaller number than before, begins a new step.

        Args:
            name: of the step.
            done: so far, in units; in bytes if the unit is "bytes".
            total: of all; 0 if it is not known.
            unit: what is counted.
        """
        now, status = time.monotonic(), ProgressStatus(done, total, counts=((unit, done),))
        if name != self._name or done < self._last.done:
            self._name, self._first, self._started, self._shown = name, status, now, now
            if self._line.is_redrawn:  # a log does without the beginnings: many steps are over in a second
                self._line.show(_to_line(name, status, status, 0.0))
        elif now - self._shown >= self._line.pause_s:
            self._shown = now
            self._line.show(_to_line(name, status, self._first, now - self._started))
        self._last = status

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._line.clear()
        self._line.print(text)

    def clear(self) -> None:
        """Remove the line of the step; the next `tell` that is due draws it again."""
        self._line.clear()


_STEPS: ContextVar[Steps | None] = ContextVar("steps", default=None)


@contextlib.contextmanager
def shown_steps(stream: TextIO | None = None) -> Iterator[Steps]:
    """Show what `tell` and `note` say while the block runs.

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


def tell(name: str, done: float, total: float, unit: str) -> None:
    """Show how far a step of long work is (`Steps.tell`); does nothing outside of `shown_steps`."""
    steps = _STEPS.get()
    if steps is not None:
        steps.tell(name, done, total, unit)


def note(text: str) -> None:
    """Write a line that stays; does nothing outside of `shown_steps`."""
    steps = _STEPS.get()
    if steps is not None:
        steps.note(text)


class _StatusLine:
    """The line at the bottom of a terminal, which rich redraws; elsewhere each status is a line of its own.

    rich's own progress bars are not used: they know one rate for a task, where a stage counts pages and bytes, and they
    write nothing to a log before the work has ended.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live: Live | None = None
        self._lock = threading.Lock()  # the watcher of a stage shows, while the driver prints notes
        self.is_redrawn = _can_redraw(stream)
        self.pause_s = _TERMINAL_S if self.is_redrawn else _PIPE_S

    def show(self, line: str) -> None:
        """Draw a status in place of the one before, cut to the width of the terminal; elsewhere print it."""
        if not self.is_redrawn:
            self.print(line)
            return
        from rich.text import Text

        with self._lock:
            if self._live is None:
                self._live = _start_live(self._stream)
            self._live.update(Text(line, no_wrap=True, overflow="crop"), refresh=True)

    def print(self, line: str) -> None:
        """Print a line that stays, above the status if one is shown."""
        with self._lock:
            if self._live is None:
                print(line, file=self._stream, flush=True)
            else:
                self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def clear(self) -> None:
        """Remove the status from the terminal."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None


def _start_live(stream: TextIO) -> Live:
    """Open rich's display of one line. rich is imported here, so that `--help` and a pipe do without it."""
    from rich.console import Console
    from rich.live import Live

    # `_can_redraw` has decided already; what rich would guess from FORCE_COLOR and the like must not contradict it.
    console = Console(file=stream, force_terminal=True, force_interactive=True, highlight=False)
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
    live.start()
    # rich hides the cursor while it draws. A build that is killed could not bring it back.
    console.show_cursor(True)
    return live


def _can_redraw(stream: TextIO) -> bool:
    """Return whether a line on a stream can be drawn again: on a terminal that does not say that it is dumb."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def _to_line(name: str, status: ProgressStatus, first: ProgressStatus, seconds: float, *, is_done: bool = False) -> str:
    """Write a status as one line.

    Args:
        name: of the stage or step.
        status: how far it is.
        first: how far it was when this process began, if an earlier one did a part: rates and the time to go count
            from here.
        seconds: since then.
        is_done: it has ended.

    >>> status = ProgressStatus(5, 10, "1/2 shards", (("pages", 600), ("bytes", 3e6)))
    >>> _to_line("parse", status, ProgressStatus(0, 10), 2.0)
    'parse     50 %  1/2 shards  600 pages (300/s)  3.0 MB (1.5 MB/s)  2 s to go'
    """
    share = min(1.0, status.done / status.total) if status.total else 0.0
    has_share = status.total > 0 and not is_done
    parts = [f"{name:<8} {100 * share:3.0f} %" if has_share else f"{name:<7}", status.text]
    counts_before, elapsed_s = dict(first.counts), max(seconds, 1e-9)
    for unit, number in status.counts:
        rate = (number - counts_before.get(unit, 0)) / elapsed_s
        if unit == "bytes":
            parts.append(f"{number / 1e6:.1f} MB ({rate / 1e6:.1f} MB/s)")
        else:
            parts.append(f"{number:,.0f} {unit} ({rate:,.{1 if 0 < rate < 10 else 0}f}/s)")
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
