"""Lanes: one thread each, in which questions to an index wait their turn; text questions that wait go together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from indexer.index import WikiIndex
from indexer.search import Answer, SearchParams
from indexer.text import PRESETS
from schemas.errors import MieError

__all__ = ["Lane", "Overloaded", "TextLane"]

T = TypeVar("T")
_How = tuple[SearchParams, str | None]
_Asked = tuple[str, _How, asyncio.Future[list[Answer]]]
_TOGETHER = 16
"""Text questions answered by one call: they share the way into the thread, and none waits long for the others."""


class Overloaded(MieError):
    """More is asked than can be answered soon."""


class Lane:
    """A thread that does one thing at a time, for a server that must not be held up.

    Args:
        name: of the thread.
        most_waiting: what may wait; more is refused.
    """

    def __init__(self, name: str, most_waiting: int = 256) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._most_waiting = most_waiting
        self._waiting = 0

    async def call(self, work: Callable[[], T]) -> T:
        """Do something in the thread, when what came before is done.

        Raises:
            Overloaded: too much waits.
        """
        if self._waiting >= self._most_waiting:
            raise _overloaded(self._waiting)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Do something in the thread, from a program that has no loop yet."""
        return self._thread.submit(work)


class TextLane(Lane):
    """The lane of the text view: all that uses Java, in one thread.

    Args:
        index: to ask.
    """

    def __init__(self, index: WikiIndex) -> None:
        super().__init__("text")
        self._indexes: dict[str | None, WikiIndex] = {None: index}
        self._lock = Lock()
        self._asked: deque[_Asked] = deque()
        self._is_answering = False

    def warm(self) -> Future[Any]:
        """Start Java, open the index and ask it once, in the thread."""
        return self.start(lambda: self.index_of(None).search_text(["the first article"], 10))

    def index_of(self, constants: str | None) -> WikiIndex:
        """Return the index with the constants of a preset, opened at its first use; None: its own."""
        if constants not in self._indexes:
            preset = PRESETS[constants or ""]
            self._indexes[constants] = self._indexes[None].with_constants(preset.k1, preset.b)
        return self._indexes[constants]

    async def ask(self, text: str, params: SearchParams, constants: str | None = None) -> list[Answer]:
        """Return the answers of `WikiIndex.search_text` to one text.

        Args:
            text: the words.
            params: of the search.
            constants: the preset whose k1 and b are used; None: the index's own.

        Raises:
            Overloaded: too many wait.
            MieError: what the search raises.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Answer]] = loop.create_future()
        with self._lock:
            if len(self._asked) >= self._most_waiting:
                raise _overloaded(len(self._asked))
            self._asked.append((text, (params, constants), future))
            if not self._is_answering:
                self._is_answering = True
                self._thread.submit(self._answer_some, loop)
        return await future

    def _answer_some(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer the questions that have waited longest and have the same parameters; then those behind them."""
        with self._lock:
            how = self._asked[0][1]
            some: list[_Asked] = []
            while self._asked and len(some) < _TOGETHER and self._asked[0][1] == how:
                some.append(self._asked.popleft())
        outcomes = self._search([text for text, _, _ in some], how)
        deliver = partial(_deliver, [(future, outcome) for (_, _, future), outcome in zip(some, outcomes, strict=True)])
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
            loop.call_soon_threadsafe(deliver)
        with self._lock:
            self._is_answering = bool(self._asked)
            if self._is_answering:
                self._thread.submit(self._answer_some, self._asked[0][2].get_loop())

    def _search(self, texts: Sequence[str], how: _How) -> Sequence[list[Answer] | Exception]:
        try:
            params, constants = how
            return self.index_of(constants).search_text(texts, params.k, params.title_boost)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            return [outcome for text in texts for outcome in self._search([text], how)]


def _deliver(outcomes: list[tuple[asyncio.Future[list[Answer]], list[Answer] | Exception]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # who asked has gone
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _overloaded(waiting: int) -> Overloaded:
    return Overloaded(f"{waiting} questions are waiting", remedy="ask again in a second")
