"""Samples as JSON lines: one object per line, with tokens or text, and an image and labels where there are any."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from schemas.entities import find_entities
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.readers.json_records import parse_entities, parse_relations, parse_span, tags_of
from trainer.data.readers.tokenizer import tokenize
from trainer.data.readers.validation import check_sample, check_tags, unknown_label

__all__ = ["read_jsonl"]

_SPELLINGS = {
    "id": ("id", "sample_id"),
    "tokens": ("tokens", "token"),
    "text": ("text",),
    "image": ("image", "image_id", "img_id"),
    "tags": ("tags", "label", "labels"),
    "head": ("head",),
    "tail": ("tail",),
    "relation": ("relation",),
    "entities": ("entities",),
    "relations": ("relations",),
    "group": ("group",),
    "step": ("step",),
}
"""Our key -> the keys that published files use for it."""


def read_jsonl(
    file: TextFile,
    split: str,
    labels: Sequence[str] | None,
    counters: Counter[str],
    change: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None,
) -> Iterator[Sample]:
    """Read samples: {"tokens": [...]} or {"text": "..."}, with "image", and "tags" or "head", "tail", "relation".

    What tags and pairs cannot say stands in "entities" (fine types, boxes, overlaps) and "relations" (any number of
    them, between spans or boxes); "group" and "step" say which samples belong together. Entities that do not overlap
    make the tags where a line has none.

    A sample's id is its split and its "id", or its number from 1 where it has none: `test-17`. Spans are [start, end),
    in tokens. An image is a file name within the folder of images. Other common spellings of the keys are understood
    (image_id, img_id; label, labels; token; sample_id).

    Args:
        file: one JSON object per line; empty lines are skipped.
        split: of the samples.
        labels: entity types or relations that may occur; None accepts any.
        counters: `text_cut_into_tokens`, `tags_from_entities` and `entities_that_overlap` are counted here.
        change: called with each row, under our keys, before it is checked; its result is read instead, and where that
            is None, the row is passed over.

    Raises:
        InputError: no JSON object, no tokens, unknown keys, faulty labels; with file and line.
    """
    number = 0
    for line_number, line in file.lines():
        if not line.strip():
            continue
        number += 1  # ids count samples, places count lines
        place = f"line {line_number}"
        row = _rename_keys(_parse_object(line, file, place), file, place)
        changed = row if change is None else change(row)
        if changed is None:
            continue
        row = changed
        sample = check_sample(_to_sample(row, number, split, labels, file, place), file, place)
        sample = _with_tags(sample, file, place, counters)
        if sample.tags is not None:
            places = [f"{place}, token {i}" for i in range(1, len(sample.tags) + 1)]
            check_tags(sample.tags, labels, file, places)
        if sample.relation is not None and labels is not None and sample.relation not in labels:
            raise unknown_label("relation", sample.relation, labels, file, place)
        counters["text_cut_into_tokens"] += "tokens" not in row
        yield sample


def _parse_object(line: str, file: TextFile, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not json ({error})", path=str(file), place=place) from error
    if not isinstance(value, dict):
        raise InputError("not a json object", path=str(file), place=place)
    return value


def _rename_keys(row: dict[str, Any], file: TextFile, place: str) -> dict[str, Any]:
    """Return the row under our keys, without the keys whose value is None."""
    renamed: dict[str, Any] = {}
    for key, value in row.items():
        name = next((name for name, spellings in _SPELLINGS.items() if key in spellings), None)
        if name is None or name in renamed:
            fault = "the same field twice:" if name else "unknown key"
            raise InputError(f"{fault} {key!r} (known: {', '.join(_SPELLINGS)})", path=str(file), place=place)
        if value is not None:
            renamed[name] = value
    return renamed


def _with_tags(sample: Sample, file: TextFile, place: str, counters: Counter[str]) -> Sample:
    """Return a sample of entities with the tags that they make, where tags can say them."""
    if sample.entities is None or sample.head is not None:
        return sample
    if sample.tags is not None:
        if {row[:3] for row in find_entities(sample.tags)} != {row[:3] for row in sample.entities}:
            raise InputError("tags and entities say different things", path=str(file), place=place)
        return sample
    if sample.relations is not None:
        return sample
    tags = tags_of(sample.entities, len(sample.tokens))
    counters["tags_from_entities"] += tags is not None
    counters["entities_that_overlap"] += tags is None
    return replace(sample, tags=tags)


def _to_sample(
    row: dict[str, Any], number: int, split: str, labels: Sequence[str] | None, file: TextFile, place: str
) -> Sample:
    tokens = _strings(row.get("tokens"), "tokens", file, place)
    if tokens is None:
        if not isinstance(row.get("text"), str):
            raise InputError('a sample needs "tokens" (a list) or "text" (a string)', path=str(file), place=place)
        # `add_post_fields` finds the entities of a post in its text by the same function
        tokens = tuple(token.text for token in tokenize(row["text"]))
    for name in ("image", "relation", "group"):
        if not isinstance(row.get(name), str | None):
            raise InputError(f"{name!r} must be a string", path=str(file), place=place)
    if not isinstance(row.get("id"), str | int | None):
        raise InputError("'id' must be a string or a whole number", path=str(file), place=place)
    if not (row.get("step") is None or type(row["step"]) is int):  # True is an int too
        raise InputError("'step' must be a whole number", path=str(file), place=place)
    return Sample(
        f"{split}-{row.get('id', number)}",
        tokens,
        row.get("image"),
        tags=_strings(row.get("tags"), "tags", file, place),
        head=parse_span(row.get("head"), "head", file, place),
        tail=parse_span(row.get("tail"), "tail", file, place),
        relation=row.get("relation"),
        split=split,
        entities=parse_entities(row.get("entities"), labels, file, place),
        relations=parse_relations(row.get("relations"), labels, file, place),
        group=row.get("group"),
        step=row.get("step"),
    )


def _strings(value: Any, name: str, file: TextFile, place: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name!r} must be a list of strings", path=str(file), place=place)
    return tuple(value)
