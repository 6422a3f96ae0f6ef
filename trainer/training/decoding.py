"""Labels that an expert predicts, for the dev score after each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from schemas.display import tell
from schemas.records import Sample
from trainer.config import TrainingConfig
from trainer.inputs import Example, Labels, collate, order_by_length
from trainer.model import Expert
from trainer.training.device import precision_context

__all__ = ["decode_labels"]

_BATCHES = 4
"""A batch without gradients may hold this many batches of training."""


def decode_labels(
    expert: Expert, rows: Sequence[Example], samples: Sequence[Sample], config: TrainingConfig
) -> list[Labels]:
    """Predict the labels of each sample, also of the tokens beyond its window."""
    expert.eval()
    device = next(expert.parameters()).device.type
    found: list[Labels] = [()] * len(rows)
    done = 0
    for numbers in order_by_length([len(row.ids) for row in rows], _BATCHES * config.batch_samples):
        tell("decode", done, len(rows), "samples")
        done += len(numbers)
        batch = collate([rows[i] for i in numbers], expert.padding, device)
        with torch.no_grad(), precision_context(config, device):
            view = expert.view(batch)
            classes = expert.head.decode(view)
        there = expert.head.state_mask(view.mask).sum(1).tolist()
        for i, row, states in zip(numbers, classes.tolist(), there, strict=True):
            found[i] = expert.head.name_classes(expert.labels, row[:states], samples[i])
    return found
