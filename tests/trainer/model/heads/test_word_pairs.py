"""Word pairs by hand: order of cells, distances, conditional norm, biaffine; and padding changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.model.heads.word_pairs import (
    Biaffine,
    ConcatScorer,
    ConditionalNorm,
    PairScorer,
    cell_order,
    distance_numbers,
    to_cells,
    to_grid,
)


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_the_cells_of_fewer_words_come_first_and_the_order_can_be_undone(length: int) -> None:
    rows, columns = cell_order(length)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [*np.ndindex(length, length)]
    for shorter in range(1, length + 1):
        assert all(torch.equal(long[: shorter**2], short) for long, short in zip(
            (rows, columns), cell_order(shorter), strict=True
        ))  # fmt: skip
    grid = torch.arange(length * length).view(length, length)
    assert torch.equal(to_grid(to_cells(grid[None])[0]), grid)


def test_distances_are_numbered_as_in_the_published_table() -> None:
    table = np.zeros(1000, dtype=np.int64)  # built as ljynlp/W2NER, data_loader.py, builds it
    table[1] = 1
    for power in range(1, 9):
        table[2**power :] = power + 1
    found = distance_numbers(600)
    for i, j in [(0, 0), (0, 1), (1, 0), (0, 3), (3, 0), (5, 9), (9, 5), (0, 255), (255, 0), (0, 256), (599, 0)]:
        expected = 19 if i == j else table[i - j] if i > j else table[j - i] + 9
        assert found[i, j] == expected, (i, j)


def test_the_conditional_norm_with_identity_weights_has_the_value_of_a_hand() -> None:
    norm = ConditionalNorm(2)
    words = torch.tensor([[[1.0, 3.0], [5.0, 1.0]]])
    # (1, 3) has mean 2 and deviation 1, (5, 1) mean 3 and deviation 2
    assert torch.allclose(norm(words, words)[0, 1], torch.tensor([[-1.0, 1.0], [1.0, -1.0]]))
    with torch.no_grad():
        norm.to_gain.weight.copy_(torch.eye(2))
        norm.to_bias.weight.copy_(torch.eye(2))
    found = norm(words, words)[0]
    # V_ij = norm(x_j) (1 + x_i) + x_i
    right = torch.tensor([[[-1.0, 7.0], [3.0, -1.0]], [[-1.0, 3.0], [11.0, -1.0]]])
    assert torch.allclose(found, right, atol=1e-5)


def test_the_biaffine_is_a_triple_loop() -> None:
    torch.manual_seed(3)
    layer, heads, tails = Biaffine(3, 4), torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    found = layer(heads, tails)
    for b, i, j in np.ndindex(2, 5, 5):
        x, y = torch.cat([heads[b, i], torch.ones(1)]), torch.cat([tails[b, j], torch.ones(1)])
        for k in range(4):
            assert torch.isclose(found[b, i, j, k], x @ layer.weight[k] @ y, atol=1e-5)


def test_the_concatenating_scorer_is_one_layer_on_the_concatenation() -> None:
    torch.manual_seed(4)
    scorer, words = ConcatScorer(3, 2, 0.0).eval(), torch.randn(1, 4, 3)
    found = scorer(words, torch.ones(1, 4, dtype=torch.bool))
    weight = torch.cat([scorer.row.weight, scorer.column.weight, scorer.distance.weight], dim=1)
    for i, j in np.ndindex(4, 4):
        joined = torch.cat([words[0, i], words[0, j], scorer.distances(distance_numbers(4)[i, j])])
        assert torch.allclose(found[0, i, j], weight @ joined + scorer.row.bias, atol=1e-5)


def test_a_score_does_not_depend_on_the_padding() -> None:
    torch.manual_seed(5)
    scorer = PairScorer(8, 6, 5, 7, 3, (0.0, 0.0)).eval()
    words = torch.randn(1, 9, 8)
    alone = scorer(words[:, :4], torch.ones(1, 4, dtype=torch.bool))
    padded = scorer(words, torch.tensor([[True] * 4 + [False] * 5]))
    assert torch.allclose(padded[:, :4, :4], alone, atol=1e-5)


def test_the_convolutions_see_three_cells_further_out_at_each_step() -> None:
    torch.manual_seed(6)
    scorer = PairScorer(8, 6, 5, 7, 3, (0.0, 0.0)).eval()
    words, mask = torch.randn(1, 20, 8), torch.ones(1, 20, dtype=torch.bool)
    changed = words.clone()
    changed[0, 19] = torch.randn(8)
    moved = (scorer._convolve(words, mask) - scorer._convolve(changed, mask))[0, 0].abs().amax(-1) > 1e-7
    # 1 + 2 + 3 cells on either side: the cells of row 0 up to column 12 cannot see the changed word 19
    assert not moved[:13].any() and moved[13:].all()
