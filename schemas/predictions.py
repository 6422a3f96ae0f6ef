"""The rows of `predictions/SPLIT.jsonl` of a run: labels of each sample, contexts read, weights of the experts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.checked_json import read_checked_lines
from schemas.errors import InputError

__all__ = ["ExpertWeight", "PredictedEntity", "Prediction", "UsedContext", "predictions_path", "read_predictions"]

_MAX_BYTES = 256 * 1024 * 1024
"""A hundred times the size of the test split of Twitter-2015."""
_REMEDY = "make them: mie-train evaluate RUN --split SPLIT"


@dataclass(frozen=True, slots=True)
class PredictedEntity:
    """Tokens start up to end are an entity; probability is the one of its least sure tag."""

    start: int
    end: int
    type: str
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class UsedContext:
    """A context that was in the window of the run, or of an expert of the mixture."""

    source: str
    rank: int
    doc_id: str
    title: str


@dataclass(frozen=True, slots=True)
class ExpertWeight:
    """The mean weight of an expert over the tokens of a sample."""

    expert: str
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run predicts for a sample: tags and entities, or the relation of a pair.

    Args:
        sample_id: of the data set.
        tokens: as they were read.
        image: file name, or None.
        contexts: those that were in the window.
        tags: one per token; None for relations.
        entities: those that the tags stand for.
        relation: the predicted one; None for tags.
        probability: of the relation.
        gold: tags or relation, where they were known.
        gate: the weights of a mixture's experts; None for an expert.
    """

    sample_id: str
    tokens: tuple[str, ...]
    image: str | None = None
    contexts: tuple[UsedContext, ...] = ()
    tags: tuple[str, ...] | None = None
    entities: tuple[PredictedEntity, ...] = ()
    relation: str | None = None
    probability: float | None = None
    gold: tuple[str, ...] | str | None = None
    gate: tuple[ExpertWeight, ...] | None = None


def predictions_path(run: Path, split: str) -> Path:
    """Return where a run folder keeps the predictions of a split."""
    return run / "predictions" / f"{split}.jsonl"


def read_predictions(path: Path) -> list[Prediction]:
    """Read the predictions of a split, which `mie-train evaluate` wrote.

    Raises:
        InputError: there are no predictions, a line is none, or a sample has two.
        IndexCorrupt: more than 256 MiB.
    """
    if not path.is_file():
        raise InputError("no predictions here", path=path, remedy=_REMEDY)
    rows: dict[str, Prediction] = {}
    for number, row in read_checked_lines(path, Prediction, limit=_MAX_BYTES, remedy=_REMEDY):
        fault = "this sample stands here twice" if row.sample_id in rows else _fault(row)
        if fault:
            raise InputError(fault, path=path, place=f"line {number}", remedy=_REMEDY)
        rows[row.sample_id] = row
    return list(rows.values())


def _fault(row: Prediction) -> str | None:
    """Return the first fault of a row, or None.

    >>> _fault(Prediction("a", ("x",), tags=("O", "O")))
    '1 tokens but 2 tags'
    >>> _fault(Prediction("a", ("x",), relation="None", probability=7.0))
    'a probability or weight of 7.0, it must be in [0, 1]'
    """
    count = len(row.tokens)
    if (row.tags is None) == (row.relation is None):
        return "a prediction needs either tags or a relation"
    for name, tags in (("tags", row.tags), ("gold tags", row.gold)):
        if isinstance(tags, tuple) and len(tags) != count:
            return f"{count} tokens but {len(tags)} {name}"
    if row.gold is not None and isinstance(row.gold, str) != (row.relation is not None):
        return "the gold label is of another task than the predicted one"
    for entity in row.entities:
        if not 0 <= entity.start < entity.end <= count:
            return f"an entity [{entity.start}, {entity.end}) in {count} tokens"
    shares = [entity.probability for entity in row.entities] + [part.weight for part in row.gate or ()]
    wrong = next((share for share in [*shares, row.probability or 0.0] if not 0 <= share <= 1.000001), None)
    return None if wrong is None else f"a probability or weight of {wrong}, it must be in [0, 1]"
