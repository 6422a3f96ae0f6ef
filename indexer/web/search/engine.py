"""What answers: a question in, the answers of each view and their time out; the pages and the API ask the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeVar

from indexer.report import UserQuery, explain_score
from indexer.search import Answer, SearchParams, View
from indexer.web.http import Lane, Refused, TextLane
from indexer.web.search.highlight import TermMarker
from indexer.web.search.query_pictures import AskedPictures
from schemas.errors import UsageError
from schemas.records import DEFAULT_K

if TYPE_CHECKING:
    import numpy as np
    from markupsafe import Markup
    from numpy.typing import NDArray

    from indexer.index import WikiIndex

__all__ = ["MAX_K", "MAX_TEXT_CHARS", "MAX_TITLE_BOOST", "Constants", "Engine", "Found", "Question", "Views"]

MAX_TEXT_CHARS = 2000
MAX_K = 100
MAX_TITLE_BOOST = 100.0
T = TypeVar("T")
_VECTORS_HELD = 256
Views = Literal["text", "image", "both"]
Constants = Literal["more", "anserini"]


@dataclass(frozen=True)
class Question:
    """What is asked: words, a picture, or both.

    Args:
        text: words; None or blank: none.
        image: hash of a picture that was sent.
        k: answers wanted of each view.
        view: what to look for: text, or pictures, by the picture asked with or else by the words; None: text for
            words and pictures for a picture.
        title_boost: see `SearchParams`.
        constants: the preset whose k1 and b the text view uses, over the analyzer of the index; None: the index's own.
    """

    text: str | None = None
    image: str | None = None
    k: int = DEFAULT_K
    view: Views | None = None
    title_boost: float = 0.0
    constants: Constants | None = None

    def views(self) -> tuple[View, ...]:
        """Return the views that are asked.

        Raises:
            UsageError: nothing is asked, or words' view without words.

        >>> Question("snow").views(), Question("snow", view="both").views(), Question(None, "ab").views()
        (('text',), ('text', 'image'), ('image',))
        """
        if not self.text and not self.image:
            raise UsageError("nothing is asked", remedy="give text, image, or both")
        if self.view == "text" and not self.text:
            raise UsageError("the text view needs words", remedy="give text, or leave out view=text")
        wants_text = bool(self.text) and self.view != "image"
        wants_image = (bool(self.image) and self.view != "text") or self.view in ("image", "both")
        asked: tuple[tuple[View, bool], ...] = (("text", wants_text), ("image", wants_image))
        return tuple(view for view, is_wanted in asked if is_wanted)

    @property
    def params(self) -> SearchParams:
        """The parameters of the text view's search."""
        return SearchParams(self.k, self.title_boost)


@dataclass(frozen=True, slots=True)
class Found:
    """The answers of one view, best first, and how long they took, waiting included."""

    view: View
    answers: list[Answer]
    seconds: float


class Engine:
    """Asks an index for many people at once.

    Args:
        index: opened.
        text: the index's lane, which may be warm already.
    """

    def __init__(self, index: WikiIndex, text: TextLane | None = None) -> None:
        self.index = index
        self.text = text or TextLane(index)
        self.reading = Lane("reading")
        self.pictures = AskedPictures(index)
        self._marker = TermMarker(lambda some: index.text_searcher.tokens_of(some))
        self._vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def has_text(self) -> bool:
        """Whether the index has a text view."""
        return self.index.manifest.text_index is not None

    @property
    def has_pictures(self) -> bool:
        """Whether it has an image view."""
        return self.index.manifest.image_index is not None

    @property
    def reads_words_for_pictures(self) -> bool:
        """Whether words can find pictures: a CLIP encoder has a text tower, the stand-in has none."""
        return self.index.finds_pictures_by_words

    async def ask(self, question: Question, view: View) -> Found:
        """Answer a question in one of its views.

        Raises:
            MieError: it cannot be answered; every kind says whose fault it is.
        """
        began = perf_counter()
        if view == "text":
            answers = await self.text.ask(question.text or "", question.params, question.constants)
        else:
            vector = await self._vector_of(question)
            (answers,) = await self.reading.call(lambda: self.index.search_vectors(vector[None], question.k))
        return Found(view, answers, perf_counter() - began)

    async def _vector_of(self, question: Question) -> NDArray[np.float32]:
        if question.image:
            return self.pictures.get(question.image).vector
        if question.title_boost and question.view == "image":
            raise UsageError("a title boost is for the text view", remedy="leave it out, or ask for text alone")
        text = question.text or ""
        if text not in self._vectors:
            vectors = await self.pictures.lane.call(lambda: self._encode_text(text))
            if len(self._vectors) >= _VECTORS_HELD:
                self._vectors.clear()
            self._vectors[text] = vectors[0]
        return self._vectors[text]

    def _encode_text(self, text: str) -> NDArray[np.float32]:
        _ = self.index.image_searcher
        if not self.reads_words_for_pictures:
            spec = (self.index.manifest.image_index or {}).get("encoder")
            message = f"the encoder {spec} knows pictures only, no words"
            raise UsageError(message, remedy="send a picture, or ask for text")
        return self.index.encoder.encode_texts([text])

    async def explain(self, question: Question, found: Found) -> list[str]:
        """Tell of each answer how its score comes about, as `mie-index query --explain` does."""
        asked = UserQuery(None, question.text, None)

        def tell() -> list[str]:
            index = self.text.index_of(question.constants if found.view == "text" else None)
            return [explain_score(index, asked, found.view, answer, question.params) for answer in found.answers]

        return await (self.text.call(tell) if found.view == "text" else self.reading.call(tell))

    async def explain_one(self, question: Question, doc_id: str) -> str:
        """Tell of one answer to a question how its score comes about.

        Raises:
            Refused: this document is not among the answers.
        """
        for view in question.views():
            found = await self.ask(question, view)
            some = [answer for answer in found.answers if answer.doc_id == doc_id]
            if some:
                return (await self.explain(question, Found(view, some[:1], found.seconds)))[0]
        remedy = "give the doc_id of an answer, and the k that it had"
        raise Refused(404, f"{doc_id!r} is not among the answers", remedy)

    async def mark(self, query: str, texts: Sequence[str]) -> list[Markup]:
        """Write texts as HTML in which the words of a query are marked."""
        return await self.text.call(lambda: self._marker.mark(query, texts))

    async def read(self, work: Callable[[], T]) -> T:
        """Read the index's tables, one reader at a time."""
        return await self.reading.call(work)
