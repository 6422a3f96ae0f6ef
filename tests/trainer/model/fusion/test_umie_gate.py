"""UMIE's gate: the published numbers, and what it does without a picture."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny_fusion import HEADS, HIDDEN, LAYERS, SIZE, all_absent, make_features, without
from trainer.config import load_config
from trainer.model.fusion.aligned import GatedFusion, visual_gate
from trainer.model.fusion.fuse import EncoderShape
from trainer.model.fusion.settings import GatedSettings


def test_the_gate_is_the_published_one() -> None:
    assert visual_gate(torch.tensor([0.3, -0.3]), 0.01).tolist() == pytest.approx([0.4946, -4.946e-5], rel=1e-4)


def test_a_sample_without_a_picture_keeps_its_states_and_missing_regions_are_masked() -> None:
    torch.manual_seed(1)
    fusion = GatedFusion(EncoderShape(HIDDEN, LAYERS, HEADS), GatedSettings(feature_dim=SIZE)).eval()
    tokens, mask = torch.randn(3, 5, HIDDEN), torch.ones(3, 5, dtype=torch.bool)
    clean = without(make_features(), (1, 2))
    features = clean._replace(values=clean.values.nan_to_num(0.0))
    with torch.no_grad():
        states = fusion(tokens, mask, features).states
        bare = all_absent(features, 0)
        assert torch.equal(fusion(tokens, mask, bare._replace(values=bare.values.nan_to_num())).states[0], tokens[0])
        other = features.values.clone()
        other[1, 2] = 5.0
        assert torch.allclose(fusion(tokens, mask, features._replace(values=other)).states, states, atol=1e-6)
    assert not torch.equal(states, tokens)


def test_a_gate_learns_where_text_and_picture_disagree_but_for_the_published_slope() -> None:
    def gradient(slope: float) -> float:
        cosine = torch.tensor(-0.3, requires_grad=True)
        visual_gate(cosine, slope).backward()
        return float(cosine.grad or 0.0)

    fusion = load_config("small-umie-photos", [], is_complete=False).model.fusion
    assert isinstance(fusion, GatedSettings)
    assert gradient(fusion.slope) == pytest.approx(1.6487, rel=1e-4)
    assert gradient(GatedSettings().slope) == pytest.approx(1.6487e-4, rel=1e-4)
