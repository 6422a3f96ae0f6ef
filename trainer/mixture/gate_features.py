"""The features of a gate: pooled text vector, image vector with a flag for its absence, entropies of the experts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.mixture.gates import GateInput, Reduction
from trainer.mixture.posteriors import Posteriors

__all__ = ["gate_input"]


def gate_input(
    posteriors: Sequence[Posteriors],
    text: Reduction,
    image: Reduction | None,
    images: Tensor | None,
    targets: Tensor | None,
    counts: Tensor | None = None,
) -> GateInput:
    """Return what a gate reads of N samples.

    Args:
        posteriors: of each expert, on the same samples.
        text: fitted to the first expert's pooled vectors.
        image: fitted to image vectors; None where the mixture reads none.
        images: [N, D + 1], the last column 1 where there is an image; else the row is 0.
        targets: right classes [M]; None where nobody knows them.
        counts: right, predicted and gold of each sample and expert [N, E, 3]; None where nobody knows them.
    """
    log_probs = torch.stack([part.log_probs for part in posteriors])  # [E, M, K]
    sample_of = posteriors[0].sample_numbers()  # [M]
    entropy = -(log_probs.exp() * log_probs).sum(-1)  # [E, M]
    sure = 1 - log_probs.exp().max(-1).values  # [E, M]
    agree = (log_probs.argmax(-1) == log_probs.argmax(-1)[:1]).float()[1:]  # [E - 1, M]
    lengths = posteriors[0].lengths.float()  # [N]
    by_sample = torch.zeros(len(lengths), len(posteriors)).index_add_(0, sample_of, entropy.T) / lengths[:, None]
    parts = [text(posteriors[0].pooled), by_sample]
    if image is not None and images is not None:
        flag = images[:, -1:]
        parts += [image(images[:, :-1]) * flag, flag]
    by_state = torch.cat([entropy.T, sure.T, agree.T], dim=1)
    return GateInput(log_probs, torch.cat(parts, dim=1), by_state, sample_of, targets, counts)
