"""A thread that makes one call at a time, with a bounded number of calls waiting, beside the server's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from schemas.errors import MieError

__all__ = ["QueueFull", "WorkerThread"]

T = TypeVar("T")


class QueueFull(MieError):
    """More calls are waiting than can be answered soon."""


class WorkerThread:
    """One thread with a bounded queue. What must not run twice at a time (Java, an encoder) gets one.

    Args:
        name: of the thread.
        max_waiting: calls that may be in the queue or running; a further one is refused.
    """

    def __init__(self, name: str, max_waiting: int = 256) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Call a function in the thread after the calls before it, and return its value.

        Raises:
            QueueFull: too many calls are waiting.
        """
        if self._waiting >= self._max_waiting:
            raise QueueFull(f"{self._waiting} questions are waiting", remedy="ask again in a second")
        # Only the event loop's thread counts, so that no lock is needed.
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Call a function in the thread, from a program whose event loop does not run yet."""
        return self._executor.submit(work)
