"""Cross attention with absent keys against a loop, and the contrast of pairs against values by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.support.tiny_fusion import all_absent, make_features
from trainer.model.fusion.contrast import info_nce, same_pictures, swap_pictures
from trainer.model.fusion.cross import Attention, CrossBlock, VectorGate, masked_mean

pytestmark = pytest.mark.usefixtures("one_thread")
PRESENT = torch.tensor([[True, True, False, True], [False, True, False, False], [False] * 4])


@pytest.fixture
def states() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(3, 5, 8), torch.randn(3, 4, 6)


def test_attention_is_a_plain_loop_over_samples_heads_and_queries(states: tuple[torch.Tensor, torch.Tensor]) -> None:
    queries, keys = states
    attention = Attention(8, 6, heads=2).eval()
    with torch.no_grad():
        out = attention(queries, keys, PRESENT)
        query, key, value = attention.query(queries), attention.key(keys), attention.value(keys)
        for b in range(3):
            there = [k for k in range(4) if PRESENT[b, k]]
            for t in range(5):
                heads = []
                for h in (slice(0, 4), slice(4, 8)):
                    if not there:
                        continue
                    scores = [math.exp(float(query[b, t, h] @ key[b, k, h]) / 2.0) for k in there]
                    heads.append(sum(s / sum(scores) * value[b, k, h] for s, k in zip(scores, there, strict=True)))
                right = attention.out(torch.cat(heads)) if there else torch.zeros(8)  # type: ignore[arg-type]
                assert torch.allclose(out[b, t], right, atol=1e-6)


def test_a_block_keeps_its_queries_where_nothing_is_present(states: tuple[torch.Tensor, torch.Tensor]) -> None:
    queries, keys = states
    block = CrossBlock(8, 6, heads=2).eval()
    with torch.no_grad():
        out = block(queries, keys, PRESENT)
        seen = block.norm(queries + block.attention(queries, keys, PRESENT))
        seen = block.norm_after(seen + block.feed(seen))
        nothing = block(queries, keys[:, :0], PRESENT[:, :0])
    assert torch.equal(out[2], queries[2]) and torch.equal(nothing, queries)
    assert torch.allclose(out[:2], seen[:2], atol=1e-6) and bool(out.isfinite().all())


def test_a_gate_is_the_sigmoid_of_two_maps() -> None:
    gate = VectorGate(2)
    with torch.no_grad():
        gate.first.weight.copy_(torch.eye(2))
        gate.first.bias.zero_()
        gate.second.weight.copy_(2 * torch.eye(2))
    got = gate(torch.tensor([1.0, 0.0]), torch.tensor([0.5, -0.5]))
    assert torch.allclose(got, torch.tensor([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))]))


def test_the_mean_leaves_absent_rows_out() -> None:
    rows = torch.tensor([[[1.0], [3.0], [torch.inf]]]).nan_to_num(posinf=50.0)
    assert masked_mean(rows, torch.tensor([[True, True, False]])).item() == 2.0
    assert masked_mean(rows, torch.zeros(1, 3, dtype=torch.bool)).item() == 0.0


def test_the_contrast_equals_values_by_hand() -> None:
    texts = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    pictures = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 5.0]])
    have, alone = torch.ones(3, dtype=torch.bool), torch.eye(3, dtype=torch.bool)
    loss = info_nce(texts, pictures, have, alone, temperature=0.5, text_share=0.7)
    r = math.sqrt(0.5)
    cosines = [[1, r, 0], [0, r, 1], [0.6, 1.4 * r, 0.8]]
    for i in range(3):
        of_text = -math.log(math.exp(cosines[i][i] / 0.5) / sum(math.exp(cosines[i][j] / 0.5) for j in range(3)))
        of_picture = -math.log(math.exp(cosines[i][i] / 0.5) / sum(math.exp(cosines[j][i] / 0.5) for j in range(3)))
        assert float(loss[i]) == pytest.approx(0.7 * of_text + 0.3 * of_picture, abs=1e-5)


def test_the_contrast_is_log_b_at_an_infinite_temperature_and_leaves_out_what_has_no_picture() -> None:
    torch.manual_seed(2)
    texts, pictures = torch.randn(4, 3), torch.randn(4, 3)
    alone = torch.eye(4, dtype=torch.bool)
    loss = info_nce(texts, pictures, torch.ones(4, dtype=torch.bool), alone, temperature=1e9)
    assert torch.allclose(loss, torch.full((4,), math.log(4)), atol=1e-5)
    three = torch.tensor([True, True, False, True])
    loss = info_nce(texts, pictures, three, alone, temperature=1e9)
    assert loss[2] == 0.0 and torch.allclose(loss[three], torch.full((3,), math.log(3)), atol=1e-5)
    same = alone.clone()
    same[0, 1] = same[1, 0] = True
    loss = info_nce(texts, pictures, torch.ones(4, dtype=torch.bool), same, temperature=1e9)
    assert torch.allclose(loss, torch.tensor([3.0, 3.0, 4.0, 4.0]).log(), atol=1e-5)


def test_a_swapped_picture_is_that_of_another_sample_and_never_the_same_one() -> None:
    features = make_features(samples=4)
    features.values[1] = features.values[0]  # samples 0 and 1 have one picture
    features = all_absent(features, 3)
    features = features._replace(values=features.values.nan_to_num(0.0))
    same = same_pictures(features)
    assert same.tolist() == [
        [True, True, False, False], [True, True, False, False],
        [False, False, True, False], [False, False, False, True],
    ]  # fmt: skip
    others, swapped = swap_pictures(features)
    assert swapped.tolist() == [True, True, True, False]
    for row, partner in enumerate((2, 2, 0, 3)):
        assert torch.equal(others.values[row], features.values[partner])
    lonely, swapped = swap_pictures(all_absent(features, 2)._replace(values=features.values))
    assert not swapped.any() and torch.equal(lonely.values, features.values)


def test_the_block_has_no_key_bias_which_no_gradient_could_reach() -> None:
    assert isinstance(Attention(4, 4).key, nn.Linear) and Attention(4, 4).key.bias is None
