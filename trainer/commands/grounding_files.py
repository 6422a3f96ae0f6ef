"""Decisions of a grounder, from a file: what the picture shows of a mention; joined to what a system predicts."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Sample, Span
from schemas.text_files import TextFile
from trainer.data.readers import to_box
from trainer.inputs import Answer
from trainer.metrics import RivegEntity, read_riveg
from trainer.mixture import Output

__all__ = ["Decision", "ground_answers", "ground_entities", "ground_output", "read_grounding"]

_KEYS = ("image", "surface", "start", "end", "type", "groundable", "boxes")
_BOX = ("x1", "y1", "x2", "y2")
_Table: TypeAlias = "dict[tuple[Any, ...], Decision]"
_REMEDY = 'a line is {"image", "surface" or "start" and "end", "groundable", "boxes"}; type may stand there too'


class Decision(NamedTuple):
    """What a grounder says of a mention.

    Args:
        image: file name of the picture.
        surface: the tokens of the mention, joined by blanks; "" where the span says which it is.
        span: its tokens; None where the surface says which it is.
        type: of the mention; None where the decision is for any.
        is_groundable: whether the picture shows it.
        boxes: where; () where it does not, or where the grounder is another.
    """

    image: str
    surface: str
    span: Span | None
    type: str | None
    is_groundable: bool
    boxes: tuple[Box, ...] = ()


def read_grounding(path: Path) -> list[Decision]:
    """Read decisions from JSON lines, from a CSV file with a header, or from RiVEG's text files.

    JSON: {"image", "surface" or "start" and "end", "type", "groundable", "boxes": [[x1, y1, x2, y2], ...]}. CSV has the
    same names, and a box in the columns x1, y1, x2, y2; several boxes are several rows. Without "groundable", the boxes
    say it.

    Raises:
        UsageError: a file of another kind.
        InputError: a line of another form; with file, line and remedy.
    """
    file = TextFile(path)
    kinds = {".jsonl": _read_jsonl, ".csv": _read_csv, ".txt": _read_riveg}
    reader = kinds.get(path.suffix.lower())
    if reader is None:
        raise UsageError("no file of decisions", path=path, remedy="give a .jsonl, .csv or RiVEG .txt file")
    return list(reader(file))


def ground_output(output: Output, files: Sequence[Path]) -> tuple[Output, Counter[str]]:
    """Return the output of a system with the boxes that files of decisions give, and how its entities were found."""
    grounded, counts = ground_answers(output.samples, output.predicted, *map(read_grounding, files))
    return replace(output, predicted=grounded, key="span+type+region"), counts


def ground_answers(
    samples: Sequence[Sample], answers: Sequence[Answer], *files: Sequence[Decision]
) -> tuple[list[Answer], Counter[str]]:
    """Put the boxes of decisions on predicted entities: by picture and span, else by picture and surface.

    A decision with a type is for entities of that type, and comes before one without. An entity without a decision
    keeps what the system said. One that is said to be shown, without a box, gets its boxes from the next file, and
    keeps its own where there is none.

    Args:
        samples: N.
        answers: of each.
        files: decisions of each file, the first to be asked first.

    Returns:
        the answers, and the counts: by_span, by_surface, undecided, shown_without_box.

    >>> sample = Sample("a", ("Ann", "sings"), "1.jpg")
    >>> given = Decision("1.jpg", "Ann", None, None, True, (Box(0, 0, 2, 1),))
    >>> ground_answers([sample], [Answer((Entity(0, 1, "PER"),))], [given])[0][0].entities[0].boxes
    (Box(x1=0, y1=0, x2=2, y2=1),)
    """
    tables = [_by_key(decisions) for decisions in files]
    counts: Counter[str] = Counter(by_span=0, by_surface=0, undecided=0, shown_without_box=0)
    found = []
    for sample, answer in zip(samples, answers, strict=True):
        records = [_ground(row, sample, tables, counts) if isinstance(row, Entity) else row for row in answer.records]
        found.append(answer._replace(records=tuple(records)))
    return found, counts


def ground_entities(rows: Sequence[RivegEntity], *files: Sequence[Decision]) -> list[RivegEntity]:
    """Put the boxes of decisions on entities that say themselves whether the picture shows them, by surface.

    One that says no keeps that: the decisions are those of a grounder that was asked about the others alone.

    >>> rows = [RivegEntity("1.jpg", "Ann", "PER", "", shown) for shown in (True, False)]
    >>> given = [Decision("1.jpg", "Ann", None, None, True, (Box(0, 0, 2, 1),))]
    >>> [row.boxes for row in ground_entities(rows, given)]
    [(Box(x1=0, y1=0, x2=2, y2=1),), ()]
    """
    tables = [_by_key(decisions) for decisions in files]
    grounded = []
    for row in rows:
        mentions = (("by_surface", row.surface),)
        decision = _decide(row.image, row.type, mentions, tables)[1] if row.is_groundable else None
        if decision is not None:
            row = row._replace(is_groundable=decision.is_groundable, boxes=decision.boxes or row.boxes)
        grounded.append(row if row.is_groundable else row._replace(boxes=()))
    return grounded


def _by_key(decisions: Sequence[Decision]) -> _Table:
    """Return decisions by picture, mention and type. Rows of one mention add up: each brings a box."""
    table: _Table = {}
    for row in decisions:
        key = (row.image, row.span or row.surface, row.type)
        old = table.get(key)
        if old is not None:
            boxes = tuple(dict.fromkeys((*old.boxes, *row.boxes)))
            row = row._replace(is_groundable=old.is_groundable or row.is_groundable, boxes=boxes)
        table[key] = row
    return table


def _ground(entity: Entity, sample: Sample, tables: Sequence[_Table], counts: Counter[str]) -> Entity:
    surface = " ".join(sample.tokens[entity.start : entity.end])
    mentions = (("by_span", Span(entity.start, entity.end)), ("by_surface", surface))
    name, decision = _decide(sample.image, entity.type, mentions, tables)
    counts[name] += 1
    if decision is None:
        return entity
    if decision.is_groundable and not decision.boxes:
        counts["shown_without_box"] += 1
        return entity
    return entity._replace(boxes=decision.boxes)


def _decide(
    image: str | None, kind: str, mentions: Sequence[tuple[str, Span | str]], tables: Sequence[_Table]
) -> tuple[str, Decision | None]:
    """Return the decision on a mention, and how it was found; the next table is asked where one leaves the box open."""
    found: tuple[str, Decision | None] = ("undecided", None)
    for table in tables:
        rows = ((name, table.get((image, mention, key))) for name, mention in mentions for key in (kind, None))
        name, row = next((pair for pair in rows if pair[1] is not None), ("", None))
        if row is not None:
            found = (name, row)
            if row.boxes or not row.is_groundable:
                break
    return found


def _read_jsonl(file: TextFile) -> Iterator[Decision]:
    for number, line in file.lines():
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"not json ({error})", path=str(file), place=place, remedy=_REMEDY) from error
        if not isinstance(row, dict) or not set(row) <= set(_KEYS):
            raise InputError(f"not a decision: {line[:80]}", path=str(file), place=place, remedy=_REMEDY)
        boxes = row.get("boxes", [])
        if not isinstance(boxes, list) or not all(isinstance(box, list) for box in boxes):
            raise InputError("'boxes' must be a list of boxes", path=str(file), place=place, remedy=_REMEDY)
        yield _to_decision(row, tuple(to_box(box, str(file), place) for box in boxes), file, place)


def _read_csv(file: TextFile) -> Iterator[Decision]:
    lines = (line for _, line in file.lines())
    try:
        reader = csv.DictReader(lines, strict=True)
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row or not set(row) <= {*_KEYS, *_BOX} - {"boxes"}:
                raise InputError("not a row under its header", path=str(file), place=place, remedy=_REMEDY)
            given: dict[str, Any] = {name: value for name, value in row.items() if value and name not in _BOX}
            for name in ("start", "end"):
                if name in given:
                    given[name] = int(given[name]) if given[name].strip().isdecimal() else given[name]
            if "groundable" in given:
                words = {"1": True, "true": True, "yes": True, "2": True, "0": False, "false": False, "no": False}
                given["groundable"] = words.get(given["groundable"].strip().lower(), given["groundable"])
            has_box = any(row.get(name) for name in _BOX)
            boxes = (to_box([row.get(name) or "" for name in _BOX], str(file), place),) if has_box else ()
            yield _to_decision(given, boxes, file, place)
    except csv.Error as error:
        raise InputError(f"not a CSV file ({error})", path=str(file), remedy=_REMEDY) from error


def _read_riveg(file: TextFile) -> Iterator[Decision]:
    """Read RiVEG's gold entities, with boxes, or its predicted ones, whose boxes another file would have."""
    for row in read_riveg(file):
        yield Decision(row.image, row.surface, None, row.type, row.is_groundable, row.boxes)


def _to_decision(row: Mapping[str, Any], boxes: tuple[Box, ...], file: TextFile, place: str) -> Decision:
    texts = {name: row.get(name) for name in ("image", "surface", "type")}
    numbers = [row.get("start"), row.get("end")]
    whole = [value for value in numbers if type(value) is int]  # True is an int too
    is_groundable = row.get("groundable", bool(boxes))
    span = Span(*whole) if len(whole) == 2 else None
    if (
        not isinstance(texts["image"], str)
        or not all(value is None or isinstance(value, str) for value in texts.values())
        or not isinstance(is_groundable, bool)
        or (span is None and (numbers != [None, None] or not texts["surface"]))
        or (span is not None and not 0 <= span.start < span.end)
    ):
        raise InputError(f"not a decision: {dict(row)!r:.80}", path=str(file), place=place, remedy=_REMEDY)
    if boxes and not is_groundable:
        raise InputError("a box of what is not shown", path=str(file), place=place, remedy=_REMEDY)
    surface = "" if span is not None else texts["surface"] or ""
    return Decision(texts["image"], surface, span, texts["type"], is_groundable, boxes)
