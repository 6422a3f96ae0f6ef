"""MEGA's fusion: objects of the picture look at the tokens, and what they see, in sum, stands beside each state."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.cross import masked_mean
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import ObjectsSettings

__all__ = ["ObjectsFusion"]


class ObjectsFusion(Fusion):
    """States [X; y] of width 3H, with one y of 2H for the whole sample.

    U = L X [B, L, 2H]; Q = Wq Wp o_k; A_k = sigmoid(softmax(Q_k (Wk U)^T / sqrt(2H)) Wv U); y = sum over the objects
    that are present of W1 A_k. A relation head reads [h_head; y; h_tail; y].

    So an object only chooses where in the text to look, and nothing of the picture itself reaches the states. With
    `reads_objects` it does: y = mean over the objects of W1 (A_k + Wp o_k). A mean, as a sum of many vectors of the
    picture drowns the text's states.

    Source: MEGA (Zheng et al., ACM Multimedia 2021), opennre/encoder/bert_encoder.py of its code.
    """

    kind = "objects"

    def __init__(self, shape: EncoderShape, settings: ObjectsSettings) -> None:
        super().__init__(shape, settings)
        hidden, double = shape.hidden, 2 * shape.hidden
        self.width, self.reads_objects = hidden + double, settings.reads_objects
        self.text = nn.Linear(hidden, double)
        self.project = nn.Linear(settings.feature_dim, double)
        self.query, self.value = nn.Linear(double, double), nn.Linear(double, double)
        self.key = nn.Linear(double, double, bias=False)  # a bias would be the same for all pieces
        self.join = nn.Linear(double, double)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, 3H]."""
        seen = torch.sigmoid(self.attend(tokens, mask, features.values))  # [B, K, 2H]
        if self.reads_objects:
            summed = masked_mean(self.join(seen + self.project(features.values)), features.present)
        else:
            summed = (self.join(seen) * features.present[:, :, None]).sum(1)  # [B, 2H]
        beside = self.dropout(summed)[:, None, :].expand(-1, tokens.shape[1], -1)
        return Fused(torch.cat([tokens, beside], dim=-1))

    def attend(self, tokens: Tensor, mask: Tensor, values: Tensor) -> Tensor:
        """Return what objects [B, K, D] see in the text [B, K, 2H]; padding is masked."""
        text = self.text(tokens)
        scores = self.query(self.project(values)) @ self.key(text).transpose(1, 2) / math.sqrt(text.shape[-1])
        shares = scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(-1)  # [B, K, L]
        return shares @ self.value(text)  # type: ignore[no-any-return]
