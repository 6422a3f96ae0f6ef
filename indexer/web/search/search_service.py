"""The search behind pages and API: a request and a view in, the ranked answers and their time out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from indexer.report import UserQuery, explain_score
from indexer.search import Answer, View
from indexer.web.given import NotFound
from indexer.web.http import WorkerThread
from indexer.web.pictures import QueryPictures
from indexer.web.search.highlight import MarkedText, TermMarker
from indexer.web.search.requests import SearchRequest
from indexer.web.search.text_view import TextView
from schemas.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.index import WikiIndex

__all__ = ["SearchService", "ViewAnswers"]

T = TypeVar("T")
_VECTORS_KEPT = 256


@dataclass(frozen=True, slots=True)
class ViewAnswers:
    """The answers of one view, best first, and how long they took, with the time in the queue."""

    view: View
    answers: list[Answer]
    seconds: float


class SearchService:
    """Searches an index for many people at once.

    Three threads work side by side, so that a text search does not wait while an encoder loads for seconds: one for
    Java (`TextView`), one for tables and vectors, one for the encoder (`QueryPictures`).

    Args:
        index: opened.
        text: its text view, which may be warm already.
    """

    def __init__(self, index: WikiIndex, text: TextView | None = None) -> None:
        self.index = index
        self.pictures = QueryPictures(index)
        self._text = text or TextView(index)
        self._tables = WorkerThread("tables")
        self._marker = TermMarker(lambda words: index.text_searcher.tokens_of(words))
        self._text_vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def has_pictures(self) -> bool:
        """Whether the index has an image view."""
        return self.index.manifest.image_index is not None

    async def search(self, request: SearchRequest, view: View) -> ViewAnswers:
        """Answer a request in one of its views.

        Raises:
            MieError: it cannot be answered; the class says whose fault that is.
        """
        began = perf_counter()
        if view == "text":
            answers = await self._text.search(request.text or "", request.params, request.constants)
        else:
            vector = await self._vector_of(request)
            (answers,) = await self._tables.run(lambda: self.index.search_vectors(vector[None], request.k))
        return ViewAnswers(view, answers, perf_counter() - began)

    async def _vector_of(self, request: SearchRequest) -> NDArray[np.float32]:
        if request.image:
            return self.pictures.get(request.image).vector
        if request.title_boost and request.view == "image":
            raise UsageError("a title boost is for the text view", remedy="leave it out, or ask for text alone")
        text = request.text or ""
        # The same words come again: the form repeats them with each change of k or view, and so does each explanation.
        if text not in self._text_vectors:
            vectors = await self.pictures.encoder_thread.run(lambda: self._encode_text(text))
            if len(self._text_vectors) >= _VECTORS_KEPT:
                self._text_vectors.clear()
            self._text_vectors[text] = vectors[0]
        return self._text_vectors[text]

    def _encode_text(self, text: str) -> NDArray[np.float32]:
        _ = self.index.image_searcher  # raises for an index without pictures
        if not self.index.finds_pictures_by_words:
            spec = (self.index.manifest.image_index or {}).get("encoder")
            message = f"the encoder {spec} knows pictures only, no words"
            raise UsageError(message, remedy="send a picture, or ask for text")
        return self.index.encoder.encode_texts([text])

    async def explain(self, request: SearchRequest, found: ViewAnswers) -> list[str]:
        """Return for each answer how its score is computed, as `mie-index query --explain` does."""
        query = UserQuery(None, request.text, None)

        def explain_all() -> list[str]:
            index = self._text.index_with(request.constants if found.view == "text" else None)
            return [explain_score(index, query, found.view, answer, request.params) for answer in found.answers]

        return await (self._text.run(explain_all) if found.view == "text" else self._tables.run(explain_all))

    async def explain_one(self, request: SearchRequest, doc_id: str) -> str:
        """Return how the score of one answer to a request is computed.

        Raises:
            NotFound: this document is not among the answers.
        """
        for view in request.views():
            found = await self.search(request, view)
            same = [answer for answer in found.answers if answer.doc_id == doc_id]
            if same:
                return (await self.explain(request, replace(found, answers=same[:1])))[0]
        remedy = "give the doc_id of an answer, and the k that it had"
        raise NotFound(f"{doc_id!r} is not among the answers", remedy=remedy)

    async def mark(self, query: str, texts: Sequence[str]) -> list[MarkedText]:
        """Mark the words of a query in texts."""
        return await self._text.run(lambda: self._marker.mark(query, texts))

    async def read(self, work: Callable[[], T]) -> T:
        """Call a function that reads the index's tables, one at a time."""
        return await self._tables.run(work)
