"""MKGformer's fusion: layers of the picture beside the last layers of the text, which feed its feed-forward networks.

text layer i - 1   keys, values ----------+
                                          v
text layer i       attention, x      vision layer i: keys = [text's of i - 1; own]
                      |                   |  V
                   FFN(x) = W2 act(W1 x + b1 + W3 softmax(x V^T) V)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Features
from trainer.model.fusion.fuse import EncoderShape, Fused, Fusion
from trainer.model.fusion.prefix_attention import attach_prefixes
from trainer.model.fusion.settings import SideSettings

__all__ = ["SideFusion", "VisionLayer", "similar_part"]

_PLACES = {"distilbert": ("transformer.layer", "ffn.lin1")}
_USUAL = ("encoder.layer", "intermediate.dense")
"""Where a family has its layers, and in a layer the first linear map of the feed-forward network."""
_UNFIT = ("modernbert",)
"""Its first map makes the gate too: nothing can be added before the activation alone."""


class SideFusion(Fusion):
    """The states of the text, into whose last layers the picture flows.

    W3 starts at 0: before the first step the picture changes nothing.

    Source: MKGformer (Chen et al., SIGIR 2022), MNER/models/modeling_unimo.py of its code.
    """

    kind = "side"

    def __init__(self, shape: EncoderShape, settings: SideSettings) -> None:
        super().__init__(shape, settings)
        if shape.layers < 2:
            raise UsageError(
                "an encoder of one layer has none before the last, whose keys the picture could read",
                remedy="set encoder.name to an encoder of two layers or more",
            )
        count = min(settings.layers, shape.layers - 1)
        self.first = shape.layers - count
        self.project = nn.Linear(settings.feature_dim, shape.hidden)
        self.layers = nn.ModuleList(VisionLayer(shape, settings.dropout) for _ in range(count))
        self.shape = shape
        self.into = nn.ModuleList()

    def attach(self, encoder: Any) -> None:
        """Prepare an encoder to show its keys, and take the size of its feed-forward networks.

        Raises:
            UsageError: its layers are of another form, or it computes them twice (gradient checkpointing).
        """
        attach_prefixes(encoder)
        family = str(encoder.config.model_type)
        if family in _UNFIT:
            raise UsageError(
                f"the feed-forward networks of the type {family} take no side input",
                remedy="set encoder.name to one of the types bert, roberta, xlm-roberta, electra or distilbert",
            )
        if getattr(encoder, "is_activation_checkpointing", False):
            raise UsageError(
                "the fusion side needs layers that run once", remedy="set encoder.gradient_checkpointing=false"
            )
        sizes = [linear.out_features for linear in self._linears(encoder)]
        self.into = nn.ModuleList(nn.Linear(self.shape.hidden, size, bias=False) for size in sizes)
        for linear in self.into:
            nn.init.zeros_(linear.weight)  # type: ignore[arg-type]

    def run(self, encoder: Any, ids: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:
        """Run the encoder with the picture's layers beside it; without any picture, as text alone."""
        if not bool(features.present.any()):
            return super().run(encoder, ids, mask, features, with_loss)
        picture = [self.project(features.values)]  # [B, K, H] after each of its layers
        record: dict[int, tuple[Tensor, Tensor]] = {}
        has = features.present.any(1)[:, None, None]

        def feed(number: int, inputs: Tensor, output: Tensor) -> Tensor:
            """Add the picture's part to the first map [B, L, F] of the feed-forward network of a layer."""
            keys, values = record[self.first + number - 1]
            picture.append(self.layers[number](picture[-1], features.present, keys, values, mask))
            part = self.into[number](similar_part(inputs, picture[-1], features.present))
            return torch.where(has, output + part.to(output.dtype), output)

        hooks = [
            linear.register_forward_hook(lambda _, inputs, output, number=number: feed(number, inputs[0], output))
            for number, linear in enumerate(self._linears(encoder))
        ]
        try:
            hidden = encoder(input_ids=ids, attention_mask=mask.long(), mie_record=record).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        return Fused(hidden)

    def _linears(self, encoder: Any) -> list[Any]:
        """Return the first maps of the feed-forward networks of the layers that the picture stands beside."""
        layers, linear = _PLACES.get(str(encoder.config.model_type), _USUAL)
        return [layer.get_submodule(linear) for layer in list(encoder.get_submodule(layers))[self.first :]]


class VisionLayer(nn.Module):
    """A layer of the picture: norm, attention to the text's keys and its own, norm, feed-forward network.

    Padding of the text is masked; in the authors' code it is not.
    """

    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        hidden = shape.hidden
        self.heads, self.dropout = shape.heads, nn.Dropout(dropout)
        self.norm, self.norm_after = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.query, self.key, self.value, self.out = (nn.Linear(hidden, hidden) for _ in range(4))
        self.feed = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))

    def forward(self, picture: Tensor, present: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Return the picture's states [B, K, H] after this layer.

        Args:
            picture: states before it [B, K, H].
            present: which of them are there [B, K] bool.
            keys: of the text, from the layer before [B, h, L, d].
            values: of the text, from the layer before [B, h, L, d].
            mask: of the text [B, L] bool.
        """
        normed = self.norm(picture)
        query, key, value = (
            torch.unflatten(part(normed), -1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        seen = nn.functional.scaled_dot_product_attention(
            query,
            torch.cat([keys.to(key.dtype), key], dim=2),
            torch.cat([values.to(value.dtype), value], dim=2),
            torch.cat([mask, present], dim=1)[:, None, None, :],
        )
        picture = picture + self.dropout(self.out(seen.transpose(1, 2).flatten(2)))
        return picture + self.dropout(self.feed(self.norm_after(picture)))  # type: ignore[no-any-return]


def similar_part(tokens: Tensor, picture: Tensor, present: Tensor) -> Tensor:
    """Return what each token finds in the picture: softmax(x V^T) V over what is present [B, L, H].

    >>> picture = torch.tensor([[[1.0, 0.0], [0.0, 9.0]]])
    >>> similar_part(torch.ones(1, 1, 2), picture, torch.tensor([[True, False]])).tolist()
    [[[1.0, 0.0]]]
    """
    scores = tokens @ picture.transpose(1, 2)  # [B, L, K]
    allowed = present | ~present.any(1, keepdim=True)  # a sample without a picture: any number, it is not used
    return scores.masked_fill(~allowed[:, None, :], -torch.inf).softmax(-1) @ picture
