"""Prefixes of HVPNeT's kind, in six families of encoders, against a loop over samples and heads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from schemas.errors import UsageError
from tests.support.tiny_fusion import (
    HEADS,
    HIDDEN,
    LAYERS,
    SIZE,
    make_features,
    make_windows,
    tiny_encoder,
)
from trainer.inputs import Features
from trainer.model.fusion.fuse import EncoderShape, Prefixes
from trainer.model.fusion.prefix import PrefixFusion
from trainer.model.fusion.prefix_attention import FAMILIES, attach_prefixes
from trainer.model.fusion.settings import PrefixSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


def make_fusion(**settings: Any) -> PrefixFusion:
    torch.manual_seed(5)
    return PrefixFusion(
        EncoderShape(HIDDEN, LAYERS, HEADS), PrefixSettings(feature_dim=SIZE, scaled=False, middle_dim=10, **settings)
    ).eval()


def attend_by_loop(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, prefixes: Prefixes, layer: int) -> Tensor:
    """Attention [B, T, h, d] one query at a time, over the keys that may be attended alone."""
    samples, heads, pieces, size = query.shape
    out = torch.zeros(samples, pieces, heads, size)
    for b in range(samples):
        there = [p for p in range(prefixes.present.shape[1]) if prefixes.present[b, p]]
        for h in range(heads):
            for t in range(pieces):
                seen = [j for j in range(pieces) if mask[b, t, j]]
                keys = [prefixes.keys[layer, b, h, p] for p in there] + [key[b, h, j] for j in seen]
                values = [prefixes.values[layer, b, h, p] for p in there] + [value[b, h, j] for j in seen]
                scores = torch.stack([query[b, h, t] @ row / math.sqrt(size) for row in keys])
                shares = (scores - scores.max()).exp()
                shares = shares / shares.sum()
                assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)
                out[b, t, h] = sum(share * row for share, row in zip(shares, values, strict=True))
    return out


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_with_prefixes_is_one_whose_layers_attend_by_a_plain_loop(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, fusion = tiny_encoder(family), make_fusion()
    fusion.attach(encoder)
    ids, mask = make_windows()
    features = make_features()
    present = torch.tensor([[True, True, False, True], [True, False, False, False], [True, True, True, True]])
    features = features._replace(present=present)
    with torch.no_grad():
        fused = fusion.encode(encoder, ids, mask, features).states
        prefixes = fusion.prefixes(features)
        calls: list[int] = []

        def plain(module: Any, query: Tensor, key: Tensor, value: Tensor, allowed: Any, **_: Any) -> Any:
            layer = len(calls)
            calls.append(layer)
            seen = mask[:, None, :].expand(-1, ids.shape[1], -1)
            if family == "modernbert" and getattr(module, "sliding_window", None):
                far = (torch.arange(ids.shape[1])[:, None] - torch.arange(ids.shape[1])[None]).abs()
                seen = seen & allowed[:, 0] if allowed is not None else seen & (far <= 2)
            return attend_by_loop(query, key, value, seen, prefixes, layer), None

        from transformers import AttentionInterface

        monkeypatch.setitem(AttentionInterface._global_mapping, "mie_prefix", plain)
        by_loop = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert calls == list(range(LAYERS))
    assert torch.allclose(fused[mask], by_loop[mask], atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_the_prefixes_and_are_the_same_with_checkpointing(family: str) -> None:
    encoder, fusion = tiny_encoder(family), make_fusion()
    fusion.attach(encoder)
    ids, mask = make_windows()
    gradients = []
    for is_checkpointed in (False, True):
        if is_checkpointed:
            encoder.activation_checkpointing_enable()
        encoder.train()
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        fusion.zero_grad()
        fusion.encode(encoder, ids, mask, make_features()).states.square().sum().backward()
        gradients.append([weight.grad.clone() for weight in fusion.parameters() if weight.grad is not None])
    assert len(gradients[0]) == len(list(fusion.parameters())) and all(bool(g.abs().sum() > 0) for g in gradients[0])
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet", "albert"])
def test_an_encoder_whose_layers_would_ignore_a_prefix_is_refused_by_name(family: str) -> None:
    with pytest.raises(UsageError, match=f"an encoder of the type {family} takes no prefixes"):
        attach_prefixes(tiny_encoder(family))


def test_layers_that_do_not_call_the_registered_function_are_found_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.model.fusion.prefix_attention.FAMILIES", ("mpnet",))
    with pytest.raises(UsageError, match="mpnet takes no prefixes"):
        attach_prefixes(tiny_encoder("mpnet"))


def test_an_attached_encoder_is_saved_as_a_plain_one(tmp_path: Path) -> None:
    from transformers import AutoModel

    encoder = tiny_encoder("bert")
    ids, mask = make_windows()
    with torch.no_grad():
        before = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        attach_prefixes(encoder)
        after = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        encoder.save_pretrained(tmp_path)
        alone = AutoModel.from_pretrained(tmp_path).eval()
        assert "mie" not in (tmp_path / "config.json").read_text() and alone.config._attn_implementation == "sdpa"
        again = alone(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert torch.equal(before, after) and torch.equal(before, again)


def test_the_gate_of_a_layer_is_the_softmax_over_the_mixes_by_hand() -> None:
    fusion = make_fusion(positions=2, mixes=3)
    features = make_features()
    features = features._replace(
        present=torch.tensor([[True] * 4, [True, False, True, True], [False, False, True, True]])
    )
    with torch.no_grad():
        prefixes = fusion.prefixes(features)
        for b in range(3):
            for picture in (0, 1):
                there = [k for k in (2 * picture, 2 * picture + 1) if features.present[b, k]]
                if not there:
                    continue
                rows = {k: fusion.project(features.values[b, k]).view(3, 2 * HIDDEN) for k in there}
                mean = sum(rows.values()) / len(there)
                for layer in range(LAYERS):
                    weight = fusion.gates.weight[layer * 3 : layer * 3 + 3]
                    bias = fusion.gates.bias[layer * 3 : layer * 3 + 3]
                    scores = torch.nn.functional.leaky_relu(weight @ mean.flatten() + bias)  # type: ignore[union-attr]
                    share = scores.exp() / scores.exp().sum()
                    for k, row in rows.items():
                        token = sum(share[i] * row[i] for i in range(3))
                        key, value = token[:HIDDEN], token[HIDDEN:]  # type: ignore[index]
                        assert torch.allclose(prefixes.keys[layer, b, :, k].flatten(), key, atol=1e-6)
                        assert torch.allclose(prefixes.values[layer, b, :, k].flatten(), value, atol=1e-6)


def test_the_gate_rows_sum_to_one_also_where_nothing_is_present() -> None:
    fusion = make_fusion(positions=2)
    features = make_features()
    mixes = fusion.project(features.values).view(3, 4, 4, -1)
    present = torch.tensor([[True] * 4, [True, False, False, True], [False] * 4])
    weights = fusion.weights(mixes, present)
    assert weights.shape == (LAYERS, 3, 4, 4)
    assert torch.allclose(weights.sum(-1), torch.ones(LAYERS, 3, 4), atol=1e-6) and bool(weights.isfinite().all())
    assert torch.equal(weights[:, :, 0], weights[:, :, 1])  # the positions of a picture share its gate
    assert not torch.allclose(weights[0], weights[1], atol=1e-4)  # each layer has its own


def test_each_head_sees_all_prefix_tokens() -> None:
    """The authors' reshaping without a transpose gives heads 0 to 2 the whole picture alone."""
    fusion = make_fusion()
    features = make_features()
    changed = features.values.clone()
    changed[:, 3] += 1
    with torch.no_grad():
        moved = fusion.prefixes(features).keys - fusion.prefixes(features._replace(values=changed)).keys
    by_head = moved.abs().amax(dim=(0, 1, 4))  # [h, P]
    assert bool((by_head[:, 3] > 0).all()) and not by_head[:, :3].any()


def test_pictures_of_several_positions_may_stand_in_any_order_but_their_columns_must_be_whole() -> None:
    fusion, encoder = make_fusion(positions=2), tiny_encoder("bert")
    fusion.attach(encoder)
    ids, mask = make_windows()
    features = make_features()
    swapped = features._replace(values=features.values[:, [2, 3, 0, 1]])
    torn = features._replace(values=features.values[:, [0, 2, 1, 3]])
    with torch.no_grad():
        states = [fusion.encode(encoder, ids, mask, row).states[mask] for row in (features, swapped, torn)]
    assert torch.allclose(states[0], states[1], atol=1e-6) and not torch.allclose(states[0], states[2], atol=1e-5)
    with pytest.raises(UsageError, match="3 columns of features are no whole number of pictures of 2 positions"):
        fusion.encode(encoder, ids, mask, make_features(columns=3))


def test_features_of_another_size_are_refused() -> None:
    fusion, encoder = make_fusion(), tiny_encoder("bert")
    with pytest.raises(UsageError, match="the features have 5 components, the fusion prefix was made for 12"):
        fusion.encode(encoder, *make_windows(), make_features(size=5))


def test_zeros_are_not_absence() -> None:
    """A key of zeros still takes its share of the attention: only the mask gives the output of the text alone."""
    fusion, encoder = make_fusion(), tiny_encoder("bert")
    fusion.attach(encoder)
    ids, mask = make_windows()
    features: Features = make_features()
    with torch.no_grad():
        for weight in fusion.project[2].parameters():  # type: ignore[union-attr]
            weight.zero_()
        alone = fusion.encode(encoder, ids, mask, None).states
        zeros = fusion.encode(encoder, ids, mask, features).states
    assert float((alone - zeros).abs().max()) > 1e-4
