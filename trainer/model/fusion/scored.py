"""TMR's and CAMIM's fusions: regions look at the tokens, are weighed by scores from before, and stand in sum beside."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.fusion.contrast import info_nce, same_pictures
from trainer.model.fusion.cross import Attention, masked_mean
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.settings import CaptionedSettings, ScoredSettings

__all__ = ["CaptionedFusion", "ScoredFusion"]


class ScoredFusion(Fusion):
    """States [X; tanh(L v)] of width 2H, with v = sum_k w_k (tanh(Attention(p_k <- X)) + p_k).

    p_k is a projected feature, w_k its score in the store: the divergence of a picture or region from the text, or 1
    where the store has no scores. Without a picture v is 0, and the second half too.

    Source: TMR (Zheng et al., ACL 2023), TMR-RE/opennre/encoder/bert_encoder.py of its code.
    """

    kind = "scored"

    def __init__(self, shape: EncoderShape, settings: ScoredSettings) -> None:
        super().__init__(shape, settings)
        self.width = 2 * shape.hidden
        self.project = nn.Linear(settings.feature_dim, shape.hidden)
        self.attention = Attention(shape.hidden, shape.hidden, dropout=settings.dropout)
        self.last = nn.Linear(shape.hidden, shape.hidden)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, 2H]."""
        summed = self.sum_up(self.project(features.values), weights_of(features), tokens, mask)
        return Fused(_beside(tokens, self.pool(summed, features.present.any(1))))

    def sum_up(self, regions: Tensor, weights: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return v [B, H] of regions [B, K, H] with weights [B, K]."""
        seen = torch.tanh(self.attention(regions, tokens, mask)) + regions
        return (weights[:, :, None] * seen).sum(1)

    def pool(self, summed: Tensor, has_any: Tensor) -> Tensor:
        """Return tanh(L v) [B, H]; zeros where a sample has no picture."""
        return torch.tanh(self.last(summed)) * has_any[:, None]


class CaptionedFusion(ScoredFusion):
    """TMR's sum over regions and caption words that have looked at each other.

        p' = LN(own(p <- p) + cross(p <- w))
        w' = LN(own'(w <- w) + cross'(w <- p))        regions p + mean w, words w
        v  = TMR's sum over ELU(M [p'; w'])

    A term is learned beside the labels: that the sum over the regions of a sample finds the one over its words
    (InfoNCE, in one direction), as a bound of their mutual information.

    Source: CAMIM (Zhang et al., ACM Multimedia 2024), opennre/encoder/bert_encoder.py and sentence_re.py of its code.
    """

    kind = "captioned"

    def __init__(self, shape: EncoderShape, settings: CaptionedSettings) -> None:
        super().__init__(shape, settings)
        hidden, dropout = shape.hidden, settings.dropout
        self.words_view, self.weight, self.temperature = settings.words_view, settings.weight, settings.temperature
        self.with_caption = nn.Linear(hidden, hidden, bias=False)
        self.attentions = nn.ModuleList(Attention(hidden, hidden, dropout=dropout) for _ in range(4))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2))
        self.merge = nn.Linear(hidden, hidden)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:
        """Return states [B, L, 2H], and the term."""
        is_word = features.view == self.words_view  # [K]
        of_regions, of_words = features.present & ~is_word, features.present & is_word
        merged = self.look(self.project(features.values), of_regions, of_words, is_word)
        weights = weights_of(features)
        has = features.present.any(1)
        states = _beside(tokens, self.pool(self.sum_up(merged, weights, tokens, mask), has))
        if not with_loss:
            return Fused(states)
        regions, words = (
            self.pool(self.sum_up(merged, weights * part, tokens, mask), part.any(1)) for part in (of_regions, of_words)
        )
        both = of_regions.any(1) & of_words.any(1)
        term = info_nce(words, regions, both, same_pictures(features), self.temperature)
        return Fused(states, self.weight * term)

    def look(self, columns: Tensor, of_regions: Tensor, of_words: Tensor, is_word: Tensor) -> Tensor:
        """Return the columns [B, K, H] after regions and words have looked at their own kind and at the other."""
        caption = self.with_caption(masked_mean(columns, of_words))[:, None, :]
        columns = torch.where(is_word[None, :, None], columns, columns + caption)
        own, cross, own_words, cross_words = self.attentions
        regions = self.norms[0](own(columns, columns, of_regions) + cross(columns, columns, of_words))
        words = self.norms[1](own_words(columns, columns, of_words) + cross_words(columns, columns, of_regions))
        return nn.functional.elu(self.merge(torch.where(is_word[None, :, None], words, regions)))


def weights_of(features: Features) -> Tensor:
    """Return the weight of each column [B, K]: its score, or 1 where there are none; 0 where it is absent."""
    weights = features.present.to(features.values.dtype)
    return weights if features.score is None else weights * features.score


def _beside(tokens: Tensor, pooled: Tensor) -> Tensor:
    """Return states [B, L, 2H] of tokens [B, L, H] and one vector for all of them [B, H]."""
    return torch.cat([tokens, pooled[:, None, :].expand(-1, tokens.shape[1], -1)], dim=-1)
