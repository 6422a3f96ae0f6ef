"""The tagging head with UMT's span task: a second CRF tells where entities are, and its scores are shared among types.

The fixed conversion matrix gives the score of a span label to the tags that begin with its letter:

              O   B-LOC  I-LOC  B-PER  I-PER
    O         1
    B              1/2           1/2
    I                     1/2           1/2
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import LabelSet
from trainer.model.heads.crf import LinearChain
from trainer.model.heads.head import View
from trainer.model.heads.settings import SpanSettings
from trainer.model.heads.tagging import TaggingHead

__all__ = ["SpanHead", "conversion_matrix", "span_labels"]


def span_labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the span labels of tags: their first letters, in the order in which they come.

    >>> span_labels(("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
    ('O', 'B', 'I')
    """
    return tuple(dict.fromkeys(name[0] for name in names))


def conversion_matrix(names: tuple[str, ...]) -> Tensor:
    """Return how a span label's score is shared among the tags [S, K]; each row sums to 1.

    >>> conversion_matrix(("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))[1].tolist()
    [0.0, 0.5, 0.0, 0.5, 0.0]
    """
    rows = [[float(name[0] == letter) for name in names] for letter in span_labels(names)]
    matrix = torch.tensor(rows)
    return matrix / matrix.sum(1, keepdim=True)


class SpanHead(TaggingHead):
    """One tag for each token, from the mixed scores (1 - w) l + w s C of tags l and spans s."""

    kind = "spans"
    conversion: Tensor

    def __init__(self, hidden: int, labels: LabelSet, settings: SpanSettings) -> None:
        """Make the head.

        Raises:
            UsageError: the spans' part of the states leaves none for the tags.
        """
        if settings.span_dim >= hidden:
            raise UsageError(
                f"model.head.span_dim is {settings.span_dim}, and the encoder's states have {hidden} dimensions",
                remedy="set a smaller one, or 0: then tags and spans read all of a state",
            )
        super().__init__(hidden - settings.span_dim, labels, settings)
        letters = span_labels(labels.names)
        self.split, self.share, self.weight = settings.span_dim, settings.span_share, settings.span_weight
        self.span_linear = nn.Linear(settings.span_dim or hidden, len(letters))
        self.span_chain = LinearChain(len(letters))
        self.register_buffer("conversion", conversion_matrix(labels.names), persistent=False)

    def forward(self, states: Tensor) -> Tensor:
        """Return mixed logits [B, P, K]."""
        own = states[..., : states.shape[-1] - self.split]
        return (1 - self.share) * super().forward(own) + self.share * self.span_logits(states) @ self.conversion

    def span_logits(self, states: Tensor) -> Tensor:
        """Return the logits of spans [B, P, S] of states [B, P, H]."""
        return self.span_linear(states[..., -self.split :] if self.split else states).float()  # type: ignore[no-any-return]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of tags, and by its weight that of spans [B]."""
        spans = (self.conversion > 0).long().argmax(0)[targets]  # the span label of each tag
        likelihood = self.span_chain.log_likelihood(self.span_logits(view.states), spans, view.mask)
        return super().loss(view, targets) - self.weight * likelihood
