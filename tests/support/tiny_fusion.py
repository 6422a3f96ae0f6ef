"""Tiny random encoders of several families, and made-up features, for tests of fusions."""

from __future__ import annotations

from typing import Any

import torch

from trainer.inputs import Features

HIDDEN, LAYERS, HEADS, SIZE = 32, 2, 4, 12
"""Sizes of the tiny encoders, and components of a feature."""
_SMALL = {
    "vocab_size": 40,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 48,
    "max_position_embeddings": 66,
    "pad_token_id": 1,
}


def tiny_encoder(family: str) -> Any:
    """Return a random two-layer encoder of a model type, ready to predict."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(3)
    small = {"attention_probs_dropout_prob": 0.0, **_SMALL}
    if family == "distilbert":
        small = {
            "vocab_size": 40, "dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": 48,
            "max_position_embeddings": 66, "pad_token_id": 1,
        }  # fmt: skip
    if family == "electra":
        small["embedding_size"] = 16
    if family == "modernbert":
        small = {
            **_SMALL,
            "local_attention": 4,
            "cls_token_id": 0,
            "sep_token_id": 2,
            "bos_token_id": 0,
            "eos_token_id": 2,
        }
    if family == "deberta-v2":
        small = {**_SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
    return AutoModel.from_config(AutoConfig.for_model(family, **small)).eval()


def make_windows(lengths: tuple[int, ...] = (9, 6, 7), seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pieces [B, L] and their mask, padded to the right with the padding piece 1."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 40, (len(lengths), max(lengths)), generator=draw)
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, 1), mask


def make_features(samples: int = 3, columns: int = 4, seed: int = 2, size: int = SIZE) -> Features:
    """Return random features, all present: the first two columns are of view 0, the others of view 1."""
    draw = torch.Generator().manual_seed(seed)
    values = torch.randn(samples, columns, size, generator=draw)
    view = torch.tensor([0, 0, *[1] * (columns - 2)])
    score = torch.rand(samples, columns, generator=draw)
    return Features(values, torch.ones(samples, columns, dtype=torch.bool), None, view, score)


def with_boxes(features: Features, seed: int = 4) -> Features:
    """Return features with a random box of at most 20 x 20 pixels for each column."""
    draw = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 10, (*features.present.shape, 2), generator=draw)
    sides = torch.randint(1, 10, (*features.present.shape, 2), generator=draw)
    return features._replace(boxes=torch.cat([corners, corners + sides], -1).float())


def without(features: Features, *absent: tuple[int, int]) -> Features:
    """Return features in which (sample, column) are absent; what stands there is not a number."""
    present, values = features.present.clone(), features.values.clone()
    for place in absent:
        present[place], values[place] = False, torch.nan
    return features._replace(present=present, values=values)


def all_absent(features: Features, *samples: int) -> Features:
    """Return features in which all columns of samples are absent; without samples, of all."""
    rows = samples or range(len(features.values))
    return without(features, *((row, column) for row in rows for column in range(features.values.shape[1])))
