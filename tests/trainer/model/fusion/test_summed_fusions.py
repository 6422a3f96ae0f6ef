"""FocalMRE, PromptMNER, MEGA, TMR and CAMIM: gates, scores and sums, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from schemas.errors import UsageError
from tests.support.tiny_fusion import HEADS, HIDDEN, LAYERS, SIZE, all_absent, make_features, make_windows, without
from trainer.inputs import Features
from trainer.model.fusion.contrast import info_nce, same_pictures
from trainer.model.fusion.framed import FramedFusion, mean_of_views
from trainer.model.fusion.fuse import EncoderShape
from trainer.model.fusion.objects import ObjectsFusion
from trainer.model.fusion.prompts import PromptsFusion, weigh_by_score
from trainer.model.fusion.scored import CaptionedFusion, ScoredFusion, weights_of
from trainer.model.fusion.settings import (
    CaptionedSettings,
    FramedSettings,
    ObjectsSettings,
    PromptsSettings,
    ScoredSettings,
)

pytestmark = pytest.mark.usefixtures("one_thread")
TOKENS = torch.randn(3, 9, HIDDEN, generator=torch.Generator().manual_seed(4))
_, MASK = make_windows()


def make(fusion: Any, settings: Any) -> Any:
    torch.manual_seed(5)
    return fusion(EncoderShape(HIDDEN, LAYERS, HEADS), settings).eval()


def read(features: Features) -> Features:
    """Return features as a fusion gets them: zeros in absent columns."""
    score = None if features.score is None else features.score * features.present
    return features._replace(values=features.values.nan_to_num(0.0), score=score)


def look(attention: Any, query: torch.Tensor, keys: list[torch.Tensor]) -> Any:
    """Attention of one head, of one query."""
    asked = attention.query(query)
    scores = [math.exp(float(asked @ attention.key(key)) / math.sqrt(HIDDEN)) for key in keys]
    return attention.out(sum(s / sum(scores) * attention.value(key) for s, key in zip(scores, keys, strict=True)))


def test_framed_pictures_by_hand() -> None:
    fusion = make(FramedFusion, FramedSettings(feature_dim=SIZE, frames=(1, 2), positions=2))
    nn.init.normal_(fusion.weights)
    features = read(without(make_features(columns=6), (0, 1), (1, 2), (1, 3)))
    with torch.no_grad():
        states = fusion(TOKENS, MASK, features).states
        assert states.shape == (3, 9, 2 * HIDDEN) and fusion.width == 2 * HIDDEN
        for b in range(3):
            frames = []
            for i in range(3):
                keys = [features.values[b, k] for k in (2 * i, 2 * i + 1) if features.present[b, k]]
                if not keys:
                    frames.append(None)
                    continue
                seen = look(fusion.attentions[i], TOKENS[b, 0], keys)
                gate = torch.sigmoid(fusion.gates[i](torch.cat([seen, TOKENS[b, 0]])))
                frames.append(gate * seen + (1 - gate) * TOKENS[b, 0])
            assert torch.allclose(states[b, 0, :HIDDEN], frames[0], atol=1e-5)
            weights = {i: math.exp(float(fusion.weights[i])) for i in (1, 2) if frames[i] is not None}
            mean = sum(weight / sum(weights.values()) * frames[i] for i, weight in weights.items())
            assert torch.allclose(states[b, 0, HIDDEN:], mean, atol=1e-5)


def test_a_closed_gate_and_absent_frames_leave_the_tokens() -> None:
    fusion = make(FramedFusion, FramedSettings(feature_dim=SIZE, frames=(4,)))
    features = make_features()
    with torch.no_grad():
        assert torch.equal(fusion(TOKENS, MASK, read(all_absent(features))).states, TOKENS)
        for gate in fusion.gates:
            gate.weight.zero_()
            gate.bias.fill_(-200.0)
        assert torch.allclose(fusion(TOKENS, MASK, features).states, TOKENS, atol=1e-6)
    with pytest.raises(UsageError, match="5 columns of features are more than 4"):
        fusion(TOKENS, MASK, make_features(columns=5))


def test_views_of_one_picture_with_equal_weights_are_as_one_and_an_absent_one_has_no_weight() -> None:
    view = torch.randn(3, 1, 9, HIDDEN)
    present = torch.tensor([[True] * 3, [True, False, True], [False] * 3])
    mean = mean_of_views(view.expand(-1, 3, -1, -1), present, torch.zeros(3), TOKENS)
    assert torch.allclose(mean[:2], view[:2, 0], atol=1e-6) and torch.equal(mean[2], TOKENS[2])
    wild = torch.cat([view, 1e6 * view, view], 1)
    assert torch.allclose(mean_of_views(wild, present, torch.zeros(3), TOKENS)[1], view[1, 0], atol=1e-6)


def test_scores_that_are_all_alike_leave_the_words_of_the_bank_as_they_are() -> None:
    features = read(without(make_features(), (1, 3)))
    even = features._replace(score=0.001 * features.present)
    assert torch.allclose(weigh_by_score(even), features.values, atol=1e-6)
    assert torch.equal(weigh_by_score(features._replace(score=None)), features.values)
    sharp = torch.tensor([[0.7, 0.1, 0.1, 0.1]] * 3) * features.present
    weighed = weigh_by_score(features._replace(score=sharp))
    assert torch.allclose(weighed[0, 0], 2.8 * features.values[0, 0], atol=1e-5)
    assert torch.allclose(weighed[1, 0], 0.7 / 0.3 * features.values[1, 0], atol=1e-5)
    assert bool(weigh_by_score(read(all_absent(features))).isfinite().all())


def test_a_token_looks_at_the_text_and_at_the_words_in_one_attention() -> None:
    fusion = make(PromptsFusion, PromptsSettings(feature_dim=SIZE, weighs_by_score=False))
    features = make_features()
    with torch.no_grad():
        states = fusion(TOKENS, MASK, features).states
        words = features.values @ fusion.project.weight.T
        keys = torch.cat([TOKENS + fusion.kinds[0], words + fusion.kinds[1]], 1)
        there = torch.cat([MASK, features.present], 1)
        for b in range(3):  # a sample with its own keys alone
            alone = fusion.cross(TOKENS[b : b + 1], keys[b : b + 1, there[b]], torch.ones(1, int(there[b].sum())) > 0)
            assert torch.allclose(states[b], alone[0], atol=1e-6)


def test_objects_look_at_the_text_and_are_summed_by_hand() -> None:
    fusion = make(ObjectsFusion, ObjectsSettings(feature_dim=SIZE))
    features = read(all_absent(without(make_features(), (0, 2)), 1))
    with torch.no_grad():
        states = fusion(TOKENS, MASK, features).states
        assert states.shape[-1] == fusion.width == 3 * HIDDEN and torch.equal(states[..., :HIDDEN], TOKENS)
        for b in range(3):
            text = [fusion.text(TOKENS[b, t]) for t in range(int(MASK[b].sum()))]
            summed = torch.zeros(2 * HIDDEN)
            for k in range(4):
                if not features.present[b, k]:
                    continue
                asked = fusion.query(fusion.project(features.values[b, k]))
                scores = [math.exp(float(asked @ fusion.key(row)) / math.sqrt(2 * HIDDEN)) for row in text]
                seen: Any = sum(s / sum(scores) * fusion.value(row) for s, row in zip(scores, text, strict=True))
                summed += fusion.join(torch.sigmoid(seen))
            assert torch.allclose(states[b, :, HIDDEN:], summed.expand(9, -1), atol=1e-5)
        assert not states[1, :, HIDDEN:].any()


def test_objects_that_are_read_stand_in_the_mean_beside_what_they_see() -> None:
    fusion = make(ObjectsFusion, ObjectsSettings(feature_dim=SIZE, reads_objects=True))
    features = read(all_absent(without(make_features(), (0, 2)), 1))
    with torch.no_grad():
        states = fusion(TOKENS, MASK, features).states
        seen = torch.sigmoid(fusion.attend(TOKENS, MASK, features.values))
        for b, there in ((0, (0, 1, 3)), (2, (0, 1, 2, 3))):
            parts = [fusion.join(seen[b, k] + fusion.project(features.values[b, k])) for k in there]
            mean = sum(parts, torch.zeros(2 * HIDDEN)) / len(there)
            assert torch.allclose(states[b, :, HIDDEN:], mean.expand(9, -1), atol=1e-5)
        assert not states[1, :, HIDDEN:].any()


@pytest.mark.parametrize("has_scores", [True, False])
def test_regions_are_weighed_by_their_scores_by_hand(has_scores: bool) -> None:
    fusion = make(ScoredFusion, ScoredSettings(feature_dim=SIZE))
    features = read(all_absent(without(make_features(), (0, 2)), 1))
    features = features if has_scores else features._replace(score=None)
    with torch.no_grad():
        states = fusion(TOKENS, MASK, features).states
        for b in (0, 2):
            summed = torch.zeros(HIDDEN)
            for k in range(4):
                if features.present[b, k]:
                    region = fusion.project(features.values[b, k])
                    seen = look(fusion.attention, region, [TOKENS[b, t] for t in range(int(MASK[b].sum()))])
                    weight = features.score[b, k] if features.score is not None else 1.0
                    summed += weight * (torch.tanh(seen) + region)
            right = torch.cat([TOKENS[b, 0], torch.tanh(fusion.last(summed))])
            assert torch.allclose(states[b, 0], right, atol=1e-5)
        assert not states[1, :, HIDDEN:].any()


def test_a_score_of_nought_switches_a_region_off() -> None:
    fusion = make(ScoredFusion, ScoredSettings(feature_dim=SIZE))
    features = make_features()
    assert features.score is not None
    features.score[:, 2] = 0.0
    changed = features._replace(values=features.values.clone())
    changed.values[:, 2] += 9.0
    with torch.no_grad():
        assert torch.equal(*(fusion(TOKENS, MASK, row).states for row in (features, changed)))


def test_regions_and_words_look_at_each_other_by_hand() -> None:
    fusion = make(CaptionedFusion, CaptionedSettings(feature_dim=SIZE, words_view=1))
    features = read(without(make_features(), (0, 3), (1, 0), (1, 1)))
    is_word = features.view == 1
    with torch.no_grad():
        columns = fusion.project(features.values)
        merged = fusion.look(columns, features.present & ~is_word, features.present & is_word, is_word)
        for b in range(3):
            words = [columns[b, k] for k in (2, 3) if features.present[b, k]]
            caption = fusion.with_caption(sum(words) / len(words))
            regions = [columns[b, k] + caption for k in (0, 1) if features.present[b, k]]
            zero = torch.zeros(HIDDEN)
            for k in range(4):
                if not features.present[b, k]:
                    continue
                own, cross = (2, 3) if k > 1 else (0, 1)
                row = columns[b, k] if k > 1 else columns[b, k] + caption
                same, other = (words, regions) if k > 1 else (regions, words)
                seen = look(fusion.attentions[own], row, same)
                seen = seen + (look(fusion.attentions[cross], row, other) if other else zero)
                right = nn.functional.elu(fusion.merge(fusion.norms[k // 2](seen)))
                assert torch.allclose(merged[b, k], right, atol=1e-5)


def test_the_mutual_information_is_of_samples_that_have_both() -> None:
    fusion = make(CaptionedFusion, CaptionedSettings(feature_dim=SIZE, words_view=1, weight=0.5))
    features = read(without(make_features(), (1, 2), (1, 3)))
    with torch.no_grad():
        loss = fusion(TOKENS, MASK, features, with_loss=True).loss
        is_word = features.view == 1
        columns = fusion.project(features.values)
        merged = fusion.look(columns, features.present & ~is_word, features.present & is_word, is_word)
        weights = weights_of(features)
        words, regions = (
            torch.tanh(fusion.last(fusion.sum_up(merged, weights * part, TOKENS, MASK))) for part in (is_word, ~is_word)
        )
        both = torch.tensor([True, False, True])
        right = 0.5 * info_nce(words, regions, both, same_pictures(features), 1.0)
    assert torch.allclose(loss, right, atol=1e-6) and loss[1] == 0.0 and float(loss[0]) > 0
