"""PromptMNER's fusion: tokens look at each other and at the words that fit the picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.cross import CrossBlock
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import PromptsSettings

__all__ = ["PromptsFusion", "weigh_by_score"]


class PromptsFusion(Fusion):
    """States Z = CrossBlock(X <- [X + e_text; W s_i p_i + e_word]): one attention over both kinds, told apart by e.

    p_i is the vector of a word of the bank, s_i how well it fits the picture. The bank, its vectors and scores are a
    view of the feature store. Without a picture the states are X.

    Source: PromptMNER (Wang et al., DASFAA 2022); there is no public code.
    """

    kind = "prompts"

    def __init__(self, shape: EncoderShape, settings: PromptsSettings) -> None:
        super().__init__(shape, settings)
        self.weighs_by_score = settings.weighs_by_score
        self.project = nn.Linear(settings.feature_dim, shape.hidden, bias=False)
        self.kinds = nn.Parameter(0.02 * torch.randn(2, shape.hidden))
        self.cross = CrossBlock(shape.hidden, shape.hidden, shape.heads, settings.dropout)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, H]."""
        values = weigh_by_score(features) if self.weighs_by_score else features.values
        words = self.project(values)  # [B, K, H]
        keys = torch.cat([tokens + self.kinds[0], words + self.kinds[1]], dim=1)
        seen = self.cross(tokens, keys, torch.cat([mask, features.present], dim=1))
        return Fused(torch.where(features.present.any(1)[:, None, None], seen, tokens))


def weigh_by_score(features: Features) -> Tensor:
    """Return the vectors times their scores [B, K, D], relative to the mean score of the picture.

    Scores of a bank of 1,000 words are small numbers that sum to 1 over the bank: relative to their mean, a picture
    that fits all words alike leaves the vectors as they are. Without scores nothing is weighed.
    """
    if features.score is None:
        return features.values
    score = features.score * features.present
    mean = score.sum(1, keepdim=True) / features.present.sum(1, keepdim=True).clamp(min=1)
    return features.values * (score / mean.clamp(min=1e-9))[:, :, None]
