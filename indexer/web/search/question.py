"""What a search is asked with, read from an address: by the pages and by the API, with one set of bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from indexer.web.http import Refused
from indexer.web.search.engine import MAX_K, MAX_TEXT_CHARS, MAX_TITLE_BOOST, Constants, Question, Views

__all__ = ["AskedExplanation", "AskedSearch", "parameters_of", "read"]

M = TypeVar("M", bound="AskedSearch")
_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AskedSearch(BaseModel):
    """The parameters of a search."""

    text: str | None = Field(None, max_length=MAX_TEXT_CHARS, description="Words to look for.")
    image: _Hash | None = Field(None, description="Hash of a picture that was sent.")
    k: int = Field(Question.k, ge=1, le=MAX_K, description="Answers wanted of each view.")
    view: Views | None = Field(
        None, description="What to look for: text, pictures, or both; by default what is asked with."
    )
    title_boost: float = Field(
        0.0,
        ge=0,
        le=MAX_TITLE_BOOST,
        allow_inf_nan=False,
        description="The text view adds that many times the score of the title.",
    )

    constants: Constants | None = Field(
        None,
        description="BM25's k1 and b are those of this preset, over the analyzer of the index; by default its own.",
    )

    def question(self, image: str | None = None) -> Question:
        """Return the question, with a picture that came otherwise."""
        text = self.text if self.text and self.text.strip() else None
        return Question(text, image or self.image, self.k, self.view, self.title_boost, self.constants)


class AskedExplanation(AskedSearch):
    """The parameters of a search, and one of its answers."""

    doc_id: str = Field(max_length=100, description="Of the answer.")


def read(kind: type[M], values: Mapping[str, str]) -> M:
    """Read parameters; others are passed over.

    FastAPI's own reading takes as long as the rest of a request (docs/decisions/0018).

    Raises:
        Refused: one is out of its range.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Refused(422, f"{name}: {first['msg']}", "see /openapi.json for what is taken") from error


def parameters_of(kind: type[AskedSearch], *but: str) -> dict[str, Any]:
    """Describe the parameters of an address as OpenAPI does.

    Args:
        kind: what reads them.
        but: those that this address does not take.
    """
    schema = kind.model_json_schema()
    needed = schema.get("required", [])
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                "description": some.get("description", ""),
                "schema": {key: value for key, value in some.items() if key not in ("description", "title")},
            }
            for name, some in schema["properties"].items()
            if name not in but
        ]
    }
