"""MAF's fusion: each token looks at the picture, as far as the picture belongs to the text and helps the token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.contrast import belonging_loss, info_nce, same_pictures, swap_pictures
from trainer.model.fusion.cross import CrossBlock, VectorGate, look_weights, masked_mean
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import AlignedSettings

__all__ = ["AlignedFusion"]


class AlignedFusion(Fusion):
    """States [X; G * P Z] of width 2H: Z is what the tokens X see in the picture, P whether it belongs to the text.

    Z = CrossBlock(X <- picture); P = softmax(W [mean X; mean Z])[1]; V = P Z; G = sigmoid(Wt X + Wv V). Two terms are
    learned beside the labels: that P tells the own picture from one of the batch, and that the first state of a text
    and the mean of its picture find each other (InfoNCE). A sample without a picture has V = 0, and joins neither.

    Source: MAF (Xu et al., WSDM 2022), mybert/gate_cl_modeling.py of its code.
    """

    kind = "aligned"

    def __init__(self, shape: EncoderShape, settings: AlignedSettings) -> None:
        super().__init__(shape, settings)
        hidden = shape.hidden
        self.width, self.settings = 2 * hidden, settings
        self.weight, self.head_share = settings.weight, 1 - settings.weight
        self.cross = CrossBlock(hidden, settings.feature_dim, shape.heads, settings.dropout)
        self.match = nn.Linear(2 * hidden, 2)
        self.gate = VectorGate(hidden)
        self.of_text, self.of_picture = nn.Linear(hidden, hidden), nn.Linear(settings.feature_dim, hidden)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:
        """Return states [B, L, 2H], and the two terms."""
        has = features.present.any(1)
        seen = self.cross(tokens, features.values, features.present)  # [B, L, H]
        scores = self.match_scores(tokens, seen, mask)
        belongs = scores.softmax(-1)[:, 1].to(tokens.dtype) * has
        visual = belongs[:, None, None] * seen
        states = torch.cat([tokens, self.gate(tokens, visual) * visual], dim=-1)
        if not with_loss:
            look = look_weights(self.cross.attention, tokens, mask, features.values, features.present)
            return Fused(states, weights=look)
        others, swapped = swap_pictures(features)
        wrong = self.match_scores(tokens, self.cross(tokens, others.values, others.present), mask)
        match = belonging_loss(scores, wrong, features, swapped)
        contrast = info_nce(
            self.of_text(tokens[:, 0]),
            self.of_picture(masked_mean(features.values, features.present)),
            has if features.own is None else has & features.own,
            same_pictures(features),
            self.settings.temperature,
            self.settings.text_share,
        )
        return Fused(states, self.weight * (match + contrast))

    def match_scores(self, tokens: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """Return scores [B, 2] of "another's picture" and "its own", from the means over the pieces of the text."""
        pooled = torch.cat([masked_mean(tokens, mask), masked_mean(seen, mask)], dim=-1)
        return self.match(pooled).float()  # type: ignore[no-any-return]
