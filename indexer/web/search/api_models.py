"""Answers of the JSON API as OpenAPI describes them: the field names are those of `mie-index query --json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = ["Document", "Explained", "IndexFacts", "SearchResult", "SentPicture"]


class AnswerRow(BaseModel):
    """An answer. text view: a sentence (matched) and its paragraph; image view: a file and its article."""

    view: Literal["text", "image"]
    rank: int = Field(ge=1, description="From 1, in each view.")
    score: float
    doc_id: str = Field(description="Paragraph id (text view) or page id (image view).")
    title: str
    description: str = Field(description="What the article says of itself in a few words; '' if nothing.")
    matched: str = Field(description="The best sentence, or the file.")
    text: str = Field(description="The paragraph, or the article's introduction.")
    file: str | None = Field(None, description="Image view: the file's name on Commons.")
    file_page: str | None = Field(None, description="Image view: the page with its author and licence.")


class SearchResult(BaseModel):
    """Answers, text view first, each view by rank; and the time of each view."""

    answers: list[AnswerRow]
    seconds: dict[str, float] = Field(description="By view, with the time in the queue.")
    image: str | None = Field(description="Hash of the picture of the search; another search may name it.")


class SentPicture(BaseModel):
    """A picture that was sent, and is kept now."""

    image: str = Field(description="Its hash: what a search gives as image.")
    width: int
    height: int


class Explained(BaseModel):
    """How the score of an answer is computed."""

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
