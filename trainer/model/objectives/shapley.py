"""Shapley values of the contexts of a batch: what each brings to the texts, beside all sets of the others."""

from __future__ import annotations

from math import factorial

import torch
from torch import Tensor

from trainer.inputs import Batch
from trainer.model.fusion import cosines
from trainer.model.objectives.contrast import Pairs, pair_up
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.settings import ShapleySettings

__all__ = ["ShapleyContrast", "exact_values", "sampled_values", "shapley_loss"]

EXACT = 8
"""So many players at most are counted set by set: 256 sets."""


class ShapleyContrast(Objective):
    """A text's own context is to bring it much, the others little; and the other way round."""

    needs_plain = needs_contexts_alone = True

    def __init__(self, hidden: int, settings: ShapleySettings) -> None:  # noqa: ARG002 - the same for all
        super().__init__(settings.kind, settings.weight)
        self.temperature, self.permutations, self.seed = settings.temperature, settings.permutations, settings.seed

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the loss of each sample [B], the mean of both directions; 0 for a sample without contexts."""
        pairs = pair_up(views, batch)
        loss = pairs.texts.new_zeros(len(pairs.texts), dtype=torch.float32)
        there = pairs.present.nonzero()[:, 0]
        return loss.index_put((there,), self._loss(pairs, there)) if len(there) > 1 else loss

    def _loss(self, pairs: Pairs, there: Tensor) -> Tensor:
        same = pairs.same[there][:, there]
        scores = cosines(pairs.texts[there], pairs.contexts[there])  # [B, B], rows are texts
        with torch.autocast(scores.device.type, enabled=False):  # sums of many sets
            both = [shapley_loss(self._values(rows), same) for rows in (scores, scores.T)]
        return (both[0] + both[1]) / 2

    def _values(self, scores: Tensor) -> Tensor:
        if scores.shape[1] <= EXACT:
            return exact_values(scores, self.temperature)
        generator = torch.Generator().manual_seed(self.seed)
        return sampled_values(scores, self.temperature, self.permutations, generator)


def exact_values(scores: Tensor, temperature: float) -> Tensor:
    """Return the Shapley value of each player for each text [T, k], counted over all sets of players.

    The worth of a set S for text j is the mean of its scores, weighed by their softmax within S; that of no one is 0.

    Args:
        scores: of text and player [T, k].
        temperature: divides the scores in the softmax.

    Source: Shap-CA (ACM Multimedia 2024) has the expected similarity as worth; its softmax is our reading.

    >>> exact_values(torch.tensor([[0.8, 0.2]]), 1.0)
    tensor([[ 0.5937, -0.0063]])
    >>> exact_values(torch.tensor([[0.9, 0.1, 0.1]]), 1.0)
    tensor([[ 0.6244, -0.0515, -0.0515]])
    """
    players = scores.shape[1]
    sets = (torch.arange(2**players)[:, None] >> torch.arange(players)) & 1  # [2 ** k, k]
    sets = sets.to(scores)
    weights = ((scores - scores.detach().amax(1, keepdim=True)) / temperature).exp()
    worth = ((weights * scores) @ sets.T) / (weights @ sets.T).clamp(min=1e-30)  # [T, 2 ** k]
    shares = torch.tensor([factorial(n) * factorial(players - n - 1) / factorial(players) for n in range(players)])
    values = []
    for player in range(players):
        without = (sets[:, player] == 0).nonzero()[:, 0]
        share = shares.to(scores)[sets[without].sum(1).long()]  # [2 ** (k - 1)]
        values.append(((worth[:, without + 2**player] - worth[:, without]) * share).sum(1))
    return torch.stack(values, dim=1)


def sampled_values(scores: Tensor, temperature: float, permutations: int, generator: torch.Generator) -> Tensor:
    """Return Shapley values [T, k] estimated from orders in which players join, each taken forwards and backwards.

    The players of a text are numbered by their scores before an order is drawn, so that their places in the batch do
    not matter.

    Args:
        scores: of text and player [T, k].
        temperature: as in `exact_values`.
        permutations: m; rounded up to an even number.
        generator: draws them.

    Source: antithetic orders after Mitchell et al., JMLR 2022.
    """
    half = torch.stack([torch.randperm(scores.shape[1], generator=generator) for _ in range((permutations + 1) // 2)])
    orders = torch.cat([half, half.flip(1)]).to(scores.device)  # [m, k]
    ranks = scores.detach().argsort(dim=1, descending=True)  # [T, k]
    joins = ranks[:, orders]  # [T, m, k]: which player joins at each step
    came = scores[:, None].expand(-1, len(orders), -1).gather(2, joins)
    weights = ((came - scores.detach().amax(1)[:, None, None]) / temperature).exp()
    worth = (weights * came).cumsum(2) / weights.cumsum(2)
    gains = torch.diff(worth, dim=2, prepend=torch.zeros_like(worth[:, :, :1]))
    values = torch.zeros_like(came).scatter(2, joins, gains)  # back to the order of the players
    return values.mean(1)


def shapley_loss(values: Tensor, same: Tensor) -> Tensor:
    """Return -(the own player's value - the mean value of the others) [B] of values [B, B].

    Players whose context is the text's own one too, same [B, B] bool, are not among the others.

    >>> shapley_loss(exact_values(torch.tensor([[0.8, 0.2], [0.2, 0.8]]), 1.0), torch.eye(2, dtype=torch.bool))
    tensor([-0.6000, -0.6000])
    """
    others = ~same
    mean = values.masked_fill(~others, 0.0).sum(1) / others.sum(1).clamp(min=1)
    loss = mean - values.diagonal()
    return torch.where(others.any(1), loss, torch.zeros_like(loss))
