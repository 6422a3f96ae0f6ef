"""The text view of an index, asked in a thread of its own: Java answers one question at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from indexer.index import WikiIndex
from indexer.search import Answer, SearchParams
from indexer.text import PRESETS
from indexer.web.http import WorkerThread

__all__ = ["TextView"]

T = TypeVar("T")


class TextView:
    """The text view, under the BM25 constants of the index or of a preset.

    This file imports no web framework, because the command starts Java with it before it imports one.

    Args:
        index: opened.
    """

    def __init__(self, index: WikiIndex) -> None:
        self._thread = WorkerThread("text")
        self._indexes: dict[str | None, WikiIndex] = {None: index}

    def warm(self) -> Future[Any]:
        """Start Java in the thread, open the index and ask it once."""
        return self._thread.submit(lambda: self.index_with(None).search_text(["the first article"], 10))

    def index_with(self, preset: str | None) -> WikiIndex:
        """Return the index with the constants of a preset, opened at its first use; None: with its own."""
        if preset not in self._indexes:
            constants = PRESETS[preset or ""]
            self._indexes[preset] = self._indexes[None].with_constants(constants.k1, constants.b)
        return self._indexes[preset]

    async def search(self, text: str, params: SearchParams, preset: str | None = None) -> list[Answer]:
        """Return the answers of `WikiIndex.search_text` to one text.

        Args:
            text: the words.
            params: of the search.
            preset: whose k1 and b are used; None: the index's own.

        Raises:
            QueueFull: too many questions are waiting.
            MieError: what the search raises.
        """

        def search() -> list[Answer]:
            (answers,) = self.index_with(preset).search_text([text], params.k, params.title_boost)
            return answers

        return await self._thread.run(search)

    async def run(self, work: Callable[[], T]) -> T:
        """Call a function that uses Java, in the thread.

        Raises:
            QueueFull: too many questions are waiting.
        """
        return await self._thread.run(work)
