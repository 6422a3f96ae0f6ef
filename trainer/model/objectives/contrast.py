"""Which contexts belong to which text: the contrast of the pairs of a batch, and matching of each pair by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Batch
from trainer.model.fusion import info_nce
from trainer.model.objectives.objective import Objective, Views, mean_state
from trainer.model.objectives.settings import ContrastSettings, MatchingSettings

__all__ = ["Contrast", "Matching", "Pairs", "matching_loss", "pair_up", "same_contexts"]


class Pairs:
    """The texts of a batch and their contexts, each encoded alone.

    Args:
        texts, contexts: mean states [B, H].
        present: which samples have a context [B] bool.
        same: which samples have the same contexts [B, B] bool; they are no negatives of each other.
    """

    def __init__(self, texts: Tensor, contexts: Tensor, present: Tensor, same: Tensor) -> None:
        self.texts, self.contexts, self.present, self.same = texts, contexts, present, same


def pair_up(views: Views, batch: Batch) -> Pairs:
    """Return the pairs of a batch. The text is the view without contexts: with them, it would know its own."""
    assert views.plain is not None and views.contexts is not None and batch.has_contexts is not None
    texts = mean_state(views.plain.states, views.plain.mask)
    return Pairs(texts, views.contexts, batch.has_contexts, same_contexts(batch))


def same_contexts(batch: Batch) -> Tensor:
    """Return which samples have the same contexts, piece by piece [B, B] bool."""
    assert batch.context_ids is not None and batch.context_attention is not None
    ids = batch.context_ids.masked_fill(~batch.context_attention, -1)
    return (ids[:, None] == ids[None, :]).all(-1)


class Contrast(Objective):
    """InfoNCE of texts and contexts."""

    needs_plain = needs_contexts_alone = True

    def __init__(self, hidden: int, settings: ContrastSettings) -> None:  # noqa: ARG002 - the same for all
        super().__init__(settings.kind, settings.weight)
        self.temperature, self.text_share = settings.temperature, settings.text_share

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the contrast of each sample [B]; 0 for one without contexts."""
        pairs = pair_up(views, batch)
        return info_nce(pairs.texts, pairs.contexts, pairs.present, pairs.same, self.temperature, self.text_share)


class Matching(Objective):
    """A small network tells the own contexts of a text from those of the other samples of the batch."""

    needs_plain = needs_contexts_alone = True

    def __init__(self, hidden: int, settings: MatchingSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.linear = nn.Linear(4 * hidden, 1)

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the matching loss of each sample [B]; 0 for one without contexts."""
        pairs = pair_up(views, batch)
        size = (len(pairs.texts),) * 2
        texts = pairs.texts[:, None].expand(*size, -1)
        contexts = pairs.contexts[None, :].expand(*size, -1)
        together = torch.cat([texts, contexts, texts * contexts, (texts - contexts).abs()], dim=-1)  # [B, B, 4 H]
        return matching_loss(self.linear(together)[:, :, 0].float(), pairs.present, pairs.same)


def matching_loss(scores: Tensor, present: Tensor, same: Tensor) -> Tensor:
    """Return the mean of -log p(own pair) and of the mean -log p(not a pair) over swapped pairs [B].

    All other samples of the batch are swapped in, not one of them, so that the order of a batch changes nothing.

    Args:
        scores: of text i and context j [B, B]; above 0 for a pair.
        present: which samples have a context [B] bool.
        same: which have the same one [B, B] bool.

    >>> scores = torch.zeros(2, 2)
    >>> matching_loss(scores, torch.tensor([True, True]), torch.eye(2, dtype=torch.bool))  # nothing known: log 2
    tensor([0.6931, 0.6931])
    """
    own = -nn.functional.logsigmoid(scores.diagonal())
    swapped = present[None, :] & present[:, None] & ~same
    count = swapped.sum(1)
    others = (-nn.functional.logsigmoid(-scores)).masked_fill(~swapped, 0.0).sum(1) / count.clamp(min=1)
    loss = torch.where(count > 0, (own + others) / 2, own)
    return torch.where(present, loss, torch.zeros_like(loss))
