"""Fusions that take of a picture as much as it belongs to the text: MAF's, for each token, and UMIE's, for a sample."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.contrast import belonging_loss, info_nce, same_pictures, swap_pictures
from trainer.model.fusion.cross import Attention, CrossBlock, VectorGate, look_weights, masked_mean
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import AlignedSettings, GatedSettings

__all__ = ["AlignedFusion", "GatedFusion", "visual_gate"]


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


_GATE_SCALE = 0.5


def visual_gate(cosine: Tensor, slope: float) -> Tensor:
    """Return how much of the picture is taken, from the cosine of text and picture: lrelu(lrelu(e^0.5 cosine)).

    Source: ZUCC-AI/UMIE, modeling_t5.py: the leaky rectifier, of slope 0.01, is applied twice.

    >>> [float(f"{value:.4g}") for value in visual_gate(torch.tensor([0.3, -0.3]), 0.01)]
    [0.4946, -4.946e-05]
    """
    once = nn.functional.leaky_relu(cosine * math.exp(_GATE_SCALE), slope)
    return nn.functional.leaky_relu(once, slope)


class GatedFusion(Fusion):
    """States H + g A: A is what the tokens H see in the picture V, g one number for a sample, of cos(text, picture).

    X = H + Attention(norm H, V), A = X + FFN(norm X); text and picture are means of H and V, each through two maps.
    V is made of the vectors, their places and their order, by a small encoder.

    Source: ZUCC-AI/UMIE, modeling_t5.py. There the means and the attention include padding and missing regions; here
    both are masked, and a sample without a picture keeps its H. Its gate is nearly flat below 0; here it need not be.
    """

    kind = "gated"

    def __init__(self, shape: EncoderShape, settings: GatedSettings) -> None:
        super().__init__(shape, settings)
        hidden = shape.hidden
        self.places, self.slope = settings.places, settings.slope
        self.project, self.place = nn.Linear(settings.feature_dim, hidden), nn.Linear(5, hidden)
        self.order = nn.Embedding(settings.places, hidden)
        layer = nn.TransformerEncoderLayer(
            hidden, shape.heads, 4 * hidden, settings.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.attention = Attention(hidden, hidden, shape.heads, settings.dropout)
        self.norm, self.norm_after = nn.RMSNorm(hidden), nn.RMSNorm(hidden)
        self.feed = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))
        self.of_text, self.of_picture = (
            nn.Sequential(nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, hidden // 3, bias=False))
            for _ in range(2)
        )

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, H]."""
        has = features.present.any(1)
        if not bool(has.any()):
            return Fused(tokens)
        picture = self.picture(features)  # [B, K, H]
        seen = tokens + self.attention(self.norm(tokens), picture, features.present)
        added = seen + self.feed(self.norm_after(seen))
        cosine = nn.functional.cosine_similarity(
            self.of_text(masked_mean(tokens, mask)), self.of_picture(masked_mean(picture, features.present))
        )
        gated = tokens + visual_gate(cosine, self.slope)[:, None, None].to(tokens.dtype) * added
        return Fused(torch.where(has[:, None, None], gated, tokens))

    def picture(self, features: Features) -> Tensor:
        """Return the vectors of a picture in their places [B, K, H]."""
        columns = features.values.shape[1]
        order = torch.arange(columns, device=features.values.device).clamp(max=self.places - 1)
        vectors = self.project(features.values) + self.order(order)
        if features.boxes is not None:
            boxes = features.boxes.float()
            sides = boxes.nan_to_num(0.0).flatten(1).amax(1).clamp(min=1.0)[:, None, None]
            unit = boxes / sides  # of the farthest side of all boxes: the size of the picture is not in a store
            area = (unit[..., 2] - unit[..., 0]) * (unit[..., 3] - unit[..., 1])
            place = torch.cat([unit, area[..., None]], -1)
            known = place.isfinite().all(-1, keepdim=True)
            vectors = vectors + torch.where(known, self.place(place.nan_to_num(0.0)), 0.0)
        nobody = ~features.present.any(1, keepdim=True)
        mixed = self.blocks(vectors, src_key_padding_mask=~(features.present | nobody))
        return mixed.masked_fill(~features.present[:, :, None], 0.0)  # type: ignore[no-any-return]
