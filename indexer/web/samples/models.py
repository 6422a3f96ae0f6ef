"""What the pages and the JSON API say of samples: one shape for both, described by OpenAPI."""

from __future__ import annotations

from pydantic import BaseModel, Field

__all__ = [
    "ChoiceRow",
    "ContextRow",
    "FaultRow",
    "LabelRow",
    "MistakeRow",
    "RunSays",
    "SampleDetail",
    "SampleLine",
    "SamplesPage",
    "SourceRow",
    "UsedRow",
    "WeightRow",
]


class LabelRow(BaseModel):
    """Tokens start up to, but not including, end are an entity, or the head or tail of a pair."""

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


class UsedRow(BaseModel):
    """A context that was in the run's window."""

    source: str
    rank: int
    doc_id: str
    title: str


class WeightRow(BaseModel):
    """Mean weight of an expert over the sample's tokens, in [0, 1]."""

    expert: str
    weight: float


class RunSays(BaseModel):
    """What a run says of a sample, and what is wrong with it."""

    run: str
    kinds: list[str] = Field(description="Kinds of mistakes; or right, nothing to find, no prediction, no gold.")
    change: str = Field(description="fixed, broken, better, worse or same beside the reference; empty where not told.")
    entities: list[LabelRow]
    relation: str | None
    probability: float | None = Field(description="Of the relation.")
    mistakes: list[MistakeRow]
    contexts: list[UsedRow]
    gate: list[WeightRow] | None = Field(description="Of a mixture.")


class ContextRow(BaseModel):
    """A context of a sample, and the runs in whose windows it was."""

    rank: int
    score: float | None
    doc_id: str
    title: str
    text: str
    matched: str = Field(description="The key that was hit: a sentence or a file.")
    used_by: list[str]


class SourceRow(BaseModel):
    """What a source of a cache gave for a sample."""

    cache: str
    source: str
    status: str = Field(
        description="hit, no_hit, no_image, missing_image, broken_image, not_asked, or other: the cache was made for "
        "other tokens or another image"
    )
    is_of_this_index: bool = Field(description="Whether the cache was made from the index that is served.")
    contexts: list[ContextRow]


class FaultRow(BaseModel):
    """A file that cannot be used."""

    file: str
    place: str
    message: str
    remedy: str


class SampleLine(BaseModel):
    """A sample with gold labels, and how the chosen run fares."""

    sample_id: str
    split: str
    tokens: list[str]
    picture: str = Field(description="with, missing (named, and not in the folder) or without")
    gold: list[LabelRow] | None = Field(description="Entities; null where there are no labels, and for relations.")
    head: LabelRow | None
    tail: LabelRow | None
    relation: str | None
    says: RunSays | None = Field(description="What the chosen run says.")
    against: RunSays | None = Field(description="What the run says that it is compared with, where that is another.")


class ChoiceRow(BaseModel):
    """A value of a filter, and how many samples it would leave under all other filters."""

    value: str
    count: int


class SamplesPage(BaseModel):
    """A page of the samples that were asked for."""

    split: str
    run: str
    against: str
    total: int = Field(description="Samples in the split.")
    found: int = Field(description="Samples that pass all filters.")
    page: int = Field(ge=1)
    pages: int = Field(ge=1)
    facets: dict[str, list[ChoiceRow]]
    samples: list[SampleLine]
    faults: list[FaultRow]


class SampleDetail(SampleLine):
    """A sample with what every run says of it, and its contexts."""

    place: int | None = Field(description="Among the samples that pass the filters, from 1; null outside of them.")
    found: int
    previous: str | None = Field(description="Sample id.")
    next: str | None = Field(description="Sample id.")
    runs: list[RunSays]
    sources: list[SourceRow]
    faults: list[FaultRow]
