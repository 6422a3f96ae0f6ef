"""Queries that weigh regions, by hand."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny_fusion import HIDDEN, SIZE, make_features, without
from trainer.model.fusion.fuse import EncoderShape
from trainer.model.fusion.prompts import QueriesFusion, divergence
from trainer.model.fusion.settings import QueriesSettings


def make() -> QueriesFusion:
    torch.manual_seed(5)
    return QueriesFusion(EncoderShape(HIDDEN, 2, 4), QueriesSettings(feature_dim=SIZE, scaled=False, queries=3)).eval()


def test_the_states_are_those_of_loops_over_tokens_queries_and_regions() -> None:
    fusion, features = make(), without(make_features(samples=1), (0, 2))
    features = fusion._read(features, tokens := torch.randn(1, 5, HIDDEN))  # zeros in the absent column
    found = fusion(tokens, torch.ones(1, 5, dtype=torch.bool), features).states
    regions = [fusion.project(features.values[0, k]) for k in range(4) if features.present[0, k]]
    seen = []
    for query in fusion.queries:
        scores = torch.stack([query @ fusion.match.weight @ region for region in regions])
        seen.append(sum(share * region for share, region in zip(scores.softmax(0), regions, strict=True)))
    for i, token in enumerate(tokens[0]):
        fits = torch.stack([token @ query for query in fusion.queries]).softmax(0)
        value = sum(share * row for share, row in zip(fits, seen, strict=True))
        gate = torch.sigmoid(fusion.gate.first(token) + fusion.gate.second(value))
        assert torch.allclose(found[0, i], token + gate * value, atol=1e-5)


def test_weights_are_of_the_regions_that_are_there_and_learn_from_their_scores() -> None:
    fusion, features = make(), without(make_features(), (0, 2))
    features = features._replace(score=torch.tensor([[1.0, 1.0, 9.0, 2.0]]).repeat(3, 1))
    weights = fusion.region_weights(fusion.project(features.values), features.present)
    assert torch.allclose(weights.sum(-1), torch.ones(3, 3)) and (weights[0, :, 2] == 0).all()
    loss = fusion(torch.randn(3, 2, HIDDEN), torch.ones(3, 2, dtype=torch.bool), features, with_loss=True).loss
    shares, mean = torch.tensor([0.25, 0.25, 0.5]), weights[0].mean(0)[[0, 1, 3]]
    assert loss is not None
    assert loss[0].item() == pytest.approx(0.1 * (shares * (shares / mean).log()).sum().item(), abs=1e-6)
    assert divergence(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.25, 0.75]])).item() == pytest.approx(0, abs=1e-7)
