"""Gates: the weight of each expert for a sample or a token, and how a gate is fitted to posteriors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from schemas.display import tell
from schemas.run_files import GATES, GateName
from trainer.mixture.reward import choose, reward_loss, routed_f1

__all__ = ["GATES", "Gate", "GateInput", "GateName", "Reduction", "cross_fit", "fit_gate", "mix", "mixture_nll"]

_STEPS, _EVERY = 150, 5
"""A gate is fitted for at most _STEPS steps; its held-out loss is taken after each _EVERY of them."""
_LR, _DECAY, _HIDDEN = 1e-2, 1e-2, 16


@dataclass(frozen=True)
class GateInput:
    """What a gate reads and mixes. E experts, N samples, M states, K classes.

    Args:
        log_probs: of the experts [E, M, K] float32.
        sample_features: [N, F] float32: vectors, flags, entropies.
        token_features: [M, G] float32: entropies and top probabilities of each expert.
        sample_of: number of the sample of each state [M] int64.
        targets: right classes [M] int64; None where they are not known.
        counts: right, predicted and gold of each sample and expert [N, E, 3]; None where they are not known.
    """

    log_probs: Tensor
    sample_features: Tensor
    token_features: Tensor
    sample_of: Tensor
    targets: Tensor | None = None
    counts: Tensor | None = None

    def of_samples(self, chosen: Tensor) -> GateInput:
        """Return the part for the chosen samples [n] int64."""
        renumbered = torch.full((len(self.sample_features),), -1)
        renumbered[chosen] = torch.arange(len(chosen))
        states = (renumbered[self.sample_of] >= 0).nonzero()[:, 0]
        return GateInput(
            self.log_probs[:, states],
            self.sample_features[chosen],
            self.token_features[states],
            renumbered[self.sample_of[states]],
            None if self.targets is None else self.targets[states],
            None if self.counts is None else self.counts[chosen],
        )


class Reduction(nn.Module):
    """The first principal components of a vector, at unit variance: few enough for 1,000 samples to train a gate."""

    mean: Tensor
    basis: Tensor

    def __init__(self, dim: int, components: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("basis", torch.zeros(dim, components))

    def fit(self, vectors: Tensor) -> Reduction:
        """Fit to vectors [n, D]; components without variance stay 0."""
        if len(vectors) > 1:
            self.mean = vectors.mean(0)
            _, scales, axes = torch.linalg.svd(vectors - self.mean, full_matrices=False)
            count = min(self.basis.shape[1], int((scales > 1e-4 * scales[0].clamp(min=1e-12)).sum()))
            deviation = scales[:count] / (len(vectors) - 1) ** 0.5
            self.basis = torch.zeros_like(self.basis)
            self.basis[:, :count] = axes[:count].T / deviation
        return self

    def forward(self, vectors: Tensor) -> Tensor:
        """Return components [n, C] of vectors [n, D]."""
        return (vectors - self.mean) @ self.basis


class Gate(nn.Module):
    """A small network that gives weights to E experts. It begins as the plain average: its last layer is 0."""

    mean: Tensor
    scale: Tensor

    def __init__(self, name: GateName, experts: int, sample_features: int, token_features: int) -> None:
        super().__init__()
        self.name, self.experts = name, experts
        features = sample_features + (token_features if name == "token" else 0)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.share: float | None = None  # of the samples that the reward gate sends to the last expert
        self.hidden = nn.Linear(features, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, experts)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def features(self, data: GateInput) -> Tensor:
        """Return what the network reads: [M, F + G] for the token gate, else [N, F]."""
        if self.name != "token":
            return data.sample_features
        return torch.cat([data.sample_features[data.sample_of], data.token_features], dim=1)

    def log_weights(self, data: GateInput) -> Tensor:
        """Return the log weight of each expert for each state [M, E]; the hard gate is trained as the sample gate."""
        if self.name == "fixed":
            return data.log_probs.new_full(
                (len(data.sample_of), self.experts), -torch.tensor(self.experts).log().item()
            )
        weights = self.sample_log_weights(data)
        return weights if self.name == "token" else weights[data.sample_of]

    def sample_log_weights(self, data: GateInput) -> Tensor:
        """Return the log weight of each expert for each row of `features` [N, E], for the token gate [M, E]."""
        features = (self.features(data) - self.mean) / self.scale
        return torch.log_softmax(self.out(torch.tanh(self.hidden(features))), dim=-1)

    @torch.no_grad()
    def weights(self, data: GateInput) -> Tensor:
        """Return the weights for prediction [M, E]; the hard gate gives 1 to its first choice."""
        weights = self.log_weights(data).exp()
        if self.name == "hard":
            return nn.functional.one_hot(weights.argmax(dim=1), self.experts).to(weights)
        if self.name == "reward":
            return choose(self.sample_log_weights(data).exp(), self.share)[data.sample_of]
        return weights


def mix(log_probs: Tensor, log_weights: Tensor) -> Tensor:
    """Return log sum_e g_e p_e [M, K] of log_probs [E, M, K], or of pairs [E, M, K, K], and log weights [M, E].

    >>> sure = torch.tensor([[[0.2, 0.8]], [[0.8, 0.2]]]).log()
    >>> mix(sure, torch.tensor([[0.25, 0.75]]).log()).exp().round(decimals=4)
    tensor([[0.6500, 0.3500]])
    """
    return torch.logsumexp(log_probs + log_weights.T.view(*log_probs.shape[:2], *[1] * (log_probs.dim() - 2)), dim=0)


def mixture_nll(gate: Gate, data: GateInput) -> Tensor:
    """Return the mean over the states of -log p(right class), a scalar."""
    assert data.targets is not None
    mixed = mix(data.log_probs, gate.log_weights(data))
    return -mixed.gather(1, data.targets[:, None]).mean()


def _loss(gate: Gate, data: GateInput) -> Tensor:
    """Return what a gate is fitted by: its likelihood, or the reward of its routes."""
    if gate.name != "reward":
        return mixture_nll(gate, data)
    assert data.counts is not None
    return reward_loss(gate.sample_log_weights(data), data.counts)


def fit_gate(
    name: GateName,
    data: GateInput,
    steps: int,
    seed: int = 1,
    held_out: GateInput | None = None,
    share: float | None = None,
) -> tuple[Gate, list[tuple[float, Tensor]]]:
    """Fit a gate by full-batch AdamW on the mixture's likelihood, or the reward of its routes; the experts are frozen.

    Args:
        name: of the gate.
        data: with targets, for the reward gate with counts.
        steps: of AdamW.
        seed: of its weights, and of the routes that are drawn.
        held_out: is scored on the way.
        share: of the samples that the reward gate sends to the last of two experts; None routes by the larger weight.

    Returns:
        the gate after `steps` steps, and its loss and weights on held_out: before the first step and after each fifth
        one (an empty list without held_out).
    """
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gate = Gate(name, len(data.log_probs), data.sample_features.shape[1], data.token_features.shape[1])
        gate.share = share
        features = gate.features(data)
        gate.mean, gate.scale = features.mean(0), features.std(0, correction=0).clamp(min=1e-3)
        curve = _held_out(gate, held_out)
        if name == "fixed":
            return gate, curve * (1 + steps // _EVERY)
        optimizer = torch.optim.AdamW(gate.parameters(), lr=_LR, weight_decay=_DECAY)
        for step in range(1, steps + 1):
            _loss(gate, data).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
            if step % _EVERY == 0:
                curve += _held_out(gate, held_out)
    return gate, curve


def cross_fit(
    name: GateName, data: GateInput, folds: int, seed: int = 1, share: float | None = None
) -> tuple[int, Tensor, float]:
    """Find by K folds how long a gate is to be fitted, and its weights on samples to which it was not fitted.

    Each fold is held out once, and a gate is fitted to the others (5 folds, * held out):

        fold 1  *....      fit to 2 3 4 5, loss and weights on 1 after 0, 5, 10, ... steps
        fold 2  .*...      fit to 1 3 4 5, loss and weights on 2
        ...
        mean of the losses over the states of all folds, by step; its least is the number of steps

    So no sample is scored with weights of a gate that has seen it. 0 steps, the plain average, is a candidate too: it
    wins where nothing can be learned.

    Args:
        name: of the gate.
        data: with targets.
        folds: K, at least 2; sample i is in fold i mod K of a shuffled order.
        seed: of the order and the gates.
        share: see `fit_gate`.

    Returns:
        steps with the least held-out loss, held-out weights [M, E] after them, and that loss.
    """
    order = torch.randperm(len(data.sample_features), generator=torch.Generator().manual_seed(seed))
    parts = [order[fold::folds].sort().values for fold in range(folds)]
    curves = []
    for fold, part in enumerate(parts):
        tell(f"gate {name}", fold, folds, "folds")
        rest = torch.cat(parts[:fold] + parts[fold + 1 :]).sort().values
        curves.append(fit_gate(name, data.of_samples(rest), _STEPS, seed, data.of_samples(part), share)[1])
    masks = [torch.isin(data.sample_of, part) for part in parts]
    states = [int(mask.sum()) for mask in masks]
    mean = [_average([loss for loss, _ in column], states) for column in zip(*curves, strict=True)]
    best = min(range(len(mean)), key=mean.__getitem__)
    weights = torch.zeros(len(data.sample_of), len(data.log_probs))
    for mask, curve in zip(masks, curves, strict=True):
        weights[mask] = curve[best][1]
    return best * _EVERY, weights, mean[best]


@torch.no_grad()
def _held_out(gate: Gate, held_out: GateInput | None) -> list[tuple[float, Tensor]]:
    if held_out is None:
        return []
    if gate.name != "reward":
        return [(mixture_nll(gate, held_out).item(), gate.weights(held_out))]
    assert held_out.counts is not None
    routes = choose(gate.sample_log_weights(held_out).exp(), gate.share)
    return [(1 - routed_f1(routes, held_out.counts), routes[held_out.sample_of])]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run on one thread: for tensors this small, waiting for a second thread costs more than it saves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _average(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
