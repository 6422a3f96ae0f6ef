"""Makes the next items of an iterable in a thread while the last one is used; their order stays."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TypeVar

__all__ = ["prefetched"]

_T = TypeVar("_T")


def prefetched(items: Iterable[_T], depth: int = 1) -> Iterator[_T]:
    """Yield the items of an iterable in their order; a thread makes the next ones while the caller uses the last.

    An error that the iterable raises is raised here, after the items before it. When the caller stops early, no
    further item is begun.

    Args:
        items: made lazily, by work that does not hold the interpreter lock (input, decoding, a child process).
        depth: items that may wait, at least 1.

    >>> list(prefetched(n * n for n in range(4)))
    [0, 1, 4, 9]
    """
    free_places = threading.Semaphore(depth)
    is_over = threading.Event()
    # Items stand in tuples of one, apart from an error and from None, which is the end.
    made: SimpleQueue[tuple[_T] | BaseException | None] = SimpleQueue()

    def make() -> None:
        try:
            rest = iter(items)
            while free_places.acquire() and not is_over.is_set():
                made.put((next(rest),))
        except StopIteration:
            made.put(None)
        except BaseException as error:  # raised in the caller's thread instead
            made.put(error)

    thread = threading.Thread(target=make, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            free_places.release()
            yield item[0]
    finally:
        # Also when the caller stops early: the flag first, then a place, so that a thread that waits for one ends.
        is_over.set()
        free_places.release()
        thread.join()
