"""FocalMRE's fusion: pictures with a frame drawn on them, each with an attention and a gate of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Features
from trainer.model.fusion.cross import Attention
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import FramedSettings

__all__ = ["FramedFusion", "mean_of_views"]


class FramedFusion(Fusion):
    """States [F_1; F_2; ...] of one part per group of frames.

    For frame i: a_i = Attention(X <- frame i) of one head, g_i = sigmoid(W_i [a_i; X]), F_i = g_i a_i + (1 - g_i) X. A
    group's part is the mean of its F_i with learned weights; without any frame it is X.

    Source: FocalMRE (ACM Multimedia 2024), models/modeling_unimo.py of its code.
    """

    kind = "framed"

    def __init__(self, shape: EncoderShape, settings: FramedSettings) -> None:
        super().__init__(shape, settings)
        hidden, count = shape.hidden, sum(settings.frames)
        self.frames, self.positions = settings.frames, settings.positions
        self.width = hidden * len(settings.frames)
        self.attentions = nn.ModuleList(
            Attention(hidden, settings.feature_dim, dropout=settings.dropout) for _ in range(count)
        )
        self.gates = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(count))
        self.weights = nn.Parameter(torch.zeros(count))

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, W].

        Raises:
            UsageError: there are more columns than frames.
        """
        most = sum(self.frames) * self.positions
        columns = features.values.shape[1]
        if columns > most:
            raise UsageError(
                f"{columns} columns of features are more than {most}: frames times positions",
                remedy="set model.fusion.frames and model.fusion.positions to what the features have",
            )
        parts, number = [], 0
        for count in self.frames:
            views, present = [], []
            for _ in range(count):
                view, there = self._look(number, tokens, features)
                views.append(view)
                present.append(there)
                number += 1
            weights = self.weights[number - count : number]
            parts.append(mean_of_views(torch.stack(views, 1), torch.stack(present, 1), weights, tokens))
        return Fused(torch.cat(parts, dim=-1))

    def _look(self, number: int, tokens: Tensor, features: Features) -> tuple[Tensor, Tensor]:
        """Return what the tokens see in one frame [B, L, H], and which samples have it [B] bool."""
        columns = slice(number * self.positions, (number + 1) * self.positions)
        present = features.present[:, columns]
        seen = self.attentions[number](tokens, features.values[:, columns], present)
        gate = torch.sigmoid(self.gates[number](torch.cat([seen, tokens], dim=-1)))
        return gate * seen + (1 - gate) * tokens, present.any(1)


def mean_of_views(views: Tensor, present: Tensor, weights: Tensor, tokens: Tensor) -> Tensor:
    """Return the mean of what was seen in the views that are present [B, L, H], and the tokens where none is.

    Args:
        views: [B, V, L, H].
        present: [B, V] bool.
        weights: of the views, before a softmax over those present [V].
        tokens: [B, L, H].
    """
    has_any = present.any(1)
    allowed = present | ~has_any[:, None]
    shares = weights.expand(present.shape).masked_fill(~allowed, -torch.inf).softmax(1)  # [B, V]
    mean = (shares[:, :, None, None] * views).sum(1)
    return torch.where(has_any[:, None, None], mean, tokens)
