"""HVPNeT's fusion: each picture and region as keys and values before the text's, mixed by a gate of each layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Features
from trainer.model.fusion.fuse import EncoderShape, Fusion, Prefixes
from trainer.model.fusion.prefix_attention import attach_prefixes
from trainer.model.fusion.settings import PrefixSettings

__all__ = ["PrefixFusion", "to_heads"]


class PrefixFusion(Fusion):
    """A prefix token per column of the features.

    One map is shared by all pictures and layers: Y = W2 tanh(W1 x), cut into M mixes Y_1 ... Y_M of 2H components. For
    layer l and a picture, a = softmax(LeakyReLU(G_l vec(mean over its positions of Y))), and the prefix tokens of the
    picture are sum_i a_i Y_i: the first half of the components is the key, the second the value.

    Source: HVPNeT (Chen et al., Findings of NAACL 2022), models/bert_model.py of its code.
    """

    kind = "prefix"

    def __init__(self, shape: EncoderShape, settings: PrefixSettings) -> None:
        super().__init__(shape, settings)
        self.shape, self.positions, self.mixes = shape, settings.positions, settings.mixes
        size = settings.mixes * 2 * shape.hidden
        self.project = nn.Sequential(
            nn.Linear(settings.feature_dim, settings.middle_dim), nn.Tanh(), nn.Linear(settings.middle_dim, size)
        )
        self.gates = nn.Linear(size, shape.layers * settings.mixes)

    def attach(self, encoder: Any) -> None:
        """Prepare an encoder for prefixes."""
        attach_prefixes(encoder)

    def prefixes(self, features: Features) -> Prefixes:
        """Return a prefix token per column of the features.

        Raises:
            UsageError: the columns are no whole number of pictures.
        """
        mixes = torch.unflatten(self.project(features.values), -1, (self.mixes, -1))  # [B, K, M, 2 H]
        gates = self.weights(mixes, features.present)  # [N, B, K, M]
        # A product of matrices: all layers' weighted mixes side by side would be N times the mixes in memory.
        tokens = (gates.permute(1, 2, 0, 3) @ mixes).permute(2, 0, 1, 3)  # [N, B, K, 2 H]
        keys, values = tokens.chunk(2, dim=-1)
        return Prefixes(to_heads(keys, self.shape.heads), to_heads(values, self.shape.heads), features.present)

    def weights(self, mixes: Tensor, present: Tensor) -> Tensor:
        """Return how each layer weighs the mixes [B, K, M, 2H] of each picture [N, B, K, M]; its positions share them.

        Absent positions are left out of the mean; a picture without any has the gate of zeros, and masked tokens.
        """
        samples, columns = present.shape
        if columns % self.positions:
            raise UsageError(
                f"{columns} columns of features are no whole number of pictures of {self.positions} positions",
                remedy="set model.fusion.positions to the positions that the features have for each picture",
            )
        share = present.view(samples, -1, self.positions).to(mixes.dtype)  # [B, V, p]
        share = share / share.sum(-1, keepdim=True).clamp(min=1.0)
        grouped = torch.unflatten(mixes, 1, (-1, self.positions))  # [B, V, p, M, 2 H]
        means = (share[..., None, None] * grouped).sum(2).flatten(2)  # [B, V, M 2 H]
        scores = nn.functional.leaky_relu(self.gates(means)).view(samples, -1, self.shape.layers, self.mixes)
        return scores.softmax(-1).permute(2, 0, 1, 3).repeat_interleave(self.positions, dim=2)  # [N, B, K, M]


def to_heads(tokens: Tensor, heads: int) -> Tensor:
    """Return tokens [N, B, P, H] as each head sees them [N, B, h, P, d]: every head gets all P tokens.

    The authors' code reshapes without this transpose, so that each head sees 2 of 16 tokens.
    """
    return torch.unflatten(tokens, -1, (heads, -1)).transpose(2, 3)
