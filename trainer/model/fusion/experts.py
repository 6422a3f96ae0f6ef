"""VisualPT-MoE's fusion: a prefix from each of several sources, and a gate of each layer that mixes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Features
from trainer.model.fusion.fuse import EncoderShape, Fusion, Prefixes
from trainer.model.fusion.prefix import to_heads
from trainer.model.fusion.prefix_attention import attach_prefixes
from trainer.model.fusion.settings import ExpertsSettings

__all__ = ["ExpertsFusion", "mix_sources"]


class ExpertsFusion(Fusion):
    """A prefix of P tokens: sum_e r_e (K_e, V_e) over the sources e, with a gate r of each layer.

    A source is a view of the features, column by column put into the P places, or P learned vectors. Each has a map
    D -> middle -> N 2H. r = softmax(G_l vec(sum_e (K_e + V_e))) over the sources that are present; an absent one has
    exactly 0. A sample without any view has no prefix, and the learned vectors neither: it is text alone.

    Source: VisualPT-MoE (Xu et al., DASFAA 2023), model/moe_model.py of its code.
    """

    kind = "experts"

    def __init__(self, shape: EncoderShape, settings: ExpertsSettings) -> None:
        super().__init__(shape, settings)
        self.shape, self.settings = shape, settings
        self.head_share = 1 - settings.balance_weight
        size, middle = shape.layers * 2 * shape.hidden, settings.middle_dim
        count = len(settings.views) + settings.has_free
        self.maps = nn.ModuleList(
            nn.Sequential(nn.Linear(settings.feature_dim, middle), nn.Tanh(), nn.Linear(middle, size))
            for _ in range(count)
        )
        self.free: nn.Parameter | None = None
        if settings.has_free:
            self.free = nn.Parameter(torch.randn(settings.tokens, settings.feature_dim))
        self.gates = nn.ModuleList(nn.Linear(settings.tokens * shape.hidden, count) for _ in range(shape.layers))

    def attach(self, encoder: Any) -> None:
        """Prepare an encoder for prefixes."""
        attach_prefixes(encoder)

    def prefixes(self, features: Features) -> Prefixes:
        """Return the mixed prefix of each layer, and how much its gates rest on one source.

        Raises:
            UsageError: a source has more columns than a prefix has tokens.
        """
        values, present = self._sources(features)  # [B, E, P, D], [B, E, P]
        parts = [part(values[:, number]) for number, part in enumerate(self.maps)]
        pairs = torch.stack(parts, 1).view(*present.shape, self.shape.layers, 2, -1)  # [B, E, P, N, 2, H]
        pairs = pairs * present[..., None, None, None]  # a column that is not there adds nothing to a place
        summed = pairs.sum((1, 4))  # [B, P, N, H]
        scores = torch.stack([gate(summed[:, :, layer].flatten(1)) for layer, gate in enumerate(self.gates)])
        if self.training and self.settings.noise:
            scores = scores + self.settings.noise * torch.randn_like(scores)
        weights = mix_sources(scores, present.any(-1))  # [N, B, E]
        mixed = torch.einsum("nbe,bepnsh->nbpsh", weights, pairs)
        keys, values_ = mixed.unbind(3)  # each [N, B, P, H]
        balance = self.settings.balance_weight * weights.amax(-1).sum(0).float()
        heads = self.shape.heads
        return Prefixes(to_heads(keys, heads), to_heads(values_, heads), present.any(1), balance)

    def _sources(self, features: Features) -> tuple[Tensor, Tensor]:
        """Return the features of each source [B, E, P, D], and which are present [B, E, P]."""
        samples, _, dim = features.values.shape
        tokens = self.settings.tokens
        values = features.values.new_zeros(samples, len(self.maps), tokens, dim)
        present = features.present.new_zeros(samples, len(self.maps), tokens)
        for number, view in enumerate(self.settings.views):
            columns = (features.view == view).nonzero()[:, 0]
            if len(columns) > tokens:
                raise UsageError(
                    f"the view {view} has {len(columns)} columns, a prefix {tokens} tokens",
                    remedy=f"set model.fusion.tokens={len(columns)}",
                )
            values[:, number, : len(columns)] = features.values[:, columns]
            present[:, number, : len(columns)] = features.present[:, columns]
        if self.free is not None:
            values[:, -1] = self.free.to(values.dtype)
            present[:, -1] = present.any(2).any(1)[:, None]
        return values, present


def mix_sources(scores: Tensor, present: Tensor) -> Tensor:
    """Return the softmax of scores [..., B, E] over the sources that are present [B, E]; all 0 where none is.

    >>> mix_sources(torch.tensor([[1.0, 5.0, 1.0]]), torch.tensor([[True, False, True]])).tolist()
    [[0.5, 0.0, 0.5]]
    """
    allowed = present | ~present.any(-1, keepdim=True)
    return scores.masked_fill(~allowed, -torch.inf).softmax(-1) * present
