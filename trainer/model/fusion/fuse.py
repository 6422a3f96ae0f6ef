"""What a fusion is: how an encoder runs with the features of pictures, and what the head reads then."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Earlier, Features
from trainer.model.fusion.contrast import exchange_pictures, number_pictures
from trainer.model.fusion.settings import FusionSettings

__all__ = ["EncoderShape", "Fused", "Fusion", "Prefixes"]


class EncoderShape(NamedTuple):
    """The sizes of a text encoder: components of a state, layers, heads of each layer."""

    hidden: int
    layers: int
    heads: int

    @classmethod
    def of(cls, encoder: Any) -> EncoderShape:
        """Return the sizes of a model of transformers; its configuration has these names in all families."""
        config = encoder.config
        return cls(config.hidden_size, config.num_hidden_layers, config.num_attention_heads)


class Prefixes(NamedTuple):
    """Keys and values that stand before those of the text. N layers of h heads of d dimensions; P prefix tokens.

    Args:
        keys, values: [N, B, h, P, d].
        present: which of them may be attended [B, P] bool.
        loss: what the fusion adds to the loss of each sample [B]; None without such a term.
    """

    keys: Tensor
    values: Tensor
    present: Tensor
    loss: Tensor | None = None


class Fused(NamedTuple):
    """The text with its picture in it.

    Args:
        states: of all pieces [B, L, W].
        loss: what the fusion adds to the loss of each sample [B]; None without such a term.
        weights: the share of each column in what was read of the picture [B, K], 0 where it is absent; None from a
            fusion that does not say, and in training.
    """

    states: Tensor
    loss: Tensor | None = None
    weights: Tensor | None = None


class Fusion(nn.Module):
    """A module that brings visual features into the text: within the layers of the encoder, after it, or both.

    An absent region is masked, and adds nothing: with all regions of a sample absent, the output is bit for bit the one
    for its text alone. B samples, L pieces, K columns of features of D components, H dimensions of a state.

    A fusion overrides one of three methods: `prefixes` (keys and values for each layer), `forward` (what happens to the
    states after the encoder), or `run` (everything that happens within the encoder).
    """

    kind: ClassVar[str]
    """Its name in the table of `trainer.model.build`."""
    width: int
    """Components of the states that it returns."""
    reads_earlier: ClassVar[bool] = False
    """Whether it looks at the step before each sample in its group: then `encode_after` runs in place of `encode`."""
    head_share: float = 1.0
    """The factor that the head's loss gets beside the fusion's own terms."""

    def __init__(self, shape: EncoderShape, settings: FusionSettings) -> None:
        super().__init__()
        self.width, self.feature_dim, self.is_scaled = shape.hidden, settings.feature_dim, settings.scaled
        self.absent_share, self.wrong_share = settings.absent_share, settings.wrong_share
        self.feature_dropout = nn.Dropout(settings.feature_dropout)

    def attach(self, encoder: Any) -> None:
        """Prepare an encoder, once, before its first batch.

        Raises:
            UsageError: the fusion does not fit this family of encoders.
        """

    def encode(
        self, encoder: Any, ids: Tensor, mask: Tensor, features: Features | None, with_loss: bool = False
    ) -> Fused:
        """Encode windows with their pictures.

        Args:
            encoder: of transformers, attached.
            ids: of the pieces [B, L].
            mask: which of them are there [B, L] bool.
            features: of the samples; None for a batch without any picture.
            with_loss: compute the fusion's own terms of the loss.

        Raises:
            UsageError: the features have another size than the fusion was made for.
        """
        read = self._read(features, ids)
        if self.training:
            read = self._vary(read)
        before = self.run(encoder, ids, mask, read, with_loss)
        after = self(before.states, mask, read, with_loss)
        terms = [fused.loss for fused in (before, after) if fused.loss is not None]
        weights = before.weights if after.weights is None else after.weights
        return Fused(after.states, sum(terms[1:], terms[0]) if terms else None, weights)

    def encode_after(
        self,
        encoder: Any,
        ids: Tensor,
        mask: Tensor,
        features: Features | None,
        earlier: Earlier | None,  # noqa: ARG002 - for fusions that look at it
        with_loss: bool = False,
    ) -> Fused:
        """Encode windows as `encode` does, with the steps before them; None for a batch without any."""
        return self.encode(encoder, ids, mask, features, with_loss)

    def run(
        self,
        encoder: Any,
        ids: Tensor,
        mask: Tensor,
        features: Features,
        with_loss: bool = False,  # noqa: ARG002 - for fusions with terms of their own
    ) -> Fused:
        """Run the encoder, with the prefixes that the fusion makes, if any."""
        prefixes = self.prefixes(features) if bool(features.present.any()) else None
        extra = {} if prefixes is None else {"mie_prefix": prefixes}
        hidden = encoder(input_ids=ids, attention_mask=mask.long(), **extra).last_hidden_state  # [B, L, H]
        return Fused(hidden, None if prefixes is None else prefixes.loss)

    def prefixes(self, features: Features) -> Prefixes | None:  # noqa: ARG002 - for fusions within the layers
        """Return keys and values for each layer; None for a fusion after the encoder. Some column is present."""
        return None

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor,  # noqa: ARG002 - for fusions after the encoder
        features: Features,  # noqa: ARG002
        with_loss: bool = False,  # noqa: ARG002
    ) -> Fused:
        """Return the states [B, L, W] of the states of all pieces [B, L, H], mask [B, L] bool."""
        return Fused(tokens)

    def _vary(self, features: Features) -> Features:
        """Return features as training shows them: some pictures left out or exchanged, some components dropped.

        Without such shares no random number is drawn.
        """
        if self.absent_share or self.wrong_share:
            features = exchange_pictures(features, self.absent_share, self.wrong_share)
        if not self.feature_dropout.p:
            return features
        # With other components dropped, two samples of one picture look different: who has whose is told before.
        return features._replace(values=self.feature_dropout(features.values), picture=number_pictures(features))

    def _read(self, features: Features | None, ids: Tensor) -> Features:
        """Return features whose absent columns hold zeros: what stood there, nan perhaps, must not reach a product.

        Scaled, each vector has a mean square of 1. Stores keep unit vectors, of which a linear layer that starts as
        usual sees next to nothing: with 1,280 components, 0.03 of what it sees in states of that mean square.
        """
        if features is None:
            values = torch.zeros(len(ids), 0, self.feature_dim, device=ids.device)
            view = torch.zeros(0, dtype=torch.long, device=ids.device)
            return Features(values, torch.zeros(len(ids), 0, dtype=torch.bool, device=ids.device), None, view, None)
        size = features.values.shape[-1]
        if size != self.feature_dim:
            raise UsageError(
                f"the features have {size} components, the fusion {self.kind} was made for {self.feature_dim}",
                remedy=f"set model.fusion.feature_dim={size}, or give the features that it was made for",
            )
        values = features.values.float().masked_fill(~features.present[:, :, None], 0.0)
        if self.is_scaled:
            values = values / values.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)
        score = features.score
        if score is not None:  # a column of which nobody says how sure it is counts whole
            score = score.float().nan_to_num(nan=1.0).masked_fill(~features.present, 0.0)
        return features._replace(values=values, score=score)
