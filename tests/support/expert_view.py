"""A batch as a head sees it, from states that a test draws."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.model.heads import Head, View


def view_of(head: Head, states: Tensor, lengths: Sequence[int] | None = None) -> View:
    """Return states [B, P, H] as the view of a head; the first lengths[i] positions of each sample are there."""
    ends = torch.tensor(lengths if lengths is not None else [states.shape[1]] * len(states))
    return View(states, torch.arange(states.shape[1])[None, :] < ends[:, None], head(states))
