"""Predictions as rows of JSON values, and the files of them: JSON lines and CoNLL columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from schemas.dataset import NO_RELATION
from schemas.errors import UsageError
from schemas.records import Entity
from trainer.inputs import Answer, entity_to_json, relation_to_json
from trainer.mixture import Look, Output
from trainer.training import writing

__all__ = ["to_prediction_rows", "write_conll", "write_jsonl"]

Row = dict[str, Any]
_OF_TAGS = ("span", "span+type")
"""What of a record tags say as well."""


def to_prediction_rows(output: Output) -> list[Row]:
    """Return a row of JSON values for each sample: what was predicted, and what it was predicted from.

    The probability of an entity is the lowest among its tags, by the token posteriors; that of a relation is its class
    probability. `gate` is the weight of each expert, averaged over the tokens of the sample. `image_vector` is true
    where the gate read an image vector of the sample; else it read zeros, as it did in training for samples without an
    image. `region_weights`, where the system says where it looked, has the share of each vector of its feature stores.
    `cut_tokens`, where it is there, counts the tokens at the end that did not fit into the window.
    """
    # the output holds the states of all samples in one tensor, [M, K]: here they become one tensor for each sample
    probabilities = torch.split(output.log_probs.exp(), list(output.lengths))
    weights = None if output.weights is None else torch.split(output.weights, list(output.lengths))
    rows: list[Row] = []
    for i, sample in enumerate(output.samples):
        row: Row = {"sample_id": sample.sample_id, "tokens": list(sample.tokens), "image": sample.image}
        if output.labels.task_name == "re":
            row |= _relation(output, i, probabilities[i])
        else:
            row |= _records(output, i, probabilities[i])
        row["contexts"] = [
            {"source": c.source, "rank": c.rank, "doc_id": c.doc_id, "title": c.title} for c in output.used[i]
        ]
        if weights is not None:
            mean = weights[i].mean(0).tolist()
            row["gate"] = [
                {"expert": name, "weight": round(weight, 6)} for name, weight in zip(output.experts, mean, strict=True)
            ]
        if output.has_vector is not None:
            row["image_vector"] = output.has_vector[i]
        if output.looks:
            row["region_weights"] = [_to_weight(look) for look in output.looks[i]]
        if output.cut_tokens and output.cut_tokens[i]:
            row["cut_tokens"] = output.cut_tokens[i]
        rows.append(row)
    return rows


def _to_weight(look: Look) -> Row:
    store, _, view = look.view.rpartition("/")
    return {"store": store, "view": view, "number": look.number, "weight": round(look.weight, 6)}


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a row per line as JSON; a file that is there is replaced as a whole, or not at all."""
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_conll(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write token, gold tag (where there is one) and predicted tag in columns, with IMGID lines as in Twitter-2015.

    A row without tokens is left out: a column file has no way to write it.

    Raises:
        UsageError: the rows are of relations or of records, which have no tags.
    """
    if not all("tags" in row for row in rows):
        raise UsageError("columns hold tags, and this system gives none", path=path, remedy="leave --conll out")
    lines: list[str] = []
    for row in rows:
        if not row["tokens"]:
            continue
        if row["image"]:
            lines.append(f"IMGID:{row['image'].removesuffix('.jpg')}")
        gold = row.get("gold")
        for position, (token, tag) in enumerate(zip(row["tokens"], row["tags"], strict=True)):
            lines.append("\t".join([token, *([gold[position]] if gold else []), tag]))
        lines.append("")
    _write(path, "\n".join(lines))


def _records(output: Output, i: int, probabilities: torch.Tensor) -> Row:
    """Return entities and relations, and beside them tags and the gold records where there are any."""
    sample, answer = output.samples[i], output.predicted[i]
    row: Row = {}
    if output.labels.task.has_tags:
        row["tags"] = list(answer.labels) or _to_tags(answer, len(sample.tokens))
    if sample.tags is not None:
        row["gold"] = list(sample.tags)
    row["entities"] = [_entity(output, i, entity, probabilities) for entity in answer.entities]
    for entity, doubt in zip(row["entities"], answer.doubts, strict=bool(answer.doubts)):
        entity["entropy"] = round(doubt.entropy, 6)
        entity["candidates"] = [[name, round(value, 6)] for name, value in doubt.types]
    if output.labels.task_name == "joint":
        row["relations"] = [relation_to_json(relation) for relation in answer.relations]
    if sample.entities is not None and (output.key not in _OF_TAGS or sample.tags is None):
        row["gold_entities"] = [entity_to_json(entity) for entity in sample.entities]
    if sample.relations is not None:
        row["gold_relations"] = [relation_to_json(relation) for relation in sample.relations]
    return row


def _entity(output: Output, i: int, entity: Entity, probabilities: torch.Tensor) -> Row:
    row = entity_to_json(entity)
    row["text"] = " ".join(output.samples[i].tokens[entity.start : entity.end])
    labels, names = output.predicted[i].labels, output.labels.names
    if labels and len(probabilities):
        tags = range(entity.start, entity.end)
        row["probability"] = round(min(probabilities[t, names.index(labels[t])].item() for t in tags), 6)
    elif entity.score is not None:
        row["probability"] = round(row.pop("score"), 6)
    return row


def _to_tags(answer: Answer, length: int) -> list[str]:
    """Return entities as BIO tags; one that overlaps one before it is left out of them, and stands in `entities`."""
    tags = ["O"] * length
    for entity in sorted(answer.entities, key=lambda row: (row.start, -row.end)):
        if all(tag == "O" for tag in tags[entity.start : entity.end]):
            inside = [f"I-{entity.type}"] * (entity.end - entity.start - 1)
            tags[entity.start : entity.end] = [f"B-{entity.type}", *inside]
    return tags


def _relation(output: Output, i: int, probabilities: torch.Tensor) -> Row:
    sample, answer = output.samples[i], output.predicted[i]
    relation = answer.relations[0].type if answer.relations else NO_RELATION
    row: Row = {"head": list(sample.head or ()), "tail": list(sample.tail or ()), "relation": relation}
    if len(probabilities):
        row["probability"] = round(probabilities[0, output.labels.names.index(relation)].item(), 6)
    return row | ({"gold": sample.relation} if sample.relation is not None else {})


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
