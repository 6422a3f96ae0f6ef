"""What the JSON API gives, for its description: answers have the field names of `mie-index query --json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = ["ERRORS", "ApiError", "Document", "Explained", "IndexFacts", "SearchResult", "SentPicture"]


class Problem(BaseModel):
    """What is wrong, and what to do."""

    message: str
    remedy: str


class ApiError(BaseModel):
    """Every answer with a status of 400 or more."""

    error: Problem


class AnswerRow(BaseModel):
    """An answer. text view: a sentence (matched) and its paragraph; image view: a file and its article."""

    view: Literal["text", "image"]
    rank: int = Field(ge=1, description="From 1, in each view.")
    score: float
    doc_id: str = Field(description="Paragraph id (text view) or page id (image view).")
    title: str
    matched: str = Field(description="The best sentence, or the file.")
    text: str = Field(description="The paragraph, or the article's introduction.")
    file: str | None = Field(None, description="Image view: the file's name on Commons.")
    file_page: str | None = Field(None, description="Image view: where its author and licence stand.")


class SearchResult(BaseModel):
    """Answers, text view first, each view by rank; and the time of each view."""

    answers: list[AnswerRow]
    seconds: dict[str, float] = Field(description="By view, waiting included.")
    image: str | None = Field(description="Hash of the picture asked with, which may be asked with again.")


class SentPicture(BaseModel):
    """A picture that is held now."""

    image: str = Field(description="Its hash: the image of a search.")
    width: int
    height: int


class Explained(BaseModel):
    """How the score of an answer comes about."""

    doc_id: str
    explanation: str


class Document(BaseModel):
    """A page, paragraph, sentence or file: what `mie-index show --json` prints."""

    model_config = {"extra": "allow"}


class IndexFacts(BaseModel):
    """The index: what `mie-index info --json` prints."""

    model_config = {"extra": "allow"}
    pages_read: int
    counts: dict[str, int]
    text_index: dict[str, Any] | None
    image_index: dict[str, Any] | None


_MEANINGS = {
    400: "what is asked means nothing, or the Host header names another machine",
    403: "a page of another site sent this",
    404: "not here",
    409: "the index lacks this view, or was built with other weights",
    413: "too large",
    415: "no picture",
    422: "a value out of its range, or a picture that cannot be read",
    503: "busy, late, or something is not installed",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ApiError, "description": words} for status, words in _MEANINGS.items()
}
