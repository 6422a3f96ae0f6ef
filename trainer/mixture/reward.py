"""The reward of routes: each sample goes to one expert, and a route earns what its expert is better there by F1.

The experts are frozen, so that each sample has three counts for each expert (right, predicted, gold), and the F1 of any
set of samples is that of their sums. Nothing is decoded while a gate is fitted.

Source: RDS, the modality discriminator (Xu et al., COLING 2022), Reward.py of its code, with its alpha of 0.5. There
the gradients of all steps pile up and the best 70 % are routed; here routes are drawn from the policy itself.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

__all__ = ["choose", "expected_reward", "move_rewards", "reward", "reward_loss", "routed_f1", "set_f1"]


def set_f1(sums: Tensor) -> Tensor:
    """Return F1 [...] of the sums of right, predicted and gold [..., 3]; 0 where there is nothing.

    >>> set_f1(torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]))
    tensor([0.5000, 0.0000])
    """
    return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2]).clamp(min=1e-9)


def reward(routes: Tensor, counts: Tensor) -> Tensor:
    """Return the mean over the routes of F1(its expert) - mean F1(the others), on the samples of the route [...].

    Args:
        routes: 1 where a sample goes to an expert, else 0 [..., N, E].
        counts: right, predicted and gold of each sample and expert [N, E, 3].

    >>> right = torch.tensor([1.0, 1.0, 1.0])
    >>> counts = torch.stack([torch.stack([right, right * 0 + torch.tensor([0.0, 1.0, 1.0])])] * 2)
    >>> reward(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), counts)  # the first expert is right on both samples
    tensor(0.5000)
    """
    return _worth(torch.einsum("...ne,nfc->...efc", routes, counts)).mean(-1)


def _worth(sums: Tensor) -> Tensor:
    """Return F1(expert e) - mean F1(the others) [..., E] of sums by route and expert [..., E, E, 3]."""
    f1 = set_f1(sums)  # [..., route, expert]
    own = f1.diagonal(dim1=-2, dim2=-1)
    return own - (f1.sum(-1) - own) / (f1.shape[-1] - 1)


def move_rewards(routes: Tensor, counts: Tensor) -> Tensor:
    """Return the reward if one sample takes another route and all others keep theirs [..., N, E].

    Args:
        routes: one-hot [..., N, E].
        counts: [N, E, 3].
    """
    sums = torch.einsum("...ne,nfc->...efc", routes, counts)[..., None, :, :, :]  # [..., 1, E, E, 3]
    own = routes[..., None, None] * counts[:, None]  # [..., N, route, expert, 3]
    without = _worth(sums - own)  # [..., N, E]
    joined = _worth(sums - own + counts[:, None])
    return (without.sum(-1, keepdim=True) - without + joined) / routes.shape[-1]


def expected_reward(probabilities: Tensor, counts: Tensor) -> Tensor:
    """Return the mean reward over all E ** N ways to route N samples, a scalar with exact gradients.

    Args:
        probabilities: of each route for each sample [N, E]; N is small.
        counts: [N, E, 3].
    """
    samples, experts = probabilities.shape
    ways = torch.tensor(list(itertools.product(range(experts), repeat=samples)))  # [E ** N, N]
    chances = probabilities[torch.arange(samples), ways].prod(-1)
    return (chances * reward(nn.functional.one_hot(ways, experts).to(counts), counts)).sum()


def reward_loss(log_weights: Tensor, counts: Tensor, draws: int = 8) -> Tensor:
    """Return a scalar whose gradient is that of minus the expected reward, without bias.

    Routes are drawn from the policy. For each draw, every sample's reward on each of its routes is exact, with the
    others as drawn; so a reward that is the same on all routes moves nothing.

    Args:
        log_weights: of the policy [N, E].
        counts: [N, E, 3].
        draws: of routes for all samples, by torch's generator.

    Source: d E[R] / d p(i, e) = E[R | sample i on route e]; the mean over the other samples is taken from the draws.
    """
    probabilities = log_weights.exp()
    drawn = torch.multinomial(probabilities.detach(), draws, replacement=True).T  # [draws, N]
    routes = nn.functional.one_hot(drawn, log_weights.shape[1]).to(counts)
    gain = move_rewards(routes, counts).mean(0)  # [N, E]
    return -(probabilities * (gain - gain.mean(1, keepdim=True))).sum()


def choose(weights: Tensor, share: float | None = None) -> Tensor:
    """Return one-hot routes [N, E] of the weights of a policy [N, E].

    Args:
        weights: in [0, 1].
        share: of the samples that go to the last of two experts, those with its largest weights; None sends each sample
            to the expert with the largest weight.

    >>> choose(torch.tensor([[0.4, 0.6], [0.9, 0.1], [0.3, 0.7]]), share=0.34)[:, 1]
    tensor([0., 0., 1.])
    """
    if share is None:
        return nn.functional.one_hot(weights.argmax(1), weights.shape[1]).to(weights)
    count = int(share * len(weights))
    routes = torch.zeros(len(weights), dtype=torch.long)
    routes[weights[:, -1].argsort(descending=True, stable=True)[:count]] = 1
    return nn.functional.one_hot(routes, weights.shape[1]).to(weights)


def routed_f1(routes: Tensor, counts: Tensor) -> float:
    """Return the F1 of all samples, each by the expert of its route."""
    return float(set_f1((routes[:, :, None] * counts).sum((0, 1))))
