"""Work ahead: the next items are made in a thread while the last one is used; their order stays."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TypeVar

__all__ = ["ahead"]

_T = TypeVar("_T")


def ahead(items: Iterable[_T], depth: int = 1) -> Iterator[_T]:
    """Return the items of an iterable in their order, made in one thread, at most `depth` before they are asked for.

    What the iterable raises is raised here, after the items before it. When the caller stops early, no further item
    is begun.

    Args:
        items: made lazily, by work that leaves the interpreter free (input, decoding, a child process).
        depth: items that may wait, at least 1.

    >>> list(ahead(n * n for n in range(4)))
    [0, 1, 4, 9]
    """
    room = threading.Semaphore(depth)
    is_over = threading.Event()
    made: SimpleQueue[tuple[_T] | BaseException | None] = SimpleQueue()

    def make() -> None:
        try:
            rest = iter(items)
            while room.acquire() and not is_over.is_set():
                made.put((next(rest),))
        except StopIteration:
            made.put(None)
        except BaseException as error:  # it is raised where the item would have been used
            made.put(error)

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            room.release()
            yield item[0]
    finally:
        is_over.set()
        room.release()
        thread.join()
