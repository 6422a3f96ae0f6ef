"""RpBERT's fusion: features as further tokens behind the text, weighed by how much the picture belongs to it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Features
from trainer.model.fusion.contrast import belonging_loss, swap_pictures
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.prefix_attention import FAMILIES
from trainer.model.fusion.settings import AppendedSettings

__all__ = ["AppendedFusion"]


class AppendedFusion(Fusion):
    """Visual tokens g Wp v behind the embeddings of the text, in two passes that share all weights.

        pass 1, g = 1     [CLS] text [SEP] v1 ... vK     g = P(the picture belongs to the text) from the state of [CLS]
        pass 2, that g    [CLS] text [SEP] gv1 ... gvK   the states of the text go to the head

    Source: RpBERT (Sun et al., AAAI 2021).
    """

    kind = "appended"

    def __init__(self, shape: EncoderShape, settings: AppendedSettings) -> None:
        super().__init__(shape, settings)
        embedding = settings.embedding_dim or shape.hidden
        self.project = nn.Linear(settings.feature_dim, embedding)
        self.relation = nn.Linear(shape.hidden, 2)
        self.relation_weight = settings.relation_weight

    def attach(self, encoder: Any) -> None:
        """Check that an encoder takes embeddings and positions.

        Raises:
            UsageError: it is of an untried family, or its embeddings have another size than its states.
        """
        family, size = str(encoder.config.model_type), encoder.get_input_embeddings().embedding_dim
        if family not in FAMILIES:
            raise UsageError(
                f"an encoder of the type {family} takes no appended tokens",
                remedy=f"set encoder.name to one of the types {', '.join(FAMILIES)}",
            )
        if size != self.project.out_features:
            raise UsageError(
                f"the embeddings of the encoder have {size} components, not {self.project.out_features}",
                remedy=f"set model.fusion.embedding_dim={size}",
            )

    def run(self, encoder: Any, ids: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:
        """Run the encoder twice with the features behind the text; a sample without any runs as text alone."""
        has = features.present.any(1)
        if not bool(has.any()):
            return super().run(encoder, ids, mask, features, with_loss)
        one = torch.ones(len(ids), device=ids.device)
        first = self._run_appended(encoder, ids, mask, features, one)
        scores = self.relation(first[:, 0]).float()  # [B, 2]
        states = self._run_appended(encoder, ids, mask, features, scores.softmax(-1)[:, 1])
        if not bool(has.all()):
            alone = super().run(encoder, ids, mask, features).states
            states = alone.where(~has[:, None, None], states)
        if not (with_loss and self.relation_weight):
            return Fused(states)
        return Fused(states, self.relation_weight * self._relation_loss(encoder, ids, mask, features, scores))

    def _relation_loss(self, encoder: Any, ids: Tensor, mask: Tensor, features: Features, scores: Tensor) -> Tensor:
        """Return how badly a text tells its own picture from one of the batch [B]; 0 without a picture."""
        others, swapped = swap_pictures(features)
        one = torch.ones(len(ids), device=ids.device)
        wrong = self.relation(self._run_appended(encoder, ids, mask, others, one)[:, 0]).float()
        return belonging_loss(scores, wrong, features, swapped)

    def _run_appended(self, encoder: Any, ids: Tensor, mask: Tensor, features: Features, gate: Tensor) -> Tensor:
        """Return the states of the text [B, L, H] of a run with the features behind it, times a gate [B].

        All visual tokens stand at the position of the text's first piece: regions have no order, and a window has no
        positions left for them. Positions are given, as RoBERTa counts them from ids, and here are embeddings.
        """
        words = encoder.get_input_embeddings()(ids)  # [B, L, E]
        visual = gate[:, None, None] * self.project(features.values)  # [B, K, E]
        positions = _positions(encoder, ids, mask)
        first = positions[:, :1].expand(-1, visual.shape[1])
        options: dict[str, Tensor] = {"position_ids": torch.cat([positions, first], 1)}
        if getattr(encoder.config, "type_vocab_size", 0) > 1:
            options["token_type_ids"] = torch.cat([torch.zeros_like(ids), torch.ones_like(first)], 1)
        states = encoder(
            inputs_embeds=torch.cat([words, visual.to(words.dtype)], 1),
            attention_mask=torch.cat([mask, features.present], 1).long(),
            **options,
        ).last_hidden_state
        return states[:, : ids.shape[1]]  # type: ignore[no-any-return]


def _positions(encoder: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the positions [B, L] that a family gives to its text.

    Source: RoBERTa and models like it count from padding_idx + 1 (fairseq).
    """
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    if padding is None:
        return torch.arange(ids.shape[1], device=ids.device).expand(len(ids), -1)
    positions: Tensor = mask.long().cumsum(1) * mask.long() + padding
    return positions
