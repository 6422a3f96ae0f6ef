"""The rows of `predictions/SPLIT.jsonl` of a run: labels of each sample, contexts read, weights of the experts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.checked_json import read_checked_lines
from schemas.errors import InputError

__all__ = [
    "ExpertWeight",
    "GoldEntity",
    "PredictedEntity",
    "PredictedRelation",
    "Prediction",
    "RegionWeight",
    "UsedContext",
    "predictions_path",
    "read_predictions",
]

PixelBox = tuple[float, float, float, float]
_MAX_BYTES = 256 * 1024 * 1024
"""A hundred times the size of the test split of Twitter-2015."""
_REMEDY = "make them: mie-train evaluate RUN --split SPLIT"


@dataclass(frozen=True, slots=True)
class PredictedEntity:
    """Tokens start up to end are an entity.

    Args:
        start, end: tokens, half-open.
        type: for instance PER.
        text: its tokens.
        probability: the one of its least sure tag, or what the head says; None where nobody says.
        fine: fine type; None where the run predicts none.
        boxes: in pixels, where the picture shows it; () where it does not, or the run predicts none.
        entropy: of the probabilities of its fine types, in nats; None where the run says none.
        candidates: its likeliest fine types and their probabilities; () where the run says none.
    """

    start: int
    end: int
    type: str
    text: str
    probability: float | None = None
    fine: str | None = None
    boxes: tuple[PixelBox, ...] = ()
    entropy: float | None = None
    candidates: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class GoldEntity:
    """A gold entity, as a predicted one."""

    start: int
    end: int
    type: str
    fine: str | None = None
    boxes: tuple[PixelBox, ...] = ()


@dataclass(frozen=True, slots=True)
class PredictedRelation:
    """A relation, predicted or gold: each end is (start, end) of tokens, or (x1, y1, x2, y2) of pixels."""

    head: tuple[float, ...]
    tail: tuple[float, ...]
    type: str
    score: float | None = None


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
class RegionWeight:
    """How much of what a run read of the picture came from one vector of a feature store.

    Args:
        store: name of the store's folder.
        view: of the store.
        number: of the vector among those of the picture in the view, from 0.
        weight: in [0, 1]; the weights of a sample sum to 1.
    """

    store: str
    view: str
    number: int
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run predicts for a sample: tags and entities, the relation of a pair, or entities and relations.

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
        relations: of a run that predicts entities and relations; else None.
        gold_entities, gold_relations: gold records, of a run that answers more than tags say; else None.
        region_weights: where the run looked; () from a run that does not say, or a sample without a picture.
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
    relations: tuple[PredictedRelation, ...] | None = None
    gold_entities: tuple[GoldEntity, ...] | None = None
    gold_relations: tuple[PredictedRelation, ...] | None = None
    region_weights: tuple[RegionWeight, ...] = ()


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
    if (row.tags is not None) + (row.relation is not None) + (row.relations is not None) != 1:
        return "a prediction needs either tags, a relation, or relations"
    for name, tags in (("tags", row.tags), ("gold tags", row.gold)):
        if isinstance(tags, tuple) and len(tags) != count:
            return f"{count} tokens but {len(tags)} {name}"
    if row.gold is not None and isinstance(row.gold, str) != (row.relation is not None):
        return "the gold label is of another task than the predicted one"
    for start, end in _spans(row):
        if not 0 <= start < end <= count:
            return f"an entity [{start}, {end}) in {count} tokens"
    shares = [entity.probability for entity in row.entities] + [part.weight for part in row.gate or ()]
    shares += [part.weight for part in row.region_weights]
    wrong = next((share for share in [*shares, row.probability] if not 0 <= (share or 0.0) <= 1.000001), None)
    return None if wrong is None else f"a probability or weight of {wrong}, it must be in [0, 1]"


def _spans(row: Prediction) -> Iterator[tuple[float, ...]]:
    yield from ((entity.start, entity.end) for entity in row.entities)
    yield from ((entity.start, entity.end) for entity in row.gold_entities or ())
    for relation in (*(row.relations or ()), *(row.gold_relations or ())):
        yield from (end for end in (relation.head, relation.tail) if len(end) == 2)
