"""MKGformer's side layers and VisualPT-MoE's sources, by hand and against loops."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from schemas.errors import UsageError
from tests.support.tiny_fusion import (
    HEADS,
    HIDDEN,
    LAYERS,
    SIZE,
    all_absent,
    make_features,
    make_windows,
    tiny_encoder,
    without,
)
from trainer.model.fusion.experts import ExpertsFusion, mix_sources
from trainer.model.fusion.fuse import EncoderShape
from trainer.model.fusion.prefix import to_heads
from trainer.model.fusion.settings import ExpertsSettings, SideSettings
from trainer.model.fusion.side import SideFusion, VisionLayer, similar_part

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
SHAPE = EncoderShape(HIDDEN, LAYERS, HEADS)


def make_side(family: str = "bert", weight: float = 0.3) -> tuple[SideFusion, Any]:
    encoder = tiny_encoder(family)
    torch.manual_seed(5)
    fusion = SideFusion(SHAPE, SideSettings(feature_dim=SIZE, scaled=False)).eval()
    fusion.attach(encoder)
    for part in fusion.into:
        nn.init.normal_(part.weight, std=weight)  # type: ignore[arg-type]
    return fusion, encoder


def make_experts(**settings: Any) -> ExpertsFusion:
    torch.manual_seed(5)
    block = ExpertsSettings(feature_dim=SIZE, scaled=False, middle_dim=10, **{"views": (0, 1), "tokens": 3, **settings})
    return ExpertsFusion(SHAPE, block).eval()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "electra", "distilbert"])
def test_the_picture_flows_into_the_last_layers_and_at_first_changes_nothing(family: str) -> None:
    fusion, encoder = make_side(family)
    assert fusion.first == 1 and len(fusion.layers) == 1  # the first layer has no layer before it
    ids, mask = make_windows()
    with torch.no_grad():
        alone = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        fused = fusion.encode(encoder, ids, mask, make_features()).states
        for part in fusion.into:
            part.weight.zero_()  # type: ignore[operator]
        silent = fusion.encode(encoder, ids, mask, make_features()).states
    assert torch.equal(silent, alone) and not torch.allclose(fused[mask], alone[mask], atol=1e-4)
    assert not any(module._forward_hooks for module in encoder.modules())
    new, _ = SideFusion(SHAPE, SideSettings(feature_dim=SIZE)), encoder
    new.attach(encoder)
    assert all(not part.weight.any() for part in new.into)  # type: ignore[operator]


def test_what_flows_in_is_a_plain_loop() -> None:
    fusion, encoder = make_side()
    ids, mask = make_windows()
    features = without(make_features(), (1, 2))
    features = features._replace(values=features.values.nan_to_num(0.0))
    seen: dict[str, torch.Tensor] = {}
    layer = encoder.encoder.layer[1]
    layer.intermediate.dense.register_forward_pre_hook(lambda _, inputs: seen.update(x=inputs[0]))
    layer.intermediate.intermediate_act_fn.register_forward_pre_hook(lambda _, inputs: seen.update(sum=inputs[0]))
    keep: list[Any] = []
    fusion.layers[0].register_forward_hook(lambda _, inputs, output: keep.extend([inputs, output]))
    with torch.no_grad():
        fusion.encode(encoder, ids, mask, features)
        (picture, present, keys, values, text), after = keep
        own = fusion.layers[0]
        assert isinstance(own, VisionLayer) and torch.equal(text, mask)
        for b in range(3):
            there = [k for k in range(4) if present[b, k]]
            pieces = int(mask[b].sum())
            normed = own.norm(picture[b])
            size = HIDDEN // HEADS
            for k in there:
                heads = []
                for h in range(HEADS):
                    part = slice(h * size, (h + 1) * size)
                    query = own.query(normed[k])[part]
                    all_keys = [keys[b, h, t] for t in range(pieces)] + [own.key(normed[j])[part] for j in there]
                    all_values = [values[b, h, t] for t in range(pieces)] + [own.value(normed[j])[part] for j in there]
                    scores = [math.exp(float(query @ key) / math.sqrt(size)) for key in all_keys]
                    heads.append(sum(s / sum(scores) * v for s, v in zip(scores, all_values, strict=True)))
                state = picture[b, k] + own.out(torch.cat(heads))  # type: ignore[arg-type]
                state = state + own.feed(own.norm_after(state))
                assert torch.allclose(after[b, k], state, atol=1e-5)
            for t in range(pieces):
                x = seen["x"][b, t]
                scores = [math.exp(float(x @ after[b, k])) for k in there]
                found = sum(s / sum(scores) * after[b, k] for s, k in zip(scores, there, strict=True))
                right = layer.intermediate.dense.weight @ x + layer.intermediate.dense.bias
                right = right + fusion.into[0].weight @ found  # type: ignore[operator]
                assert torch.allclose(seen["sum"][b, t], right, atol=1e-5)


def test_padding_of_the_text_does_not_change_the_states_of_the_picture() -> None:
    """In the authors' code it does: the text's part of the keys has no mask."""
    fusion, encoder = make_side()
    keep: list[torch.Tensor] = []
    fusion.layers[0].register_forward_hook(lambda _, inputs, output: keep.append(output))
    ids, mask = make_windows((6, 6))
    features = make_features(samples=2)
    with torch.no_grad():
        fusion.encode(encoder, ids, mask, features)
        wide = torch.cat([ids, torch.ones(2, 5, dtype=torch.long)], 1)
        fusion.encode(encoder, wide, torch.cat([mask, torch.zeros(2, 5, dtype=torch.bool)], 1), features)
    assert torch.allclose(keep[0], keep[1], atol=1e-6)


def test_what_a_token_finds_sums_to_one_and_is_finite_without_a_picture() -> None:
    tokens, picture = torch.randn(2, 3, 4), torch.ones(2, 5, 4)
    present = torch.tensor([[True, False, True, True, False], [False] * 5])
    found = similar_part(tokens, picture, present)
    assert torch.allclose(found[0], torch.ones(3, 4), atol=1e-6) and bool(found.isfinite().all())


def test_encoders_that_take_no_side_input_are_refused_by_name() -> None:
    fusion = SideFusion(SHAPE, SideSettings(feature_dim=SIZE))
    with pytest.raises(UsageError, match="the feed-forward networks of the type modernbert take no side input"):
        fusion.attach(tiny_encoder("modernbert"))
    encoder = tiny_encoder("bert")
    encoder.activation_checkpointing_enable()
    with pytest.raises(UsageError, match="needs layers that run once"):
        fusion.attach(encoder)
    with pytest.raises(UsageError, match="an encoder of one layer"):
        SideFusion(EncoderShape(HIDDEN, 1, HEADS), SideSettings(feature_dim=SIZE))


def test_the_gate_sums_to_one_over_the_sources_that_are_present() -> None:
    scores = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    present = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    weights = mix_sources(scores, present)
    assert torch.allclose(weights[:, :2].sum(-1), torch.ones(2, 2)) and not weights[:, 2].any()
    assert not weights[:, 1, 1].any()
    by_hand = scores[0, 1].exp() / (scores[0, 1, 0].exp() + scores[0, 1, 2].exp())
    assert torch.allclose(weights[0, 1, [0, 2]], by_hand[[0, 2]])


def test_one_source_is_a_plain_prefix() -> None:
    fusion = make_experts(views=(1,), has_free=False)
    features = make_features()
    with torch.no_grad():
        prefixes = fusion.prefixes(features)
        pairs = fusion.maps[0](features.values[:, 2:]).view(3, 2, LAYERS, 2, HIDDEN)
    assert prefixes.present.tolist() == [[True, True, False]] * 3
    for number, got in ((0, prefixes.keys), (1, prefixes.values)):
        right = to_heads(pairs[:, :, :, number].permute(2, 0, 1, 3), HEADS)
        assert torch.allclose(got[:, :, :, :2], right, atol=1e-6)


def test_sources_are_mixed_place_by_place_by_hand() -> None:
    fusion = make_experts()
    features = without(make_features(), (0, 1), (2, 0), (2, 1))
    features = features._replace(values=features.values.nan_to_num(0.0))
    assert fusion.free is not None
    with torch.no_grad():
        prefixes = fusion.prefixes(features)
        for b in range(3):
            rows = [
                [features.values[b, k] if features.present[b, k] else None for k in (0, 1)] + [None],
                [features.values[b, k] for k in (2, 3)] + [None],
                list(fusion.free),
            ]
            used = [e for e in range(3) if any(row is not None for row in rows[e])]
            pairs = torch.zeros(3, 3, LAYERS, 2, HIDDEN)
            for e, places in enumerate(rows):
                for place, row in enumerate(places):
                    if row is not None:
                        pairs[e, place] = fusion.maps[e](row).view(LAYERS, 2, HIDDEN)
            for layer in range(LAYERS):
                scores = fusion.gates[layer](pairs[:, :, layer].sum((0, 2)).flatten()).exp()
                shares = [float(scores[e] / scores[used].sum()) if e in used else 0.0 for e in range(3)]
                mixed = sum(share * pairs[e, :, layer] for e, share in enumerate(shares))
                got = prefixes.keys[layer, b].transpose(0, 1).flatten(1)
                assert torch.allclose(got, mixed[:, 0], atol=1e-6)  # type: ignore[index]
        assert prefixes.present.all()


def test_the_balance_is_least_where_all_sources_are_used_alike() -> None:
    fusion = make_experts(balance_weight=0.5, noise=0.0)
    features = make_features()
    with torch.no_grad():
        sharp = fusion.prefixes(features).loss
        for gate in fusion.gates:
            for weight in gate.parameters():
                weight.zero_()
        even = fusion.prefixes(features).loss
    assert even is not None and sharp is not None
    assert torch.allclose(even, torch.full((3,), 0.5 * LAYERS / 3)) and bool((sharp > even).all())
    assert fusion.head_share == 0.5


def test_learned_vectors_do_not_stand_for_an_absent_picture_and_noise_is_for_training_alone() -> None:
    fusion, encoder = make_experts(), tiny_encoder("bert")
    fusion.attach(encoder)
    ids, mask = make_windows()
    features = make_features()
    with torch.no_grad():
        alone = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        states = fusion.encode(encoder, ids, mask, all_absent(features, 1)).states
        first, second = (fusion.prefixes(features).keys for _ in range(2))
        assert torch.equal(states[1], alone[1]) and torch.equal(first, second)
        fusion.train()
        assert not torch.equal(fusion.prefixes(features).keys, first)


def test_a_source_with_more_columns_than_tokens_is_refused() -> None:
    with pytest.raises(UsageError, match="the view 1 has 4 columns, a prefix 3 tokens"):
        make_experts().prefixes(make_features(columns=6))
