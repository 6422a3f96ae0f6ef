"""Pictures that are left out or exchanged in training: whose they are, how many, and what the terms make of them."""

from __future__ import annotations

import math

import pytest
import torch

from tests.support.tiny_fusion import HEADS, HIDDEN, LAYERS, SIZE, make_features, tiny_encoder, without
from trainer.model.fusion import EncoderShape
from trainer.model.fusion.aligned import AlignedFusion
from trainer.model.fusion.contrast import belonging_loss, exchange_pictures, same_pictures, swap_pictures
from trainer.model.fusion.objects import ObjectsFusion
from trainer.model.fusion.settings import AlignedSettings, ObjectsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
SHAPE = EncoderShape(HIDDEN, LAYERS, HEADS)


def test_a_sample_keeps_its_picture_gets_that_of_another_or_none() -> None:
    torch.manual_seed(4)
    features = without(make_features(samples=40), (3, 1))
    given = features._replace(values=features.values.nan_to_num(0.0))
    found = exchange_pictures(given, absent_share=0.3, wrong_share=0.3)
    assert found.own is not None and found.score is not None and given.score is not None
    kinds = {"absent": 0, "wrong": 0, "own": 0}
    for row in range(40):
        if not found.present[row].any():
            assert bool(found.own[row]) and not found.values[row].any() and not found.score[row].any()
            kinds["absent"] += 1
            continue
        same = [other for other in range(40) if torch.equal(given.values[other], found.values[row])]
        assert len(same) == 1 and bool(found.own[row]) == (same[0] == row)
        assert torch.equal(found.present[row], given.present[same[0]])
        assert torch.equal(found.score[row], given.score[same[0]].masked_fill(~found.present[row], 0.0))
        kinds["own" if found.own[row] else "wrong"] += 1
    assert min(kinds.values()) >= 6, kinds


def test_the_shares_are_those_of_the_settings() -> None:
    torch.manual_seed(5)
    features = make_features(samples=16)
    found = [exchange_pictures(features, absent_share=0.2, wrong_share=0.3) for _ in range(400)]
    absent = sum(int((~row.present.any(1)).sum()) for row in found) / 6400
    wrong = sum(int((~row.own).sum()) for row in found if row.own is not None) / 6400
    assert abs(absent - 0.2) < 0.02 and abs(wrong - 0.3) < 0.02


def test_a_sample_without_another_picture_in_its_batch_keeps_its_own() -> None:
    torch.manual_seed(6)
    features = make_features(samples=1)
    found = exchange_pictures(features, absent_share=0.0, wrong_share=0.9)
    assert torch.equal(found.values, features.values) and found.own is not None and bool(found.own.all())


def test_only_training_changes_the_pictures_and_without_shares_it_draws_no_number() -> None:
    encoder, features = tiny_encoder("bert"), make_features()
    ids, mask = torch.randint(5, 40, (3, 6)), torch.ones(3, 6, dtype=torch.bool)
    varied = ObjectsFusion(
        SHAPE, ObjectsSettings(feature_dim=SIZE, dropout=0.0, absent_share=0.4, wrong_share=0.4, feature_dropout=0.5)
    )
    plain = ObjectsFusion(SHAPE, ObjectsSettings(feature_dim=SIZE, dropout=0.0))
    plain.load_state_dict(varied.state_dict())
    with torch.no_grad():
        expected = plain.eval().encode(encoder, ids, mask, features).states
        assert torch.equal(varied.eval().encode(encoder, ids, mask, features).states, expected)
        before = torch.get_rng_state()
        assert torch.equal(plain.train().encode(encoder, ids, mask, features).states, expected)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(1)
        assert not torch.equal(varied.train().encode(encoder, ids, mask, features).states, expected)


def test_samples_of_one_picture_are_known_as_such_when_other_components_are_dropped() -> None:
    torch.manual_seed(7)
    features = make_features(samples=4)
    features = features._replace(values=features.values[[0, 1, 0, 3]], present=features.present[[0, 1, 0, 3]])
    fusion = ObjectsFusion(SHAPE, ObjectsSettings(feature_dim=SIZE, feature_dropout=0.5)).train()
    varied = fusion._vary(features)
    assert not torch.equal(varied.values[0], varied.values[2])
    same = torch.eye(4, dtype=torch.bool)
    same[0, 2] = same[2, 0] = True
    assert torch.equal(same_pictures(varied), same)
    others, swapped = swap_pictures(varied)
    assert swapped.all() and others.picture is not None and varied.picture is not None
    assert (others.picture != varied.picture).all()


def test_an_exchanged_picture_is_a_wrong_one_for_the_term_and_is_not_swapped_again() -> None:
    features = make_features(samples=3)
    own = torch.tensor([True, False, True])
    features = without(features._replace(own=own), *((2, column) for column in range(4)))
    scores = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    swapped = torch.tensor([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    found = belonging_loss(scores, swapped, features, torch.tensor([True, True, False]))
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    expected = [0.5 * (right + math.log(1 + math.exp(-2))), 0.5 * wrong, 0.0]
    assert torch.allclose(found, torch.tensor(expected))
    everyone = belonging_loss(scores, swapped, features._replace(own=None), torch.tensor([True, True, False]))
    assert math.isclose(float(everyone[1]), expected[0], rel_tol=1e-6)


def test_the_contrast_leaves_out_a_text_with_a_wrong_picture() -> None:
    torch.manual_seed(2)
    fusion = AlignedFusion(SHAPE, AlignedSettings(feature_dim=SIZE, dropout=0.0))
    torch.nn.init.zeros_(fusion.match.weight)
    torch.nn.init.zeros_(fusion.match.bias)
    tokens, mask = torch.randn(3, 5, HIDDEN), torch.ones(3, 5, dtype=torch.bool)
    own = torch.tensor([True, False, True])
    with torch.no_grad():
        loss = fusion(tokens, mask, make_features()._replace(own=own), with_loss=True).loss
    assert loss is not None
    assert math.isclose(float(loss[1]), fusion.weight * 0.5 * math.log(2), rel_tol=1e-5)
    assert float(loss[0]) != float(loss[2])
