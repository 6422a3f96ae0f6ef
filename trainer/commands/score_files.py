"""Files of predictions beside gold ones: scores by our counting and by the published ones, without any run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from schemas.dataset import read_dataset, read_samples
from schemas.entities import find_entities
from schemas.errors import InputError, UsageError
from schemas.predictions import PredictedRelation, Prediction, read_predictions
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.text_files import TextFile
from trainer.commands.grounding_files import ground_answers, ground_entities, read_grounding
from trainer.data.readers import read_boxes
from trainer.inputs import Answer
from trainer.metrics import (
    RivegEntity,
    Score,
    read_riveg,
    score_e2e,
    score_eega,
    score_fine,
    score_groundable,
    score_grounded,
    score_joint,
    score_records,
    score_riveg,
    score_tiger,
)

__all__ = ["COUNTINGS", "USELESS", "Bound", "Counting", "place_entities", "score_files", "write_bound"]

Counting = Literal["ours", "riveg", "e2e", "tiger", "eega"]
COUNTINGS: tuple[Counting, ...] = get_args(Counting)
Bound = Literal["gold", "whole", "useless"]
"""Whose boxes stand in for a grounder: the first gold box, the whole picture, or one pixel in its corner."""
USELESS = Box(0, 0, 1, 1)
"""The box of an entity that is said to be shown without one: a wrong answer, not one that the picture lacks it."""
_LEVELS = {"GMNER": (True, True), "MNER": (True, False), "EEG": (False, True)}


class _Gold(NamedTuple):
    """Gold samples with their relations by name; or RiVEG's rows."""

    samples: list[Sample]
    labels: tuple[str, ...]
    rows: list[RivegEntity]


def score_files(
    gold: Path,
    predictions: Path,
    split: str = "test",
    grounding: Sequence[Path] = (),
    counting: Counting = "ours",
    *,
    is_strict: bool = False,
    talk: Callable[[str], None] = lambda _: None,
) -> dict[str, Score]:
    """Score predictions that stand in a file.

    Args:
        gold: a data set; or RiVEG's file of gold entities (.txt), by its own counting.
        predictions: .jsonl of `mie-train predict` or `evaluate`; or RiVEG's file of predicted entities (.txt).
        split: of the data set.
        grounding: files of decisions, as `ground_answers` takes them.
        counting: ours by span; riveg by surface, with gold used up; e2e by the best matching of surfaces; tiger by
            surface and fine type, with its P and R; eega undirected and doubled.
        is_strict: by our counting, a region must have an IoU above 0.5, as candidates must for H-Index, not of 0.5.
        talk: called with a line on predicted entities that stand nowhere in their post: only riveg counts them.

    Returns:
        scores by name, the main one first.

    Raises:
        UsageError: a counting that there is not, or one that needs a data set.
        InputError: a file cannot be read, or a predicted sample is none of the data set, or has other tokens.
    """
    if counting not in COUNTINGS:
        raise UsageError(f"no counting {counting!r}", remedy=f"choose {', '.join(COUNTINGS)}")
    if is_strict and counting != "ours":
        raise UsageError(f"the counting {counting} has its own overlap", remedy="leave out --strict or --counting")
    known = _read_gold(gold, split, counting)
    decisions = [read_grounding(path) for path in grounding]
    if predictions.suffix.lower() == ".txt":
        said = ground_entities(list(read_riveg(TextFile(predictions))), *decisions)
        if counting == "riveg":
            return _score_riveg(known, said)
        answers = [Answer(tuple(rows)) for rows in place_entities(known.samples, said)]
        lost = len(said) - sum(len(answer.records) for answer in answers)
        if lost:
            talk(f"{lost} of {len(said)} predicted entities stand nowhere in their post, and are left out")
    else:
        found = read_predictions(predictions)
        samples = known.samples or [Sample(row.sample_id, row.tokens, row.image) for row in found]
        answers = ground_answers(samples, _answers_of(samples, found, predictions), *decisions)[0]
        if counting == "riveg":
            return _score_riveg(known, _surfaces(samples, [answer.entities for answer in answers]))
    return _score_ours(known, answers, is_strict) if counting == "ours" else _COUNTS[counting](known, answers)


def _read_gold(path: Path, split: str, counting: Counting) -> _Gold:
    if path.suffix.lower() == ".txt":
        if counting != "riveg":
            raise UsageError(
                f"the counting {counting} needs a data set",
                path=path,
                remedy="name its folder, or add --counting riveg",
            )
        return _Gold([], (), list(read_riveg(TextFile(path))))
    samples = read_samples(path, split)
    rows = _surfaces(samples, [_gold_entities(sample) for sample in samples])
    return _Gold(samples, read_dataset(path).labels, rows)


def _surfaces(samples: Sequence[Sample], entities: Sequence[Sequence[Entity]]) -> list[RivegEntity]:
    """Return entities by picture and surface; a sample without a picture stands for its own."""
    return [
        RivegEntity(
            sample.image or sample.sample_id,
            " ".join(sample.tokens[row.start : row.end]),
            row.type,
            "",
            bool(row.boxes),
            row.boxes,
        )
        for sample, rows in zip(samples, entities, strict=True)
        for row in rows
    ]


def _answers_of(samples: Sequence[Sample], found: Sequence[Prediction], path: Path) -> list[Answer]:
    """Return the predicted records of each sample; a sample without a row was answered with nothing."""
    by_id = {row.sample_id: row for row in found}
    unknown = by_id.keys() - {sample.sample_id for sample in samples}
    if unknown:
        raise InputError(f"predicted samples that are not in the data set: {min(unknown)} ...", path=path)
    for sample in samples:
        row = by_id.get(sample.sample_id)
        if row is not None and row.tokens != sample.tokens:
            raise InputError("predicted of other tokens than the data set has", path=path, place=sample.sample_id)
    return [_answer(by_id.get(sample.sample_id)) for sample in samples]


def _answer(row: Prediction | None) -> Answer:
    if row is None:
        return Answer(())
    entities = [
        Entity(part.start, part.end, part.type, part.fine, tuple(Box(*box) for box in part.boxes))
        for part in row.entities
    ]
    return Answer((*entities, *map(_relation, row.relations or ())))


def _relation(row: PredictedRelation) -> Relation:
    return Relation(_end(row.head), _end(row.tail), row.type)


def _end(values: Sequence[float]) -> Span | Box:
    return Span(int(values[0]), int(values[1])) if len(values) == 2 else Box(*values)


def place_entities(samples: Sequence[Sample], rows: Iterable[RivegEntity]) -> list[list[Entity]]:
    """Find the span of each entity in its post: the first place of its tokens that no other entity has taken.

    One that is nowhere is left out. One that is shown without a box gets a useless one.

    >>> sample = Sample("a", ("Ann", "and", "Ann"), "1.jpg")
    >>> rows = [RivegEntity("1.jpg", "Ann", "PER", "", False)] * 2
    >>> [[row.start for row in part] for part in place_entities([sample], rows)]
    [[0, 2]]
    """
    by_image: dict[str, list[RivegEntity]] = {}
    for row in rows:
        by_image.setdefault(row.image, []).append(row)
    placed = []
    for sample in samples:
        found: list[Entity] = []
        for row in by_image.get(sample.image or "", ()):
            words = tuple(row.surface.split(" "))
            starts = [i for i in range(len(sample.tokens)) if sample.tokens[i : i + len(words)] == words]
            free = [i for i in starts if all(i >= other.end or i + len(words) <= other.start for other in found)]
            boxes = (row.boxes or (USELESS,)) if row.is_groundable else ()
            if free:
                found.append(Entity(free[0], free[0] + len(words), row.type, boxes=boxes))
        placed.append(found)
    return placed


def _score_riveg(gold: _Gold, said: Sequence[RivegEntity]) -> dict[str, Score]:
    def first(row: RivegEntity) -> Box | None:
        return next(iter(row.boxes), None)

    return {name: score_riveg(gold.rows, said, first, level) for name, level in _LEVELS.items()}


def _entities(gold: _Gold, answers: Sequence[Answer]) -> tuple[list[Sequence[Entity]], list[list[Entity]]]:
    return [_gold_entities(sample) for sample in gold.samples], [answer.entities for answer in answers]


def _gold_entities(sample: Sample) -> Sequence[Entity]:
    """Return the entities that stand as records, else those of the tags."""
    return find_entities(sample.tags or ()) if sample.entities is None else sample.entities


def _score_ours(gold: _Gold, answers: Sequence[Answer], is_strict: bool) -> dict[str, Score]:
    if any(sample.relations is not None for sample in gold.samples):
        return score_joint(*_sides(gold, answers))
    sides = _entities(gold, answers)
    entities = [row for rows in sides[0] for row in rows]
    if any(row.boxes for row in entities):
        return score_grounded(*sides, is_strict=is_strict) | score_groundable(*sides, is_strict=is_strict)
    if any(row.fine is not None for row in entities):
        return score_fine(*sides)
    return {"MNER": score_records(*sides), "span": score_records(*sides, "span")}


def _score_eega(gold: _Gold, answers: Sequence[Answer]) -> dict[str, Score]:
    lengths = [len(sample.tokens) for sample in gold.samples]
    return score_eega(*_sides(gold, answers), lengths, gold.labels)


_Side = list[tuple[Sequence[Entity], Sequence[Relation]]]


def _sides(gold: _Gold, answers: Sequence[Answer]) -> tuple[_Side, _Side]:
    known: _Side = [(sample.entities or (), sample.relations or ()) for sample in gold.samples]
    return known, [(answer.entities, answer.relations) for answer in answers]


def _score_e2e(gold: _Gold, answers: Sequence[Answer]) -> dict[str, Score]:
    return {"GMNER": score_e2e([sample.tokens for sample in gold.samples], *_entities(gold, answers))}


def _score_tiger(gold: _Gold, answers: Sequence[Answer]) -> dict[str, Score]:
    return {"FMNERG": score_tiger([sample.tokens for sample in gold.samples], *_entities(gold, answers))}


_COUNTS: dict[str, Callable[[_Gold, Sequence[Answer]], dict[str, Score]]] = {
    "e2e": _score_e2e,
    "tiger": _score_tiger,
    "eega": _score_eega,
}


def write_bound(samples: Path, out: Path, bound: Bound, split: str = "test", boxes: Path | None = None) -> int:
    """Write a file of decisions by an answer that no grounder is needed for, and return its lines.

    Every surface of a gold entity has one, whether the picture shows it or not: which do, others decide.

    Args:
        samples: a data set with boxes.
        out: .jsonl.
        bound: whose boxes.
        split: of the data set.
        boxes: a folder or archive of Pascal VOC files, which say how large pictures are; for `whole`.

    Raises:
        UsageError: an answer that there is not, the file is there, or `whole` without sizes.
    """
    if out.exists():
        raise UsageError("there is a file already", path=out, remedy="give another --out")
    if bound == "whole" and boxes is None:
        raise UsageError("how large are the pictures?", remedy="add --boxes with the Pascal VOC files")
    sizes = read_boxes(boxes) if bound == "whole" and boxes is not None else {}
    found: dict[tuple[str, str], Box] = {}
    known = read_samples(samples, split)
    for row in _surfaces(known, [_gold_entities(sample) for sample in known]):
        picture = sizes.get(Path(row.image).stem)
        size = Box(0, 0, picture.width, picture.height) if picture and picture.width and picture.height else None
        choices = {"gold": next(iter(row.boxes), None), "whole": size, "useless": USELESS}
        if bound not in choices:
            raise UsageError(f"no answer {bound!r}", remedy=f"choose {', '.join(choices)}")
        box = choices[bound]
        if box is not None:
            found.setdefault((row.image, row.surface), box)
    lines = [{"image": image, "surface": text, "boxes": [list(box)]} for (image, text), box in found.items()]
    out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return len(lines)
