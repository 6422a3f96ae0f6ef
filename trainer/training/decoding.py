"""Answers of an expert, for the dev score after each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from schemas.display import tell
from schemas.records import Sample
from trainer.config import TrainingConfig
from trainer.inputs import Answer, Example, collate, order_by_length
from trainer.model import Expert
from trainer.training.device import precision_context

__all__ = ["decode_answers"]

_BATCHES = 4
"""A batch without gradients may hold this many batches of training."""


def decode_answers(
    expert: Expert, rows: Sequence[Example], samples: Sequence[Sample], config: TrainingConfig
) -> list[Answer]:
    """Answer for each sample, also for the tokens beyond its window."""
    expert.eval()
    device = next(expert.parameters()).device.type
    found = [Answer(())] * len(rows)
    done = 0
    for numbers in order_by_length([len(row.ids) for row in rows], _BATCHES * config.batch_samples):
        tell("decode", done, len(rows), "samples")
        done += len(numbers)
        batch = collate([rows[i] for i in numbers], expert.padding, device)
        with torch.no_grad(), precision_context(config, device):
            answers = expert.head.answers(expert.view(batch), [samples[i] for i in numbers])
        for i, answer in zip(numbers, answers, strict=True):
            found[i] = answer
    return found
