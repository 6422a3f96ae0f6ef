"""Which picture belongs to which text: pictures swapped or exchanged within a batch, and the contrast of pairs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Features

__all__ = [
    "belonging_loss",
    "cosines",
    "exchange_pictures",
    "info_nce",
    "number_pictures",
    "same_pictures",
    "swap_pictures",
]


def same_pictures(features: Features) -> Tensor:
    """Return which samples have the same picture [B, B] bool: the same columns with the same values.

    Two samples of one picture are no negatives of each other; data sets of relations have many such.
    """
    if features.picture is not None:
        return features.picture[:, None] == features.picture[None, :]
    values = features.values * features.present[:, :, None]  # [B, K, D]
    flat = torch.cat([values.flatten(1), features.present.to(values.dtype)], dim=1)
    return torch.cdist(flat[None], flat[None], p=1.0)[0] == 0


def number_pictures(features: Features) -> Tensor:
    """Return a number for each sample [B] int64, the same for those of the same picture: that of the first of them."""
    return same_pictures(features).int().argmax(1)


def swap_pictures(features: Features) -> tuple[Features, Tensor]:
    """Return features in which each sample has the picture of another, and which samples have one [B] bool.

    A sample takes the picture of the next sample in the batch that has another picture; where there is none, it keeps
    its own and counts as not swapped. No random numbers are drawn.
    """
    has = features.present.any(1)
    differs = ~same_pictures(features) & has[None, :] & has[:, None]  # [B, B]
    samples = len(has)
    distance = (torch.arange(samples)[None, :] - torch.arange(samples)[:, None]) % samples
    far = distance.to(has.device).masked_fill(~differs, samples)
    nearest = far.argmin(1)
    swapped = differs.any(1)
    rows = torch.where(swapped, nearest, torch.arange(samples, device=has.device))
    score = None if features.score is None else features.score[rows]
    picture = None if features.picture is None else features.picture[rows]
    found = features._replace(
        values=features.values[rows], present=features.present[rows], score=score, picture=picture
    )
    return found, swapped


def exchange_pictures(features: Features, absent_share: float, wrong_share: float) -> Features:
    """Return features of which some samples, drawn at random, have no picture or that of another sample.

    A model that only ever saw right pictures believes a wrong one against the words. Which samples still have their
    own picture stands in `own`.

    Args:
        features: of a batch.
        absent_share: probability that a sample has no picture.
        wrong_share: probability that it has the picture of the next sample of the batch that has another one; where
            there is none, it keeps its own.
    """
    draw = torch.rand(len(features.present), device=features.present.device)
    others, swapped = swap_pictures(features)
    wrong = swapped & (draw >= absent_share) & (draw < absent_share + wrong_share)
    present = torch.where(wrong[:, None], others.present, features.present) & (draw >= absent_share)[:, None]
    values = torch.where(wrong[:, None, None], others.values, features.values)
    return features._replace(
        values=values.masked_fill(~present[:, :, None], 0.0),
        present=present,
        score=_choose(wrong, others.score, features.score, present),
        own=~wrong,
    )


def _choose(wrong: Tensor, others: Tensor | None, own: Tensor | None, present: Tensor) -> Tensor | None:
    if others is None or own is None:
        return None
    return torch.where(wrong[:, None], others, own).masked_fill(~present, 0.0)


def belonging_loss(scores: Tensor, swapped_scores: Tensor, features: Features, swapped: Tensor) -> Tensor:
    """Return how badly scores tell the own picture of a text from another's [B]; 0 without a picture.

    Args:
        scores: of "another's picture" and "its own", for the picture that each sample has [B, 2].
        swapped_scores: for the picture that `swap_pictures` gave it [B, 2].
        features: of the pictures that the samples have.
        swapped: which samples got another's picture there [B] bool.
    """
    has = features.present.any(1)
    own = torch.ones_like(has) if features.own is None else features.own
    first = -scores.log_softmax(-1).gather(1, own.long()[:, None])[:, 0]
    # Swapped again, a sample that had a wrong picture already could get its own one back.
    second = -swapped_scores.log_softmax(-1)[:, 0]
    return 0.5 * (first.masked_fill(~has, 0.0) + second.masked_fill(~(swapped & own), 0.0))


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Return the cosines of all pairs [..., N, M] float32 of vectors [..., N, D] and [..., M, D]; 0 for one of zeros.

    Under bf16, too: its three digits are too few for cosines that a temperature of .01 divides.

    >>> cosines(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])).tolist()
    [[0.0, 1.0]]
    """
    with torch.autocast(a.device.type, enabled=False):
        unit_a, unit_b = (nn.functional.normalize(part.float(), dim=-1) for part in (a, b))
        return unit_a @ unit_b.transpose(-1, -2)


def info_nce(
    texts: Tensor, pictures: Tensor, present: Tensor, same: Tensor, temperature: float, text_share: float = 1.0
) -> Tensor:
    """Return how badly texts and pictures find each other within a batch [B]; 0 for a sample without a picture.

    Args:
        texts: vectors [B, H]; their length does not matter.
        pictures: vectors [B, H].
        present: which samples have a picture [B] bool.
        same: which samples have the same picture [B, B] bool; they are left out as negatives.
        temperature: divides the cosines.
        text_share: weight of "which picture belongs to this text"; the other direction has the rest.

    Source: L = -w log softmax_j(t_i v_j / q)_i - (1 - w) log softmax_j(v_i t_j / q)_i (Oord et al., 2018).

    >>> same = torch.eye(2, dtype=torch.bool)
    >>> pair = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> loss = info_nce(pair, pair, torch.tensor([True, True]), same, temperature=1.0)
    >>> [round(float(value), 4) for value in loss]  # log(1 + 1 / e)
    [0.3133, 0.3133]
    """
    scores = cosines(texts, pictures) / temperature  # [B, B], rows are texts
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    allowed = own | (present[None, :] & present[:, None] & ~same)
    of_texts, of_pictures = (
        -rows.masked_fill(~allowed, -torch.inf).log_softmax(1).diagonal() for rows in (scores, scores.T)
    )
    loss = text_share * of_texts + (1 - text_share) * of_pictures
    return torch.where(present, loss, torch.zeros_like(loss))
