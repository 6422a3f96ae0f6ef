"""The prototype head: a relation is that of the nearest prototype, the mean of a few samples that have it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Episode, LabelSet
from trainer.model.heads.head import View
from trainer.model.heads.relation import PairHead
from trainer.model.heads.settings import PrototypeSettings

__all__ = ["PrototypeHead", "add_no_class", "closeness"]

_UNSEEN = -1e4
"""The score of a relation without a prototype: below any real one, and finite."""


def closeness(points: Tensor, prototypes: Tensor, distance: str = "squared") -> Tensor:
    """Return how near points [Q, D] are to prototypes [N, D], as scores [Q, N].

    Args:
        points: vectors.
        prototypes: vectors.
        distance: squared (minus the squared distance) or dot (the product).

    >>> closeness(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist()
    [[-1.0, -18.0]]
    """
    if distance == "dot":
        return points @ prototypes.T
    return -(points[:, None, :] - prototypes[None, :, :]).square().sum(-1)


def add_no_class(scores: Tensor) -> Tensor:
    """Return scores [Q, N + 1] with that of no class at all behind them: 1 below the least of the others.

    Source: FL-MSRE (AAAI 2021), released code.

    >>> add_no_class(torch.tensor([[-1.0, -18.0]])).tolist()
    [[-1.0, -18.0, -19.0]]
    """
    return torch.cat([scores, scores.amin(1, keepdim=True) - 1], 1)


class PrototypeHead(PairHead):
    """One relation for a marked pair, by distances to prototypes; it learns from episodes.

    In an episode the first `shots` samples of each relation make its prototype, and the others are asked. For
    prediction among all relations each has a prototype that follows those of the batches.

    Source: FL-MSRE (AAAI 2021).
    """

    kind = "prototype"
    prototypes: Tensor
    is_seen: Tensor

    def __init__(self, hidden: int, labels: LabelSet, settings: PrototypeSettings) -> None:
        super().__init__(hidden, labels, settings)
        self.episode = Episode(settings.ways, settings.shots, settings.queries)
        self.shots = settings.shots
        self.distance = settings.distance
        self.temperature = settings.temperature
        self.memory = settings.memory
        self.register_buffer("prototypes", torch.zeros(len(labels.names), 2 * hidden))
        self.register_buffer("is_seen", torch.zeros(len(labels.names), dtype=torch.bool))

    def forward(self, states: Tensor) -> Tensor:
        """Return the closeness to the prototypes of all relations [B, 1, K]."""
        scores = closeness(self.embed(states), self.prototypes, self.distance) / self.temperature
        return scores.masked_fill(~self.is_seen, _UNSEEN)[:, None, :]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the cross entropy of the questions among the relations of the batch, and no class [B].

        Examples have 0; the questions are weighted up, so that the mean over the batch is that over the questions.
        """
        points = self.embed(view.states)
        classes, ways = torch.unique(targets[:, 0], return_inverse=True)  # [N], [B]
        member = nn.functional.one_hot(ways, len(classes))  # [B, N]
        turn = (member.cumsum(0) * member).sum(1)  # the how-manieth of its relation each sample is, from 1
        is_example = turn <= self.shots
        support = member * is_example[:, None]
        prototypes = (support.T.float() @ points) / support.sum(0)[:, None]
        if self.training:
            self._remember(classes, (member.T.float() @ points) / member.sum(0)[:, None])
        scores = add_no_class(closeness(points, prototypes, self.distance) / self.temperature)
        loss = nn.functional.cross_entropy(scores, ways, reduction="none")
        asked = int((~is_example).sum())
        return loss.masked_fill(is_example, 0.0) * (len(loss) / max(1, asked))

    @torch.no_grad()
    def _remember(self, classes: Tensor, means: Tensor) -> None:
        """Move the prototypes of relations [N] towards means [N, D]; the first mean of a relation is taken as it is."""
        old = torch.where(self.is_seen[classes, None], self.prototypes[classes], means)
        self.prototypes[classes] = self.memory * old + (1 - self.memory) * means
        self.is_seen[classes] = True
