"""SeqGMPER's fusion: a post looks at the post before it in its group, text at text and picture at picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainer.inputs import Earlier, Features
from trainer.model.fusion import Attention, CrossBlock, EncoderShape, Fused, Fusion
from trainer.model.grounding.settings import PreviousSettings

__all__ = ["PreviousFusion"]

_HEADS = 4


class PreviousFusion(Fusion):
    """States [X; T; Z] of width 3H.

    T is what the tokens X see in the tokens of the post before; Z what they see in the picture, whose regions R have
    looked at those R' of the picture before: R + Attention(R <- R'). The first post of a group has T = 0 and R alone.

        step t - 1    X' ----- R'
                      |        |
        step t        X -> T   R -> R + seen -> Z

    Source: SeqGMPER (LREC-COLING 2024); there is no public code.
    """

    kind = "previous"
    reads_earlier = True

    def __init__(self, shape: EncoderShape, settings: PreviousSettings) -> None:
        super().__init__(shape, settings)
        self.width = 3 * shape.hidden
        self.of_text = Attention(shape.hidden, shape.hidden, _HEADS, settings.dropout)
        self.project = nn.Linear(settings.feature_dim, settings.width)
        self.of_picture = Attention(settings.width, settings.width, _HEADS, settings.dropout)
        self.cross = CrossBlock(shape.hidden, settings.width, _HEADS, settings.dropout)

    def encode(
        self, encoder: Any, ids: Tensor, mask: Tensor, features: Features | None, with_loss: bool = False
    ) -> Fused:
        """Encode windows of which nobody says what was before them."""
        return self.encode_after(encoder, ids, mask, features, None, with_loss)

    def encode_after(
        self,
        encoder: Any,
        ids: Tensor,
        mask: Tensor,
        features: Features | None,
        earlier: Earlier | None,
        with_loss: bool = False,  # noqa: ARG002
    ) -> Fused:
        """Return states [B, L, 3H]."""
        read = self._read(features, ids)
        if self.training:
            read = self._vary(read)
        tokens = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state  # [B, L, H]
        regions = self.project(read.values)  # [B, K, W]
        text = torch.zeros_like(tokens)
        if earlier is not None:
            text = self.of_text(tokens, self._encode_earlier(encoder, earlier), earlier.attention)
            before = self._read(earlier.features, earlier.ids)
            if regions.shape[1]:
                regions = regions + self.of_picture(regions, self.project(before.values), before.present)
        seen = self.cross(tokens, regions, read.present)
        has_any = read.present.any(1)[:, None, None]
        return Fused(torch.cat([tokens, text, seen.where(has_any, torch.zeros_like(seen))], dim=-1))

    def _encode_earlier(self, encoder: Any, earlier: Earlier) -> Tensor:
        """Return the states of the steps before [B, L'', H], without a gradient: the step itself is in the batches too.

        A row without any piece would be nan in some encoders: its first piece is read, and its states are masked later.
        """
        mask = earlier.attention.clone()
        mask[:, 0] = True
        with torch.no_grad():
            return encoder(input_ids=earlier.ids, attention_mask=mask.long()).last_hidden_state  # type: ignore[no-any-return]
