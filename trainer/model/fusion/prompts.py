"""Fusions by prompts: PromptMNER's words that fit the picture, and MRC-MNER's queries, which weigh the regions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.cross import CrossBlock, VectorGate
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import PromptsSettings, QueriesSettings

__all__ = ["PromptsFusion", "QueriesFusion", "weigh_by_score"]


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


class QueriesFusion(Fusion):
    """States x + g v: v is what the queries that fit a token see in the picture, g = sigmoid(A x + B v).

        a_qk = softmax_k(q W r_k)       the weight of region k for query q, over the regions that are there
        v_q  = sum_k a_qk r_k           what a query sees
        v    = sum_q softmax_q(x q) v_q

    Where the store has scores of the regions, the weights learn from them: KL(scores, as shares of their sum || mean of
    a over the queries).

    Source: after MRC-MNER (Jia et al., ACM MM 2022), of which there is no public code. There each query of an entity
    type is a window of its own, and a visual grounding model gives the weights of regions that are learned.
    """

    kind = "queries"

    def __init__(self, shape: EncoderShape, settings: QueriesSettings) -> None:
        super().__init__(shape, settings)
        self.weight = settings.weight
        self.project = nn.Linear(settings.feature_dim, shape.hidden)
        self.queries = nn.Parameter(shape.hidden**-0.5 * torch.randn(settings.queries, shape.hidden))
        self.match = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.gate = VectorGate(shape.hidden)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, H], and the term of the region weights."""
        has_any = features.present.any(1)
        if not bool(has_any.any()):
            return Fused(tokens)
        regions = self.project(features.values)  # [B, K, H]
        weights = self.region_weights(regions, features.present)
        seen = (tokens @ self.queries.T).softmax(-1) @ (weights @ regions)  # [B, L, H]
        states = torch.where(has_any[:, None, None], tokens + self.gate(tokens, seen) * seen, tokens)
        if not with_loss or features.score is None:
            return Fused(states)
        return Fused(states, self.weight * divergence(features.score * features.present, weights.mean(1)))

    def region_weights(self, regions: Tensor, present: Tensor) -> Tensor:
        """Return the weight of each region for each query [B, Q, K]; zeros where a sample has no region."""
        scores = self.queries @ self.match(regions).transpose(1, 2)
        allowed = present | ~present.any(1, keepdim=True)  # a row without any region would be nan
        weights: Tensor = scores.masked_fill(~allowed[:, None, :], -torch.inf).softmax(-1)
        return weights * present[:, None, :]


def divergence(scores: Tensor, weights: Tensor) -> Tensor:
    """Return KL(scores as shares of their sum || weights) [B] of both [B, K]; 0 where no score is above 0.

    >>> even = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    >>> [f"{value:.4f}" for value in divergence(torch.tensor([[1.0, 3.0], [0.0, 0.0]]), even)]
    ['0.1308', '0.0000']
    """
    shares = scores / scores.sum(1, keepdim=True).clamp(min=1e-9)
    return (torch.xlogy(shares, shares) - shares * weights.clamp(min=1e-9).log()).sum(1)
