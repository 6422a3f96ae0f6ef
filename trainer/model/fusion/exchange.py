"""Pictures left out or exchanged in training, so that a model learns how far a picture can be trusted."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.inputs import Features
from trainer.model.fusion.contrast import swap_pictures

__all__ = ["exchange_pictures"]


def exchange_pictures(features: Features, absent_share: float, wrong_share: float) -> Features:
    """Return features of which some samples, drawn at random, have no picture or that of another sample.

    A model that only ever saw right pictures believes a wrong one against the words. Which samples still have their
    own picture stands in `own`.

    Args:
        features: of a batch.
        absent_share: probability that a sample has no picture.
        wrong_share: probability that it has the picture of the next sample of the batch that has another one; where
            there is none, it keeps its own.
    """
    draw = torch.rand(len(features.present), device=features.present.device)
    others, swapped = swap_pictures(features)
    wrong = swapped & (draw >= absent_share) & (draw < absent_share + wrong_share)
    present = torch.where(wrong[:, None], others.present, features.present) & (draw >= absent_share)[:, None]
    values = torch.where(wrong[:, None, None], others.values, features.values)
    return features._replace(
        values=values.masked_fill(~present[:, :, None], 0.0),
        present=present,
        score=_choose(wrong, others.score, features.score, present),
        own=~wrong,
    )


def _choose(wrong: Tensor, others: Tensor | None, own: Tensor | None, present: Tensor) -> Tensor | None:
    if others is None or own is None:
        return None
    return torch.where(wrong[:, None], others, own).masked_fill(~present, 0.0)
