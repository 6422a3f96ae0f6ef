"""What a run trains: the expert as it begins, the examples of its splits, and what is drawn for each epoch."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import set_seed

from trainer.config import RunConfig
from trainer.inputs import Example, Examples, LabelSet
from trainer.model import Expert, make_expert, start_from
from trainer.training.splits import SplitData, encode_split
from trainer.training.teacher import find_teacher, with_teacher

__all__ = ["Draws", "Prepared", "prepare"]


class Draws:
    """The training examples of each epoch: each sample with the contexts of one of its sources.

    Args:
        variants: for each source, the examples of all samples.
        seed: of the run.
    """

    def __init__(self, variants: Sequence[Sequence[Example]], seed: int) -> None:
        self.variants, self.seed = variants, seed

    def of_epoch(self, epoch: int) -> list[Example]:
        """Return an example of each sample: a function of the seed, the epoch from 0, and the sample alone."""
        return [self._draw(rows, epoch) for rows in zip(*self.variants, strict=True)]

    def _draw(self, rows: Sequence[Example], epoch: int) -> Example:
        number = random.Random(f"{self.seed}/{epoch}/{rows[0].sample_id}").randrange(len(rows))  # noqa: S311 - no secret
        return rows[number]


class Prepared(NamedTuple):
    """What training begins with; draws is None where each sample has all its contexts in every epoch."""

    expert: Expert
    examples: dict[str, Examples]
    draws: Draws | None


def prepare(
    config: RunConfig, data: dict[str, SplitData], labels: LabelSet, talk: Callable[[str], object] = lambda _: None
) -> Prepared:
    """Make the expert, with the weights of another run where it starts from one, and the examples of train and dev.

    Raises:
        UsageError: settings and encoder do not fit, or an objective lacks its teacher.
        InputError: the teacher knows other samples or labels.
    """
    set_seed(config.training.seed)
    torch.manual_seed(config.training.seed)
    expert = make_expert(config.encoder, config.model, labels)
    if config.init.from_run:
        taken = start_from(expert, Path(config.init.from_run) / "best")
        rows = ", ".join(f"{part} {count} of {total}" for part, (count, total) in taken.items())
        talk(f"starts from {config.init.from_run}: {rows} tensors")
    examples = {split: encode_split(expert, config, part) for split, part in data.items()}
    teacher = find_teacher(config.model)
    if teacher is not None:
        fingerprint = data["train"].dataset.splits["train"].fingerprint
        examples["train"] = with_teacher(examples["train"], teacher, fingerprint, labels)
    draws = None
    if config.data.contexts_mode == "one" and len(config.data.sources) > 1:
        draws = Draws(_variants(config, expert, data["train"], examples["train"]), config.training.seed)
    return Prepared(expert, examples, draws)


def _variants(config: RunConfig, expert: Expert, data: SplitData, examples: Examples) -> list[list[Example]]:
    """Return for each source the examples with its contexts alone; teachers are those of all contexts."""
    variants = []
    for source in config.data.sources:
        kept = {name: [row for row in rows if row.source == source] for name, rows in data.contexts.items()}
        rows = encode_split(expert, config, replace(data, contexts=kept)).rows
        variants.append([replace(row, teacher=own.teacher) for row, own in zip(rows, examples.rows, strict=True)])
    return variants
