"""The values of samples on pages and in the JSON API, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from indexer.web.given import Fault
from indexer.web.samples.selection import Choice
from schemas.predictions import ExpertWeight, UsedContext

__all__ = [
    "ContextRow",
    "EndRow",
    "FactRow",
    "LabelRow",
    "MistakeRow",
    "PictureSize",
    "PixelBox",
    "PredictionRow",
    "RegionRow",
    "SampleDetail",
    "SampleLine",
    "SamplesPage",
    "SourceRow",
]


PixelBox = tuple[float, float, float, float]


class LabelRow(BaseModel):
    """An entity, or the head or tail of a pair: the tokens from start to before end."""

    type: str
    start: int
    end: int
    text: str
    probability: float | None = Field(None, description="Of the least sure tag; null for gold.")
    fine: str | None = Field(None, description="Its fine type, where there is one.")
    boxes: list[PixelBox] = Field([], description="Where the picture shows it: x1, y1, x2, y2 in pixels.")
    candidates: list[tuple[str, float]] = Field([], description="The likeliest fine types and their probabilities.")


class EndRow(BaseModel):
    """An end of a relation: tokens from start to before end, or a box in pixels."""

    text: str = Field(description="The tokens; '' for a box.")
    start: int | None = None
    end: int | None = None
    box: PixelBox | None = None


class FactRow(BaseModel):
    """A relation between two ends."""

    head: EndRow
    tail: EndRow
    type: str
    score: float | None = None


class MistakeRow(BaseModel):
    """One mistake. The relation of a pair has only the kind."""

    kind: str = Field(
        description="missed, spurious, wrong type, wrong boundary, wrong type and boundary, wrong fine type, "
        "wrong region, wrong relation"
    )
    gold: LabelRow | None
    predicted: LabelRow | None
    gold_fact: FactRow | None = None
    predicted_fact: FactRow | None = None


class RegionRow(BaseModel):
    """A region of a sample's picture, from a feature store."""

    store: str
    view: str
    number: int = Field(description="In its view, from 0.")
    box: PixelBox = Field(description="x1, y1, x2, y2 in pixels of the picture as displayed.")
    name: str
    score: float | None
    weights: dict[str, float] = Field({}, description="Run -> share of what it read of the picture from here.")


class PictureSize(BaseModel):
    """Width and height of a picture in pixels, as displayed."""

    width: int
    height: int


class PredictionRow(BaseModel):
    """A run's prediction for a sample, and its mistakes."""

    run: str
    kinds: list[str] = Field(description="Kinds of mistakes; or right, nothing to find, no prediction, no gold.")
    change: str = Field(description="fixed, broken, better, worse or same beside the reference; empty where unknown.")
    entities: list[LabelRow]
    facts: list[FactRow] | None = Field(None, description="Relations of joint data; null of other runs.")
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
    facts: list[FactRow] | None = Field(None, description="Gold relations of joint data; null for other data.")
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
    size: PictureSize | None = Field(None, description="Of its picture; null where it is not shown, or has no boxes.")
    regions: list[RegionRow]
    sources: list[SourceRow]
    faults: list[Fault]
