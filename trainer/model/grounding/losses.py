"""What the scores of regions are to learn: soft shares, a yes or no for each region, or a type for each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from trainer.model.grounding.overlaps import LEAST_OVERLAP, soft_targets

__all__ = ["one_question_loss", "relation_loss", "sigmoid_loss", "softmax_loss"]

_OUT = -1e9
"""The score of a region that is not there."""


def softmax_loss(scores: Tensor, none: Tensor, present: Tensor, overlaps: Tensor, has_box: Tensor) -> Tensor:
    """Return KL(target || softmax) over candidates and none, of each mention [N].

    The target of a mention without boxes is none; one whose boxes no candidate covers says nothing, and has loss 0.

    Args:
        scores: of the candidates [N, K].
        none: the score of no region [N].
        present: which candidates are there [N, K] bool.
        overlaps: of gold boxes and candidates [N, G, K].
        has_box: which gold boxes there are [N, G] bool.

    >>> import math
    >>> one = torch.ones(1, 1, dtype=torch.bool)
    >>> loss = softmax_loss(torch.zeros(1, 1), torch.zeros(1), one, torch.tensor([[[0.9]]]), one)
    >>> math.isclose(loss.item(), math.log(2), rel_tol=1e-6)
    True
    """
    shares = soft_targets(overlaps, has_box)
    shown = has_box.any(1)
    target = torch.cat([shares, (~shown).double()[:, None]], 1)  # [N, K + 1]
    logits = torch.cat([scores.masked_fill(~present, _OUT), none[:, None]], 1)
    log_probs = logits.double().log_softmax(-1)
    divergence: Tensor = (torch.special.xlogy(target, target) - target * log_probs).sum(-1)
    return divergence.float()


def sigmoid_loss(scores: Tensor, present: Tensor, overlaps: Tensor, has_box: Tensor) -> Tensor:
    """Return the binary cross entropies of all candidates of each mention, summed [N].

    A candidate is right from an overlap of 0.5 with any gold box.

    Args:
        scores: of the candidates [N, K].
        present: which candidates are there [N, K] bool.
        overlaps: of gold boxes and candidates [N, G, K].
        has_box: which gold boxes there are [N, G] bool.
    """
    right = _right(overlaps, has_box).to(scores.dtype)
    each = functional.binary_cross_entropy_with_logits(scores, right, reduction="none")
    return (each * present).sum(-1)


def relation_loss(scores: Tensor, types: Tensor, present: Tensor, overlaps: Tensor, has_box: Tensor) -> Tensor:
    """Return the cross entropies of all pairs of a mention and a candidate, summed [N].

    Args:
        scores: [N, K, C + 1]; the last class is none.
        types: of the mentions [N], which are the relations to their regions.
        present: which candidates are there [N, K] bool.
        overlaps: of gold boxes and candidates [N, G, K].
        has_box: which gold boxes there are [N, G] bool.
    """
    last = scores.shape[-1] - 1
    target = torch.where(_right(overlaps, has_box), types[:, None], last)  # [N, K]
    each = functional.cross_entropy(scores.flatten(0, 1), target.flatten(), reduction="none").view_as(target)
    return (each * present).sum(-1)


def one_question_loss(probs: Tensor, right: Tensor) -> Tensor:
    """Return RE2's constraint that an answer has one question: 0-dimensional.

    The sum over right pairs of | log p + mean over the other questions of the same answer of -log(1 - p') |; here a
    question is a mention, and an answer a region.

    Args:
        probs: of each pair in (0, 1) [Q, A].
        right: which pairs are right [Q, A] bool.

    Source: VT-NLP/Form-Document-IE (RE2), re_gat.py; weighed by 0.02 there.

    >>> probs = torch.tensor([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]).softmax(1)[:, 1:]
    >>> round(one_question_loss(probs.double(), torch.tensor([[True], [False], [False]])).item(), 4)
    0.3763
    """
    if len(probs) < 2:
        return probs.new_zeros(())
    refused = -torch.log1p(-probs)  # [Q, A]
    others = (refused.sum(0, keepdim=True) - refused) / (len(probs) - 1)
    return ((probs.log() + others).abs() * right).sum()


def _right(overlaps: Tensor, has_box: Tensor) -> Tensor:
    """Return which candidates overlap a gold box by half [N, K]."""
    if not overlaps.shape[1]:
        return overlaps.new_zeros(overlaps.shape[0], overlaps.shape[2], dtype=torch.bool)
    return ((overlaps >= LEAST_OVERLAP) & has_box[:, :, None]).any(1)
