"""The parameters of a search, as an address gives them: pages and API read them with one set of bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from indexer.search import SearchParams, View
from schemas.errors import UsageError
from schemas.records import DEFAULT_K

__all__ = ["MAX_TEXT_CHARS", "MAX_TITLE_BOOST", "Constants", "ExplainRequest", "SearchOptions", "SearchRequest"]

MAX_TEXT_CHARS = 2000
MAX_K = 100
MAX_TITLE_BOOST = 100.0
ViewChoice = Literal["text", "image", "both"]
Constants = Literal["more", "anserini"]
_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class SearchOptions(BaseModel):
    """The parameters of a search whose picture, if any, comes in the body."""

    model_config = ConfigDict(frozen=True)

    text: str | None = Field(default=None, max_length=MAX_TEXT_CHARS, description="Words to look for.")
    k: int = Field(default=DEFAULT_K, ge=1, le=MAX_K, description="Most answers of each view.")
    view: ViewChoice | None = Field(
        default=None,
        description="Which view answers: text, image, or both; by default text for words, image for a picture.",
    )
    title_boost: float = Field(
        default=0.0,
        ge=0,
        le=MAX_TITLE_BOOST,
        allow_inf_nan=False,
        description="The text view adds that many times the score of the title.",
    )
    constants: Constants | None = Field(
        default=None,
        description="BM25's k1 and b are those of this preset, over the analyzer of the index; by default its own.",
    )

    @field_validator("text")
    @classmethod
    def _drop_blank(cls, text: str | None) -> str | None:
        return text if text and text.strip() else None

    @property
    def params(self) -> SearchParams:
        """The parameters of the text view's search."""
        return SearchParams(self.k, self.title_boost)


class SearchRequest(SearchOptions):
    """The parameters of a search by words, by a picture that was sent before, or by both."""

    image: _Hash | None = Field(default=None, description="Hash of a picture that was sent.")

    def views(self) -> tuple[View, ...]:
        """Return the views that answer.

        Raises:
            UsageError: there are neither words nor a picture, or the text view is asked without words.

        >>> SearchRequest(text="snow").views(), SearchRequest(text="snow", view="both").views()
        (('text',), ('text', 'image'))
        >>> SearchRequest(image=64 * "0").views()
        ('image',)
        """
        if not self.text and not self.image:
            raise UsageError("nothing is asked", remedy="give text, image, or both")
        if self.view == "text" and not self.text:
            raise UsageError("the text view needs words", remedy="give text, or leave out view=text")
        has_text = bool(self.text) and self.view != "image"
        has_image = (bool(self.image) and self.view != "text") or self.view in ("image", "both")
        views: tuple[tuple[View, bool], ...] = (("text", has_text), ("image", has_image))
        return tuple(view for view, answers in views if answers)


class ExplainRequest(SearchRequest):
    """The parameters of a search, and one of its answers."""

    doc_id: str = Field(max_length=100, description="Of the answer.")
