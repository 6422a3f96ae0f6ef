"""How well a region of the picture fits a mention: by one product, by an attention, or as a relation of the two."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from trainer.model.fusion import CrossBlock
from trainer.model.grounding.candidates import Candidates, Standardise
from trainer.model.grounding.places import PLACE_NUMBERS
from trainer.model.grounding.settings import RegionSettings

__all__ = ["AttentionScorer", "PointScorer", "RegionScorer", "RelationScorer", "make_scorer"]

_SCALE = 4.0
"""A standardised region, projected, has components of this size: the scores then move in the first steps."""
_PLACE_SIZE = 3.0
"""Places lie in [0, 1]; so scaled, they weigh as much as a few components of a region from the first steps on."""
_HEADS = 4


class RegionScorer(nn.Module, ABC):
    """Scores of candidates [N, K], or with classes [N, K, C + 1]. N mentions of H dimensions, K candidates, C types.

    The type of a mention takes part in the score: which region shows "Rocky" hangs on whether Rocky is a dog.
    """

    def __init__(self, types: int, settings: RegionSettings) -> None:
        super().__init__()
        self.types, self.width = types, settings.width
        self.standardise = Standardise(settings.feature_dim)
        self.dropout = nn.Dropout(settings.region_dropout)
        self.region = nn.Linear(settings.feature_dim, settings.width)
        self.place = nn.Linear(PLACE_NUMBERS, settings.width, bias=False)
        self.scale = _SCALE / math.sqrt(settings.feature_dim)

    def project(self, candidates: Candidates) -> Tensor:
        """Return the regions of all samples with their places in them [B, K, W]."""
        values = self.standardise(candidates.values, candidates.present)
        return self.region(self.dropout(values)) * self.scale + self.place(_PLACE_SIZE * candidates.places)  # type: ignore[no-any-return]

    @abstractmethod
    def forward(self, regions: Tensor, present: Tensor, mention: Tensor, tokens: Tensor, inside: Tensor) -> Tensor:
        """Return the scores.

        Args:
            regions: `project` of the mentions' pictures [N, K, W].
            present: which of them are there [N, K] bool.
            mention: mean state and type (one of C) of each mention [N, H + C].
            tokens: states of its sample [N, P, H].
            inside: which of them are its own [N, P] bool.
        """


class PointScorer(RegionScorer):
    """s_k = q . r_k / sqrt(W), q = Wq [mean state; type]: the pointer of H-Index, with the type in the query."""

    def __init__(self, hidden: int, types: int, settings: RegionSettings) -> None:
        super().__init__(types, settings)
        self.type_query = nn.Embedding(types, settings.width)
        self.state_query = nn.Linear(hidden, settings.width)
        self.state_dropout = nn.Dropout(settings.region_dropout)

    def forward(self, regions: Tensor, present: Tensor, mention: Tensor, tokens: Tensor, inside: Tensor) -> Tensor:  # noqa: ARG002
        """Return scores [N, K]."""
        state, kinds = mention[:, : -self.types], mention[:, -self.types :]
        query = self.type_query(kinds.argmax(-1)) + self.state_query(self.state_dropout(state))
        return torch.einsum("nw,nkw->nk", query, regions) * (_SCALE / math.sqrt(self.width))


class AttentionScorer(RegionScorer):
    """EVG: the regions look at the tokens of the mention, of which its type is one more; then w . z_k.

    Source: EVG (Yu et al., ACL 2023): regions as queries, the mention's states as keys, a sigmoid for each region.
    """

    def __init__(self, hidden: int, types: int, settings: RegionSettings) -> None:
        super().__init__(types, settings)
        self.type_token = nn.Embedding(types, hidden)
        self.cross = CrossBlock(settings.width, hidden, _HEADS, settings.dropout)
        self.out = nn.Linear(settings.width, 1)

    def forward(self, regions: Tensor, present: Tensor, mention: Tensor, tokens: Tensor, inside: Tensor) -> Tensor:  # noqa: ARG002
        """Return scores [N, K]."""
        kind = self.type_token(mention[:, -self.types :].argmax(-1))[:, None, :]
        keys = torch.cat([kind, tokens], 1)  # [N, 1 + P, H]
        there = torch.cat([torch.ones_like(inside[:, :1]), inside], 1)
        return self.out(self.cross(regions, keys, there))[..., 0]  # type: ignore[no-any-return]


class RelationScorer(RegionScorer):
    """MORE: which relation holds between the mention and a region: one of C types, or none (the last class).

    A region stands beside the mention: [mean state; type; r_k] through a layer to W, then to the classes.

    Source: MORE (He et al., ACM MM 2023): head state and tail state, the tail with the object and its box in it.
    """

    def __init__(self, hidden: int, types: int, settings: RegionSettings) -> None:
        super().__init__(types, settings)
        self.head = nn.Linear(hidden + types, settings.width)
        self.norm = nn.LayerNorm(settings.width)
        self.feed = nn.Sequential(nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(settings.width, types + 1))

    def forward(self, regions: Tensor, present: Tensor, mention: Tensor, tokens: Tensor, inside: Tensor) -> Tensor:  # noqa: ARG002
        """Return scores [N, K, C + 1]."""
        return self.feed(self.norm(self.head(mention)[:, None, :] + regions))  # type: ignore[no-any-return]


def make_scorer(hidden: int, types: int, settings: RegionSettings) -> RegionScorer:
    """Return the scorer that the settings name."""
    if settings.scores == "relation":
        return RelationScorer(hidden, types, settings)
    return (AttentionScorer if settings.query == "attention" else PointScorer)(hidden, types, settings)
