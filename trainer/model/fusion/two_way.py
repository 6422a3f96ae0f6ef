"""UMT's fusion: text and picture look at each other, and a copy of the text that saw no picture tells the spans."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.cross import CrossBlock, look_weights
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import TwoWaySettings

__all__ = ["TwoWayFusion"]


class TwoWayFusion(Fusion):
    """States [Y; g Z; A] of width 3H.

        A = self(X)          for the spans: where an entity is hangs on the text alone
        M = self'(X)
        Z = cross(M <- picture)
        W = cross(picture <- M),   Y = cross(M <- W)
        g = sigmoid(Wg [Y; Z])

    Without a picture Y is M and Z is 0. The head `spans` reads A for its span task.

    Source: UMT (Yu et al., ACL 2020), my_bert/mner_modeling.py of its code.
    """

    kind = "two_way"

    def __init__(self, shape: EncoderShape, settings: TwoWaySettings) -> None:
        super().__init__(shape, settings)
        hidden, heads = shape.hidden, shape.heads
        self.width = 3 * hidden
        self.project = nn.Linear(settings.feature_dim, hidden)
        self.for_spans, self.for_types, self.see, self.seen, self.back = (
            CrossBlock(hidden, hidden, heads, settings.dropout) for _ in range(5)
        )
        self.gate = nn.Linear(2 * hidden, hidden)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, 3H]."""
        spans = self.for_spans(tokens, tokens, mask)  # A
        text = self.for_types(tokens, tokens, mask)  # M
        present = features.present
        picture = self.project(features.values)  # [B, K, H]
        of_picture = self.see(text, picture, present) * present.any(1)[:, None, None]  # Z
        aware = self.seen(picture, text, mask)  # W [B, K, H]
        of_text = self.back(text, aware, present)  # Y
        gate = torch.sigmoid(self.gate(torch.cat([of_text, of_picture], dim=-1)))
        states = torch.cat([of_text, gate * of_picture, spans], dim=-1)
        if self.training:
            return Fused(states)
        return Fused(states, weights=look_weights(self.see.attention, text, mask, picture, present))
