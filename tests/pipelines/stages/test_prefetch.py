"""Prefetching in a thread: order, bound, errors, and an early end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from pipelines.stages.prefetch import prefetched


def test_items_come_in_order_and_are_made_in_another_thread() -> None:
    makers: set[int] = set()

    def items() -> Iterator[int]:
        for number in range(500):
            makers.add(threading.get_ident())
            yield number

    assert list(prefetched(items(), 3)) == list(range(500))
    assert len(makers) == 1 and threading.get_ident() not in makers
    assert list(prefetched([])) == []


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_items_are_made_than_may_wait(depth: int) -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    taken = prefetched(items(), depth)
    for used in range(1, 11):
        assert next(taken) == used - 1
        until = time.monotonic() + 5
        while len(made) < used + depth and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.005)
        assert len(made) == used + depth
    taken.close()  # type: ignore[attr-defined]
    assert len(made) == 10 + depth, "after an early end nothing is begun"
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_the_next_item_is_made_while_one_is_used() -> None:
    is_made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(is_made):
            event.set()
            yield number

    for number in prefetched(items()):
        assert is_made[min(number + 1, 2)].wait(10)


def test_an_error_comes_after_the_items_before_it_with_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    taken = prefetched(items(), 4)
    assert next(taken) == 1
    with pytest.raises(KeyError, match="lost") as caught:
        next(taken)
    assert caught.traceback[-1].name == "items"
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_an_error_of_the_user_ends_the_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        for number in prefetched(iter(range(100))):
            _ = 1 / (2 - number)
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]
