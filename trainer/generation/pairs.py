"""Prompts and answers of samples as lines of JSON, for any program that trains a model on instructions."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.dataset import NO_RELATION, read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Context, Entity, Relation, Sample
from trainer.blocks import DataConfig
from trainer.inputs import LabelSet, read_sources
from trainer.instructions import read_instructions
from trainer.metrics import RecordKey
from trainer.model.formats import ChoicesFormat, Format, FormatLabels, label_words, make_format

__all__ = ["FORMATS_BY_TASK", "InstructInputs", "format_for", "instruct_rows", "write_rows"]

FORMATS_BY_TASK = {
    "ner": ("phrase", "index", "umie", "sel", "boxes", "reamo"),
    "re": ("choices", "umie", "sel", "reamo"),
    "joint": ("jmere", "umie", "sel", "reamo"),
}
"""The formats of a task, the usual one first."""


@dataclass(frozen=True)
class InstructInputs:
    """What prompts are made of.

    Args:
        samples: a folder of samples.
        split: of the pairs.
        format: of the answers; "" takes the usual one of the task.
        contexts, sources: caches, and which of their sources a prompt has.
        per_source: contexts of each source at most.
        seed: of the order of types, relations and options.
    """

    samples: Path
    split: str = "train"
    format: str = ""
    contexts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    per_source: int = 1
    seed: int = 0


def instruct_rows(inputs: InstructInputs) -> tuple[list[dict[str, Any]], int]:
    """Return prompts and answers of a split, and how many of its posts were left out.

    Training pairs leave out posts whose text stands in dev or test too. Contexts are those of the same samples: a cache
    that was made for others is refused. What is asked hangs on sample and seed, never on a label.

    Raises:
        UsageError: no such split, or a format of another task.
        InputError: a sample without labels.
        IndexMismatch: contexts of other samples.
    """
    samples = read_samples(inputs.samples, inputs.split)
    config = DataConfig(
        samples=str(inputs.samples), contexts=inputs.contexts, sources=inputs.sources,
        contexts_per_source=inputs.per_source,
    )  # fmt: skip
    labels, format_ = format_for(inputs.samples, inputs.format, inputs.seed)
    held_out = _held_out_texts(inputs) if inputs.split == "train" else set()
    kept = [sample for sample in samples if sample.tokens not in held_out]
    contexts = read_sources(config, kept)
    writer = _Prompts(labels, format_, inputs.seed)
    return [writer.row(sample, contexts[sample.sample_id]) for sample in kept], len(samples) - len(kept)


def format_for(samples: Path, name: str, seed: int = 0) -> tuple[LabelSet, Format]:
    """Return the labels of a data set, and a format for them.

    Args:
        samples: its folder.
        name: of the format; "" takes the usual one of the task.
        seed: of the order of options.

    Raises:
        UsageError: the task has no such format.
    """
    dataset, train = read_dataset(samples), read_samples(samples, "train")
    known = FORMATS_BY_TASK[dataset.task]
    if name and name not in known:
        raise UsageError(f"no format {name!r} for the task {dataset.task}", remedy=f"take one of: {', '.join(known)}")
    kind = name or known[0]
    extra: dict[str, Any] = {"seed": seed} if kind == "choices" else {}
    if kind in ("umie", "sel", "reamo"):
        extra["content"] = "entities" if dataset.task == "ner" else "relations"
    labels = LabelSet.of(dataset, train)
    relations = labels.names if dataset.task == "re" else labels.relations
    # of the data set, not of its training samples: a rare relation may be in test alone
    format_labels = FormatLabels(
        labels.types, FormatLabels.of(train).fine, tuple(name for name in relations if name != NO_RELATION)
    )
    return labels, make_format(kind, format_labels, **extra)


def write_rows(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Write rows as lines of JSON, to a temporary name first."""
    temporary = out.with_name(out.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    temporary.replace(out)


class _Prompts:
    """Makes the rows of samples."""

    def __init__(self, labels: LabelSet, format_: Format, seed: int) -> None:
        self.labels, self.format, self.seed = labels, format_, seed
        self.instructions = read_instructions()

    def row(self, sample: Sample, contexts: Sequence[Context]) -> dict[str, Any]:
        """Return id, split, prompt and answer of a sample."""
        records = _gold(self.labels, sample)
        return {
            "id": sample.sample_id,
            "split": sample.split,
            "image": sample.image,
            "prompt": self._prompt(sample, contexts),
            "answer": self.format.write(sample, records),
        }

    def _prompt(self, sample: Sample, contexts: Sequence[Context]) -> str:
        lines = "".join(f"Background: {context.text}\n" for context in contexts)
        values = {"text": " ".join(sample.tokens), "contexts": lines}
        relations = self.labels.names if self.labels.task_name == "re" else self.labels.relations
        values |= {
            "types": ", ".join(self._shuffled(sample, self.labels.types)),
            "relations": ", ".join(self._shuffled(sample, [name for name in relations if name != NO_RELATION])),
        }
        if self.labels.task_name == "ner":
            return self.instructions.prompt("entities", values)
        if self.labels.task_name == "joint":
            return self.instructions.prompt("relations", values)
        assert sample.head is not None and sample.tail is not None
        if isinstance(self.format, ChoicesFormat):
            return self.instructions.prompt("choice", {**values, "options": self.format.ask(sample).lines})
        names = [" ".join(sample.tokens[span.start : span.end]) for span in (sample.head, sample.tail)]
        return self.instructions.prompt("pair", {**values, "head": names[0], "tail": names[1]})

    def _shuffled(self, sample: Sample, names: Sequence[str]) -> Iterator[str]:
        order = list(label_words(names).values())
        random.Random(f"{self.seed}/{sample.sample_id}").shuffle(order)  # noqa: S311 - an order, no secret
        return iter(order)


def _gold(labels: LabelSet, sample: Sample) -> list[Entity | Relation]:
    key: RecordKey = "span+type+region" if sample.entities is not None else "span+type"
    records = labels.task.gold_records(sample, key)
    if records is None:
        raise InputError("a sample without labels has no answer", place=f"sample {sample.sample_id}")
    return list(records)


def _held_out_texts(inputs: InstructInputs) -> set[tuple[str, ...]]:
    splits = read_dataset(inputs.samples).splits
    return {sample.tokens for split in splits if split != "train" for sample in read_samples(inputs.samples, split)}
