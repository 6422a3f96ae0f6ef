"""JMERE: entities and the relations between them, rebuilt from MNRE-2 or as its authors' JSON list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Entity, Relation, Sample, Span
from schemas.text_files import TextFile
from trainer.data.readers.mnre import image_of, literal_span, parse_literal, tokens_of
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["read_jmere"]

_MAX_BYTES = 256 * 1024 * 1024
"""A JSON list is parsed as a whole, so the memory that it takes is bounded here."""


class _Fact(NamedTuple):
    """A relation with the types of its ends."""

    head: Span
    head_type: str
    tail: Span
    tail_type: str
    relation: str


class _Post(NamedTuple):
    """A text with its facts, and where it stands in its file."""

    tokens: tuple[str, ...]
    image: str | None
    facts: list[_Fact]
    place: str


def read_jmere(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read texts with their entities and directed relations.

    Lines of MNRE-2 become samples as the authors' own script makes them: pairs without a relation are dropped, and
    pairs that follow each other with equal tokens are one sample. A dropped pair ends a sample. The relation
    `/per/org/member_of` gives its ends the types per and org, and is called member_of.

    Args:
        file: MNRE-2 (a Python literal per line), or the authors' JSON list of {token, img_id, label_list}.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the entity types and relations that may occur; None accepts any.
        counters: `pairs_without_relation`, `repeated_relations` and `texts_without_relation` are counted here.

    Source: YuanLi95/EEGA-for-JMERE, data_process.py and utils/data.py.

    Raises:
        InputError: a malformed line, a span outside the tokens, an unknown type or relation; with file and place.
    """
    posts = _read_list(file, counters) if _is_json_list(file) else _read_pairs(file, counters)
    for number, post in enumerate(posts, start=1):
        facts = list(dict.fromkeys(post.facts))
        counters["repeated_relations"] += len(post.facts) - len(facts)
        relations = tuple(Relation(fact.head, fact.tail, fact.relation) for fact in facts)
        # in the order of the facts: the authors' grid keeps the later one of two that overlap
        entities = tuple(dict.fromkeys(entity for fact in facts for entity in _ends(fact)))
        for kind, name in [("type", row.type) for row in entities] + [("relation", row.type) for row in relations]:
            if labels is not None and name not in labels:
                raise unknown_label(kind, name, labels, file, post.place)
        sample = Sample(
            f"{split}-{number}", post.tokens, post.image, split=split, entities=entities, relations=relations
        )
        yield check_sample(sample, file, post.place)


def _ends(fact: _Fact) -> tuple[Entity, Entity]:
    return Entity(*fact.head, fact.head_type), Entity(*fact.tail, fact.tail_type)


def _is_json_list(file: TextFile) -> bool:
    return next((line for _, line in file.lines() if line.strip()), "").lstrip().startswith("[")


def _read_pairs(file: TextFile, counters: Counter[str]) -> Iterable[_Post]:
    """Read the pairs of MNRE-2 and merge those that follow each other."""
    open_post: _Post | None = None
    for line_number, line in file.lines():
        if not line.strip():
            continue
        place = f"line {line_number}"
        row = parse_literal(line, file, place)
        if row.get("relation") in (NO_RELATION, "none"):
            counters["pairs_without_relation"] += 1
            if open_post is not None:
                yield open_post
            open_post = None
            continue
        tokens, fact = tokens_of(row, file, place), _to_fact(row, file, place)
        if open_post is not None and open_post.tokens == tokens:
            open_post.facts.append(fact)
            continue
        if open_post is not None:
            yield open_post
        open_post = _Post(tokens, image_of(row, file, place), [fact], place)
    if open_post is not None:
        yield open_post


def _to_fact(row: dict[str, Any], file: TextFile, place: str) -> _Fact:
    relation = row.get("relation")
    parts = relation.split("/") if isinstance(relation, str) else []
    if len(parts) != 4 or parts[0] or not all(parts[1:]):
        raise InputError(f"not a relation /type/type/name: {relation!r}", path=str(file), place=place)
    head, tail = (literal_span(row.get(name), name, file, place) for name in ("h", "t"))
    return _Fact(head, parts[1], tail, parts[2], parts[3])


def _read_list(file: TextFile, counters: Counter[str]) -> Iterable[_Post]:
    """Read the authors' own form."""
    try:
        rows = json.loads(file.read_bytes(_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not json ({error})", path=str(file)) from error
    for number, row in enumerate(rows, start=1):
        place = f"entry {number}"
        if not isinstance(row, dict):
            raise InputError("not a json object", path=str(file), place=place)
        facts = [_to_listed_fact(item, file, place) for item in _flat(row.get("label_list"), file, place)]
        counters["texts_without_relation"] += not facts
        yield _Post(tokens_of(row, file, place), image_of(row, file, place), facts, place)


def _flat(value: Any, file: TextFile, place: str) -> list[Any]:
    """Return the facts of `label_list`, which is a list of lists of facts."""
    if not isinstance(value, list):
        raise InputError("'label_list' must be a list", path=str(file), place=place)
    return [item for part in value for item in (part if isinstance(part, list) else [part])]


def _to_listed_fact(item: Any, file: TextFile, place: str) -> _Fact:
    ends: list[tuple[Span, str]] = []
    for name in ("beg_ent", "sec_ent"):
        end = item.get(name) if isinstance(item, dict) else None
        if not isinstance(end, dict) or not isinstance(end.get("tags"), str) or not end["tags"]:
            raise InputError(f"{name!r} must hold 'pos' and 'tags'", path=str(file), place=place)
        ends.append((literal_span(end, name, file, place), end["tags"]))
    if not isinstance(item.get("relation"), str):
        raise InputError("'relation' must be a string", path=str(file), place=place)
    return _Fact(*ends[0], *ends[1], item["relation"].split("/")[-1])
