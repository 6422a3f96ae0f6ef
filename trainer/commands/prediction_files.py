"""Predictions as rows of JSON values, and the files of them: JSON lines and CoNLL columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from schemas.entities import find_entities
from trainer.mixture import Output
from trainer.training import writing

__all__ = ["to_prediction_rows", "write_conll", "write_jsonl"]

Row = dict[str, Any]


def to_prediction_rows(output: Output) -> list[Row]:
    """Return a row of JSON values for each sample: what was predicted, and what it was predicted from.

    The probability of an entity is the lowest among its tags, by the token posteriors; that of a relation is its class
    probability. `gate` is the weight of each expert, averaged over the tokens of the sample. `image_vector` is true
    where the gate read an image vector of the sample; else it read zeros, as it did in training for samples without an
    image. `cut_tokens`, where it is there, counts the tokens at the end that did not fit into the window.
    """
    # the output holds the states of all samples in one tensor, [M, K]: here they become one tensor for each sample
    probabilities = torch.split(output.log_probs.exp(), list(output.lengths))
    weights = None if output.weights is None else torch.split(output.weights, list(output.lengths))
    rows: list[Row] = []
    for i, sample in enumerate(output.samples):
        row: Row = {"sample_id": sample.sample_id, "tokens": list(sample.tokens), "image": sample.image}
        if output.labels.task.has_tags:
            row |= _entities(output, i, probabilities[i])
        else:
            row |= _relation(output, i, probabilities[i])
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
        if output.cut_tokens and output.cut_tokens[i]:
            row["cut_tokens"] = output.cut_tokens[i]
        rows.append(row)
    return rows


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a row per line as JSON; a file that is there is replaced as a whole, or not at all."""
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_conll(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write token, gold tag (where there is one) and predicted tag in columns, with IMGID lines as in Twitter-2015.

    A row without tokens is left out: a column file has no way to write it.
    """
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


def _entities(output: Output, i: int, probabilities: torch.Tensor) -> Row:
    sample, tags = output.samples[i], output.predicted[i]
    names = output.labels.names
    entities = []
    for start, end, kind, *_ in find_entities(tags):
        lowest = min(probabilities[t, names.index(tags[t])].item() for t in range(start, end))
        text = " ".join(sample.tokens[start:end])
        entities.append({"start": start, "end": end, "type": kind, "text": text, "probability": round(lowest, 6)})
    gold = {"gold": list(sample.tags)} if sample.tags is not None else {}
    return {"tags": list(tags), **gold, "entities": entities}


def _relation(output: Output, i: int, probabilities: torch.Tensor) -> Row:
    sample, relation = output.samples[i], output.predicted[i][0]
    gold = {"gold": sample.relation} if sample.relation is not None else {}
    probability = round(probabilities[0, output.labels.names.index(relation)].item(), 6)
    spans = {"head": list(sample.head or ()), "tail": list(sample.tail or ())}
    return {**spans, "relation": relation, "probability": probability, **gold}


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
