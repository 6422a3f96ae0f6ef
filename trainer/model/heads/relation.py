"""Heads of pairs: the states of two opening markers and LayerNorm; the usual one adds a linear layer and a softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.records import Sample
from trainer.inputs import LabelSet
from trainer.model.heads.head import Head, Posterior, View
from trainer.model.heads.settings import RelationSettings

__all__ = ["PairHead", "RelationHead"]


class PairHead(Head):
    """One relation between the two marked entities; their markers come in the order in which they stand."""

    tasks = ("re",)

    def __init__(self, hidden: int, labels: LabelSet, settings: RelationSettings) -> None:
        super().__init__(labels)
        self.norm = nn.LayerNorm(2 * hidden)
        self.dropout = nn.Dropout(settings.dropout)

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the number of the relation, as a tuple of one."""
        return None if sample.relation is None else labels.numbers([sample.relation], sample.sample_id)

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:  # noqa: ARG003
        """Return the relation, as a tuple of one."""
        return (labels.names[classes[0]],)

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return that each sample has its one state [B, 1]."""
        return torch.ones_like(mask[:, :1])

    def embed(self, states: Tensor) -> Tensor:
        """Return the vector of each pair [B, 2 H] float32, from the states of its markers [B, 2, H]."""
        return self.dropout(self.norm(states.flatten(1)))  # type: ignore[no-any-return]

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:  # noqa: ARG002
        """Return log class probabilities [B, 1, K]; a single state has no pairs."""
        return Posterior(torch.log_softmax(view.logits / temperature, dim=-1), None)

    def decode(self, view: View) -> Tensor:
        """Return the likeliest class [B, 1]."""
        return view.logits.argmax(dim=-1)


class RelationHead(PairHead):
    """One relation, by a linear layer and a softmax."""

    kind = "relation"

    def __init__(self, hidden: int, labels: LabelSet, settings: RelationSettings) -> None:
        super().__init__(hidden, labels, settings)
        self.linear = nn.Linear(2 * hidden, len(labels.names))

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, 1, K]."""
        return self.linear(self.embed(states)).float()[:, None, :]  # type: ignore[no-any-return]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the cross entropy [B]."""
        return nn.functional.cross_entropy(view.logits[:, 0], targets[:, 0], reduction="none")
