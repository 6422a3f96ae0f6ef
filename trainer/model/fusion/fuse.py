"""What a fusion is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from trainer.inputs import Features

__all__ = ["Fusion"]


class Fusion(Protocol):
    """A module that brings visual features into the text: within the layers of the encoder, after it, or both.

    An absent region is masked, and adds nothing: with all regions of a sample absent, the output is bit for bit the one
    for its text alone. B samples, L pieces, H dimensions; layers of h heads of d dimensions; P prefix tokens.
    """

    def prefixes(self, features: Features) -> Sequence[tuple[Tensor, Tensor, Tensor]] | None:
        """Return keys, values [B, h, P, d] and presence [B, P] for each layer; None for a fusion after the encoder."""

    def __call__(self, tokens: Tensor, mask: Tensor, features: Features) -> Tensor:
        """Return states [B, L, H'] of the states of all pieces [B, L, H], mask [B, L]."""
