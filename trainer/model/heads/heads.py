"""Heads: token states to a loss, a posterior and a decoding. Tagging with a CRF, and relations of two markers."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from trainer.inputs import LabelSet
from trainer.model.heads.crf import LinearChain, sound_transitions

__all__ = ["Head", "RelationHead", "TaggingHead", "make_head"]


class Head(Protocol):
    """What the loop and the mixture need. B samples, P states of size H, K classes, S = P for tags, 1 for relations."""

    def __call__(self, states: Tensor) -> Tensor:
        """Return logits [B, S, K] float32 of states [B, P, H]."""

    def nll(self, logits: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(targets) [B]; mask [B, P] of the states, targets [B, S]."""

    def log_posterior(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return log p(class) [B, S, K]; 0 beyond the mask."""

    def log_pairs(self, logits: Tensor, mask: Tensor) -> Tensor | None:
        """Return log p(class before, class) [B, S, K, K] where the states of a sample are a chain, else nothing."""

    def decode(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return the numbers of the predicted classes [B, S]."""


class TaggingHead(nn.Module):
    """Dropout, a linear layer and a linear-chain CRF on the first piece of each token."""

    allowed_start: Tensor
    allowed_steps: Tensor

    def __init__(self, hidden: int, labels: LabelSet, dropout: float, constrained: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, len(labels.names))
        self.chain = LinearChain(len(labels.names))
        self.constrained = constrained
        start, steps = sound_transitions(labels.names)
        self.register_buffer("allowed_start", start, persistent=False)
        self.register_buffer("allowed_steps", steps, persistent=False)

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, P, K]."""
        return self.linear(self.dropout(states)).float()  # type: ignore[no-any-return]

    def nll(self, logits: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of whole tag sequences [B]."""
        return -self.chain.log_likelihood(logits, targets, mask)

    def log_posterior(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return log marginals [B, P, K]."""
        return self.chain.log_marginals(logits, mask)

    def log_pairs(self, logits: Tensor, mask: Tensor) -> Tensor | None:
        """Return log marginals of neighbours [B, P, K, K]."""
        return self.chain.log_pair_marginals(logits, mask)

    def decode(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return the best tag sequences [B, P]."""
        allowed = (self.allowed_start, self.allowed_steps) if self.constrained else None
        return self.chain.decode(logits, mask, allowed)


class RelationHead(nn.Module):
    """The states of the two opening markers, in the order in which they stand; LayerNorm, dropout, linear, softmax."""

    def __init__(self, hidden: int, labels: LabelSet, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * hidden)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * hidden, len(labels.names))

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, 1, K]."""
        pair = states.flatten(1)  # [B, 2 H]
        return self.linear(self.dropout(self.norm(pair))).float()[:, None, :]  # type: ignore[no-any-return]

    def nll(self, logits: Tensor, mask: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG002 - the Head's form
        """Return the cross entropy [B]."""
        return nn.functional.cross_entropy(logits[:, 0], targets[:, 0], reduction="none")

    def log_posterior(self, logits: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return log class probabilities [B, 1, K]."""
        return torch.log_softmax(logits, dim=-1)

    def log_pairs(self, logits: Tensor, mask: Tensor) -> Tensor | None:  # noqa: ARG002
        """Return nothing: a sample has one state."""
        return None

    def decode(self, logits: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return the likeliest class [B, 1]."""
        return logits.argmax(dim=-1)


def make_head(
    hidden: int, labels: LabelSet, dropout: float = 0.1, constrained: bool = False
) -> TaggingHead | RelationHead:
    """Make the head of a task."""
    if labels.task == "ner":
        return TaggingHead(hidden, labels, dropout, constrained)
    return RelationHead(hidden, labels, dropout)
