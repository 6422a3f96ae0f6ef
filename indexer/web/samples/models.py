"""The values of samples on pages and in the JSON API, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from indexer.web.given import Fault
from indexer.web.samples.selection import Choice
from schemas.predictions import ExpertWeight, UsedContext

__all__ = [
    "ContextRow",
    "LabelRow",
    "MistakeRow",
    "PredictionRow",
    "SampleDetail",
    "SampleLine",
    "SamplesPage",
    "SourceRow",
]


class LabelRow(BaseModel):
    """An entity, or the head or tail of a pair: the tokens from start to before end."""

    type: str
    start: int
    end: int
    text: str
    probability: float | None = Field(None, description="Of the least sure tag; null for gold.")


class MistakeRow(BaseModel):
    """One mistake. Relations have only the kind."""

    kind: str = Field(
        description="missed, spurious, wrong type, wrong boundary, wrong type and boundary, wrong relation"
    )
    gold: LabelRow | None
    predicted: LabelRow | None


class PredictionRow(BaseModel):
    """A run's prediction for a sample, and its mistakes."""

    run: str
    kinds: list[str] = Field(description="Kinds of mistakes; or right, nothing to find, no prediction, no gold.")
    change: str = Field(description="fixed, broken, better, worse or same beside the reference; empty where unknown.")
    entities: list[LabelRow]
    relation: str | None
    probability: float | None = Field(description="Of the relation.")
    mistakes: list[MistakeRow]
    contexts: list[UsedContext] = Field(description="That were in the run's window.")
    gate: list[ExpertWeight] | None = Field(
        description="Of a mixture: mean weight of each expert over the sample's tokens, in [0, 1]."
    )


class ContextRow(BaseModel):
    """A context of a sample, and the runs in whose windows it was."""

    rank: int
    score: float | None
    doc_id: str
    title: str
    description: str = Field(description="What the article says of itself in a few words; '' if nothing.")
    text: str
    matched: str = Field(description="The sentence or file that was hit.")
    used_by: list[str]


class SourceRow(BaseModel):
    """The contexts that one source of a cache has for a sample."""

    cache: str
    source: str
    status: str = Field(
        description="hit, no_hit, no_image, missing_image, broken_image, not_asked, or other: the cache was made for "
        "other tokens or another image"
    )
    is_of_this_index: bool = Field(description="Whether the cache was made from the index that is served.")
    contexts: list[ContextRow]


class SampleLine(BaseModel):
    """A sample with gold labels, and the prediction of the chosen run."""

    sample_id: str
    split: str
    tokens: list[str]
    picture: str = Field(description="with, missing (named, and not in the folder) or without")
    gold: list[LabelRow] | None = Field(description="Entities; null where there are no labels, and for relations.")
    head: LabelRow | None
    tail: LabelRow | None
    relation: str | None
    says: PredictionRow | None = Field(description="The prediction of the chosen run.")
    against: PredictionRow | None = Field(
        description="The prediction of the run that it is compared with, where that is another."
    )


class SamplesPage(BaseModel):
    """A page of the samples that pass the filters."""

    split: str
    run: str
    against: str
    total: int = Field(description="Samples in the split.")
    found: int = Field(description="Samples that pass all filters.")
    page: int = Field(ge=1)
    pages: int = Field(ge=1)
    facets: dict[str, list[Choice]]
    samples: list[SampleLine]
    faults: list[Fault]


class SampleDetail(SampleLine):
    """A sample with the predictions of every run, and its contexts."""

    place: int | None = Field(
        description="Among the samples that pass the filters, from 1; null where it does not pass."
    )
    found: int
    previous: str | None = Field(description="Sample id.")
    next: str | None = Field(description="Sample id.")
    runs: list[PredictionRow]
    sources: list[SourceRow]
    faults: list[Fault]
