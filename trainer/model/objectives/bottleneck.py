"""An information bottleneck: labels are read from a noisy, short code of the states, which is to say little else."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Batch
from trainer.model.heads import Head
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.settings import BottleneckSettings

__all__ = ["Bottleneck", "code_bits"]


class Bottleneck(Objective):
    """CE(label, Linear(z)) + beta KL(z || N(0, 1)) in bits, where z = mu + sigma * noise is made of each state.

    For relations the states of both markers make one code.
    """

    def __init__(self, hidden: int, settings: BottleneckSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.hidden, self.dim, self.beta = hidden, settings.dim, settings.beta

    def attach(self, head: Head) -> None:
        """Make the layers: a relation has two states, a token one."""
        width = self.hidden * (2 if head.labels.task_name == "re" else 1)
        self.mean, self.spread = nn.Linear(width, self.dim), nn.Linear(width, self.dim)
        self.read = nn.Linear(self.dim, len(head.labels.names))

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the loss of each sample [B], summed over its states.

        Raises:
            UsageError: the head does not give each state, or each pair, a label.
        """
        assert batch.targets is not None
        states = views.full.states
        if self.mean.in_features != states.shape[-1]:
            states = states.flatten(1)[:, None]  # [B, 1, 2 H]
        if states.shape[1] != batch.targets.shape[1]:
            raise UsageError(
                f"the objective {self.name} reads one label a state, the head {views.head.kind} has others",
                remedy="take the objective out of model.objectives",
            )
        mask = views.head.state_mask(views.full.mask)
        mean, sigma = self.mean(states).float(), nn.functional.softplus(self.spread(states).float())
        code = mean + sigma * torch.randn_like(sigma) if self.training else mean
        cross = nn.functional.cross_entropy(self.read(code).transpose(1, 2), batch.targets, reduction="none")  # [B, S]
        return (cross + self.beta * code_bits(mean, sigma)).masked_fill(~mask, 0.0).sum(1)


def code_bits(mean: Tensor, sigma: Tensor) -> Tensor:
    """Return KL(N(mean, sigma squared) || N(0, 1)) in bits, summed over the last dimension.

    Source: -1/2 sum(1 + 2 log sigma - mean^2 - sigma^2) / ln 2, as in ISE (Wu et al., ACL 2023).

    >>> round(float(code_bits(torch.ones(1), torch.ones(1))), 6), float(code_bits(torch.zeros(3), torch.ones(3)))
    (0.721348, 0.0)
    """
    return 0.5 * (mean.square() + sigma.square() - 1 - 2 * sigma.log()).sum(-1) / math.log(2)
