"""The tagging head: dropout, a linear layer and a linear-chain CRF on the first piece of each token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.records import Sample
from trainer.inputs import LabelSet, Window
from trainer.model.heads.crf import LinearChain, likeliest_path, sound_transitions
from trainer.model.heads.head import Head, Posterior, Reading, View
from trainer.model.heads.settings import TaggingSettings

__all__ = ["TaggingHead", "extend_tags"]

_OUTSIDE = "O"
_NEVER = -30.0
"""Log probability of every other tag of a token beyond the window, which gets O."""


class TaggingHead(Head):
    """One tag for each token."""

    kind = "tagging"
    tasks = ("ner",)
    has_pairs = True
    allowed_start: Tensor
    allowed_steps: Tensor

    def __init__(self, hidden: int, labels: LabelSet, settings: TaggingSettings) -> None:
        super().__init__(labels)
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(hidden, len(labels.names))
        self.chain = LinearChain(len(labels.names))
        self.constrained = settings.constrained_decoding
        start, steps = sound_transitions(labels.names)
        self.register_buffer("allowed_start", start, persistent=False)
        self.register_buffer("allowed_steps", steps, persistent=False)

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the numbers of the tags of all tokens."""
        return None if sample.tags is None else labels.numbers(sample.tags, sample.sample_id)

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:
        """Return the tags of all tokens; those beyond the window get O."""
        names = tuple(labels.names[number] for number in classes)
        return names + (_OUTSIDE,) * (len(sample.tokens) - len(names))

    @classmethod
    def decode_mixed(
        cls,
        labels: LabelSet,
        log_probs: Tensor,  # noqa: ARG003 - a chain needs its pairs alone
        log_pairs: Tensor | None,
        lengths: Sequence[int],
    ) -> Tensor:
        """Return the likeliest of the sound sequences of tags under the mixed chain."""
        assert log_pairs is not None
        return likeliest_path(log_pairs, lengths, labels.names)

    def extend(self, reading: Reading, sample: Sample) -> Reading:
        """Return the reading with O for the tokens beyond the window, whatever tag is before them."""
        return extend_tags(reading, sample)

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        """Return the numbers of the tags of the tokens that are in the window."""
        classes = self.gold_classes(self.labels, sample)
        return None if classes is None else classes[: len(window.first_piece)]

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, P, K]."""
        return self.linear(self.dropout(states)).float()  # type: ignore[no-any-return]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of whole tag sequences [B]."""
        return -self.chain.log_likelihood(view.logits, targets, view.mask)

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:
        """Return log marginals [B, P, K], and those of neighbours [B, P, K, K]."""
        logits = view.logits / temperature
        pairs = self.chain.log_pair_marginals(logits, view.mask) if with_pairs else None
        return Posterior(self.chain.log_marginals(logits, view.mask), pairs)

    def decode(self, view: View) -> Tensor:
        """Return the best tag sequences [B, P]."""
        allowed = (self.allowed_start, self.allowed_steps) if self.constrained else None
        return self.chain.decode(view.logits, view.mask, allowed)


def extend_tags(reading: Reading, sample: Sample) -> Reading:
    """Return the reading with O for the tokens beyond the window, whatever tag is before them."""
    beyond = len(sample.tokens) - len(reading.classes)
    if not beyond or reading.log_pairs is None:
        return reading
    outside = torch.full((beyond, reading.log_probs.shape[1]), _NEVER)
    outside[:, 0] = 0.0
    before = torch.cat([reading.log_probs[-1:], outside[:-1]])  # [beyond, K]
    return reading._replace(
        log_probs=torch.cat([reading.log_probs, outside]),
        classes=torch.cat([reading.classes, torch.zeros(beyond, dtype=torch.long)]),
        log_pairs=torch.cat([reading.log_pairs, before[:, :, None] + outside[:, None, :]]),
    )
