"""The values of runs on pages and in the JSON API, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from indexer.web.given import Fault
from schemas.run_files import ScoreRow

__all__ = ["ChangeCounts", "EpochRow", "EvaluationCounts", "MixtureRow", "RunDetail", "RunLine"]


class ChangeCounts(BaseModel):
    """Numbers of samples by how a run changes them beside the reference."""

    fixed: int = Field(description="The reference is wrong, this run is right.")
    broken: int = Field(description="The reference is right, this run is wrong.")
    better: int = Field(description="Both are wrong, this run less so.")
    worse: int = Field(description="Both are wrong, this run more so.")
    same: int


class RunLine(BaseModel):
    """A run in short, on one split."""

    name: str
    kind: str = Field(description="expert, or mixture")
    sources: list[str] | None = Field(description="Sources of contexts that an expert reads; empty for a baseline.")
    experts: list[str] = Field(description="Of a mixture.")
    gate: str = Field(description="Of a mixture: the one that predicts.")
    encoder: str
    seed: str
    is_reference: bool
    split: str
    score: ScoreRow | None = Field(description="The task's main score; null where the split was not evaluated.")
    difference: float | None = Field(description="F1 minus that of the reference.")
    changes: ChangeCounts | None = Field(description="Needs the data set (--samples).")
    faults: list[Fault]


class EpochRow(BaseModel):
    """An epoch of training."""

    epoch: int
    step: int
    loss: float | None
    dev_f1: float | None
    is_best: bool
    seconds: float | None
    pieces_per_second: float | None
    dev_seconds: float | None


class MixtureRow(BaseModel):
    """The experts of a mixture, and how its gates were fitted. scores: F1 and held-out loss on that split."""

    experts: list[str]
    gate: str
    split: str
    folds: int
    steps: dict[str, int]
    scores: dict[str, dict[str, float]]


class EvaluationCounts(BaseModel):
    """The predictions of a split beside the data set that is served."""

    kinds: dict[str, int] = Field(description="Samples by kind of mistake; one may count for several.")
    orphans: int = Field(description="Predictions of samples that the data set lacks.")
    others: int = Field(description="Predictions for other tokens than the data set has.")
    absent: int = Field(description="Samples without a prediction.")


class RunDetail(RunLine):
    """A run with everything that its folder holds."""

    splits: list[str] = Field(description="On which the run was evaluated.")
    settings: dict[str, dict[str, str]]
    dataset: str
    task: str
    best_dev_f1: float | None
    best_epoch: int | None
    epochs: list[EpochRow]
    windows: dict[str, dict[str, float]]
    versions: dict[str, str]
    mixture: MixtureRow | None
    scores: dict[str, ScoreRow] = Field(description="Of the split, by convention and group.")
    reference: str = Field(description="Name of the run that others are compared with.")
    reference_scores: dict[str, ScoreRow] = Field(description="Its scores on the split; empty for itself.")
    systems: dict[str, float] = Field(description="F1 of each expert and gate of a mixture, on the split.")
    gate_weights: dict[str, list[int]] = Field(description="Samples by mean weight of an expert, in ten equal bins.")
    judged: EvaluationCounts | None
