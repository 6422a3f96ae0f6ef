"""RpBERT, MAF and UMT: their gates and terms, by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

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
)
from trainer.model.fusion.aligned import AlignedFusion
from trainer.model.fusion.appended import AppendedFusion
from trainer.model.fusion.fuse import EncoderShape
from trainer.model.fusion.prefix_attention import FAMILIES
from trainer.model.fusion.settings import AlignedSettings, AppendedSettings, TwoWaySettings
from trainer.model.fusion.two_way import TwoWayFusion

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
SHAPE = EncoderShape(HIDDEN, LAYERS, HEADS)
TOKENS = torch.randn(3, 9, HIDDEN, generator=torch.Generator().manual_seed(4))


def make(fusion: Any, settings: Any) -> Any:
    torch.manual_seed(5)
    return fusion(SHAPE, settings).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_appended_tokens_are_behind_the_text_in_two_passes_with_one_gate(family: str) -> None:
    encoder = tiny_encoder(family)
    size = encoder.get_input_embeddings().embedding_dim
    fusion = make(AppendedFusion, AppendedSettings(feature_dim=SIZE, scaled=False, embedding_dim=size))
    fusion.attach(encoder)
    ids, mask = make_windows()
    features = make_features()
    gates: list[torch.Tensor] = []
    run = fusion._run_appended
    fusion._run_appended = lambda *args: (gates.append(args[4]), run(*args))[1]
    with torch.no_grad():
        states = fusion.encode(encoder, ids, mask, features).states
        first = run(encoder, ids, mask, features, torch.ones(3))
        right = fusion.relation(first[:, 0]).softmax(-1)[:, 1]
        silent = run(encoder, ids, mask, features._replace(present=~features.present), torch.ones(3))
        alone = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert states.shape == (3, 9, HIDDEN) and torch.equal(gates[0], torch.ones(3))
    assert torch.allclose(gates[1], right) and bool(((right > 0) & (right < 1)).all())
    assert torch.allclose(silent[mask], alone[mask], atol=1e-6)  # the text keeps the positions that it has alone
    assert not torch.allclose(states[mask], alone[mask], atol=1e-4)


def test_appended_tokens_refuse_what_they_do_not_fit() -> None:
    fusion = make(AppendedFusion, AppendedSettings(feature_dim=SIZE, scaled=False))
    with pytest.raises(UsageError, match="an encoder of the type mpnet takes no appended tokens"):
        fusion.attach(tiny_encoder("mpnet"))
    with pytest.raises(UsageError, match="the embeddings of the encoder have 16 components, not 32"):
        fusion.attach(tiny_encoder("electra"))


def test_the_relation_of_text_and_picture_is_learned_from_pictures_of_the_batch() -> None:
    fusion, encoder = (
        make(AppendedFusion, AppendedSettings(feature_dim=SIZE, scaled=False, relation_weight=2.0)),
        tiny_encoder("bert"),
    )
    ids, mask = make_windows()
    features = all_absent(make_features(), 2)
    with torch.no_grad():
        loss = fusion.encode(encoder, ids, mask, features, with_loss=True).loss
        clean = features._replace(values=features.values.nan_to_num(0.0))
        scores = [
            fusion.relation(fusion._run_appended(encoder, ids, mask, row, torch.ones(3))[:, 0])
            for row in (clean, clean._replace(values=clean.values[[1, 0, 2]]))
        ]
        true, wrong = scores[0].log_softmax(-1)[:, 1], scores[1].log_softmax(-1)[:, 0]
    assert torch.allclose(loss[:2], -(true + wrong)[:2], atol=1e-6) and loss[2] == 0.0
    quiet = make(AppendedFusion, AppendedSettings(feature_dim=SIZE, scaled=False, relation_weight=0.0))
    assert quiet.encode(encoder, ids, mask, features, with_loss=True).loss is None


def test_matching_does_not_change_with_padding_and_weighs_what_is_seen() -> None:
    fusion = make(AlignedFusion, AlignedSettings(feature_dim=SIZE, scaled=False))
    _, mask = make_windows()
    features = make_features()
    with torch.no_grad():
        seen = fusion.cross(TOKENS, features.values, features.present)
        before = fusion.match_scores(TOKENS, seen, mask)
        noise = TOKENS.masked_fill(~mask[:, :, None], 7.0)
        assert torch.equal(fusion.match_scores(noise, seen, mask), before)
        states = fusion(TOKENS, mask, features).states
        for b in range(3):
            belongs = before[b].softmax(-1)[1]
            visual = belongs * seen[b]
            gate = torch.sigmoid(fusion.gate.first(TOKENS[b]) + fusion.gate.second(visual))
            assert torch.allclose(states[b], torch.cat([TOKENS[b], gate * visual], -1), atol=1e-6)


def test_a_sample_without_a_picture_has_no_visual_half_and_joins_no_term() -> None:
    fusion = make(AlignedFusion, AlignedSettings(feature_dim=SIZE, scaled=False))
    _, mask = make_windows()
    features = all_absent(make_features(), 1)
    features = features._replace(values=features.values.nan_to_num(0.0))
    with torch.no_grad():
        fused = fusion(TOKENS, mask, features, with_loss=True)
    assert torch.equal(fused.states[1], torch.cat([TOKENS[1], torch.zeros(9, HIDDEN)], -1))
    assert fused.loss[1] == 0.0 and bool((fused.loss[[0, 2]] > 0).all())
    assert fusion.head_share == pytest.approx(0.62)


def test_two_ways_without_a_picture_are_the_text_alone() -> None:
    fusion = make(TwoWayFusion, TwoWaySettings(feature_dim=SIZE, scaled=False))
    _, mask = make_windows()
    features = all_absent(make_features(), 1)
    features = features._replace(values=features.values.nan_to_num(0.0))
    with torch.no_grad():
        of_text, gated, spans = fusion(TOKENS, mask, features).states.chunk(3, dim=-1)
        text = fusion.for_types(TOKENS, TOKENS, mask)
        seen = fusion.see(text, fusion.project(features.values), features.present)
        gate = torch.sigmoid(fusion.gate(torch.cat([of_text, seen], -1)))
    assert torch.equal(of_text[1], text[1]) and not gated[1].any()
    assert not torch.allclose(of_text[0], text[0], atol=1e-3)
    assert torch.allclose(gated[0], (gate * seen)[0], atol=1e-6)
    assert torch.equal(spans, fusion.for_spans(TOKENS, TOKENS, mask))
