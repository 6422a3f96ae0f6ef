"""Attention with a prefix: an attention function, registered with transformers, that sees keys before the text's own.

    keys of a layer     prefix 1 ... P | text 1 ... T
    mask                present [B, P] | the encoder's own mask

The positions of the text stay what they are, and no cache is involved. A prefix travels to the layers as an argument of
the encoder's call; without that argument the function is scaled dot-product attention, unchanged.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from schemas.errors import UsageError
from trainer.model.fusion.fuse import Prefixes

__all__ = ["FAMILIES", "attach_prefixes"]

FAMILIES = ("bert", "roberta", "xlm-roberta", "electra", "distilbert", "modernbert")
"""Model types whose layers call the registered function and pass the encoder's further arguments on to it."""
_NAME = "mie_prefix"
_LAYER = "mie_layer"
"""The attribute of an attention module that holds its number, from 0."""


def attach_prefixes(encoder: Any) -> None:
    """Let an encoder take `mie_prefix` (a Prefixes) as an argument of its call, and `mie_record`.

    `mie_record` is a mapping into which each layer writes the keys and values of its text, by its number.

    The saved configuration does not carry the name of the function: a saved encoder loads alone.

    Raises:
        UsageError: the layers of this encoder do not call a registered function.

    Source: huggingface/transformers, AttentionInterface and AttentionMaskInterface. DeBERTa and MPNet take the name of
        a function and the argument, and ignore both: hence the run on one piece that counts the calls.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface

    family = str(encoder.config.model_type)
    if family not in FAMILIES:
        raise _refused(family)
    AttentionInterface.register(_NAME, _attend)
    # A name without a mask function would silently get no mask at all.
    AttentionMaskInterface.register(_NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    encoder.set_attn_implementation(_NAME)
    calls: list[Any] = []
    piece = torch.zeros(1, 1, dtype=torch.long, device=next(encoder.parameters()).device)
    was_training = encoder.training
    with torch.no_grad():
        encoder.eval()(input_ids=piece, attention_mask=torch.ones_like(piece), mie_calls=calls)
    encoder.train(was_training)
    if len({id(module) for module in calls}) != encoder.config.num_hidden_layers or len(calls) != len(set(calls)):
        raise _refused(family)
    for number, module in enumerate(calls):
        setattr(module, _LAYER, number)


def _refused(family: str) -> UsageError:
    return UsageError(
        f"an encoder of the type {family} takes no prefixes",
        remedy=f"set encoder.name to one of the types {', '.join(FAMILIES)}",
    )


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    mie_prefix: Prefixes | None = None,
    mie_calls: list[Any] | None = None,
    mie_record: dict[int, tuple[Tensor, Tensor]] | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend to the text [B, h, T, d], and to the prefix of this layer where there is one.

    A sample without any present prefix token is attended once more without the prefix: masked keys add exactly nothing,
    but sums over more keys may be rounded otherwise, and its output shall be that of its text to the bit.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if mie_calls is not None:
        mie_calls.append(module)
    if mie_record is not None:
        mie_record[getattr(module, _LAYER)] = key, value
    if mie_prefix is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)  # type: ignore[no-any-return]
    layer = getattr(module, _LAYER)
    keys = torch.cat([mie_prefix.keys[layer].to(key.dtype), key], dim=2)  # [B, h, P + T, d]
    values = torch.cat([mie_prefix.values[layer].to(value.dtype), value], dim=2)
    mask = _widen(attention_mask, mie_prefix.present, query, key)
    out, _ = sdpa_attention_forward(module, query, keys, values, mask, **options)  # [B, T, h, d]
    absent = (~mie_prefix.present.any(1)).nonzero()[:, 0]
    if len(absent):
        own = None if attention_mask is None else attention_mask.expand(len(query), -1, -1, -1)[absent]
        alone, _ = sdpa_attention_forward(module, query[absent], key[absent], value[absent], own, **options)
        out = out.index_copy(0, absent, alone.to(out.dtype))
    return out, None


def _widen(mask: Tensor | None, present: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """Return a mask over prefix and text [B, 1, T or 1, P + T] bool; None stands for a text without padding."""
    samples = len(query)
    if mask is None:
        mask = torch.ones(samples, 1, 1, key.shape[2], dtype=torch.bool, device=query.device)
    if mask.dtype != torch.bool:  # added to the scores: 0 where a key may be attended
        mask = mask == 0
    rows = mask.shape[2]
    prefix = present[:, None, None, :].expand(-1, 1, rows, -1)
    return torch.cat([prefix, mask.expand(samples, 1, rows, -1)], dim=-1)
