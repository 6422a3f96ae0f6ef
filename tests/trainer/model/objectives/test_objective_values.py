"""Objectives as formulas: hand numbers, fixed points, enumerations, and what no gradient may reach."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from trainer.model.heads import LinearChain
from trainer.model.objectives.bottleneck import code_bits
from trainer.model.objectives.contrast import matching_loss
from trainer.model.objectives.distil import trust_loss
from trainer.model.objectives.shapley import exact_values, sampled_values, shapley_loss
from trainer.model.objectives.two_view import posterior_divergence, tempered

ON = torch.tensor([[True]])


def rows(*values: float) -> Tensor:
    return torch.tensor([[values]]).log()


def test_trust_is_cross_entropy_where_the_teacher_is_sure_and_divergence_where_it_denies_the_label() -> None:
    teacher, student, label = rows(0.7, 0.2, 0.1), rows(0.5, 0.3, 0.2), torch.tensor([[0]])
    assert trust_loss(teacher, student, label, ON).item() == pytest.approx(0.510740, abs=1e-6)
    sure = rows(1 - 2e-9, 1e-9, 1e-9)
    assert trust_loss(sure, student, label, ON).item() == pytest.approx(math.log(2), abs=1e-6)
    other = rows(1e-9, 0.6, 0.4)
    divergence = 0.6 * math.log(0.6 / 0.3) + 0.4 * math.log(0.4 / 0.2)
    assert trust_loss(other, student, label, ON).item() == pytest.approx(divergence, abs=1e-6)


def test_a_student_that_is_its_teacher_pays_for_the_label_alone() -> None:
    teacher = rows(0.7, 0.2, 0.1)
    assert trust_loss(teacher, teacher, torch.tensor([[0]]), ON).item() == pytest.approx(-0.7 * math.log(0.7), abs=1e-6)


def test_a_label_that_the_teacher_denies_moves_no_student_and_no_gradient_reaches_a_teacher() -> None:
    logits = torch.tensor([[[0.3, 0.1, -0.2]]], requires_grad=True)
    teacher = torch.tensor([[[-60.0, math.log(0.5), math.log(0.5)]]], requires_grad=True)
    trust_loss(teacher, logits.log_softmax(-1), torch.tensor([[0]]), ON).sum().backward()  # type: ignore[no-untyped-call]
    assert teacher.grad is None and logits.grad is not None
    expected = logits.detach().softmax(-1) - teacher.detach().exp()  # of the divergence alone
    assert torch.allclose(logits.grad, expected, atol=1e-6)


def test_a_state_beyond_the_mask_adds_nothing() -> None:
    teacher, student = rows(0.7, 0.3).expand(1, 3, 2), rows(0.5, 0.5).expand(1, 3, 2)
    labels, mask = torch.zeros(1, 3, dtype=torch.long), torch.tensor([[True, True, False]])
    one = trust_loss(teacher[:, :1], student[:, :1], labels[:, :1], ON)
    assert torch.allclose(trust_loss(teacher, student, labels, mask), 2 * one)


def sequences(chain: LinearChain, logits: Tensor) -> tuple[list[tuple[int, ...]], Tensor]:
    """All tag sequences, and their probabilities, one by one."""
    crf, tokens, tags = chain.crf, *logits.shape
    paths = list(itertools.product(range(tags), repeat=tokens))
    scores = [
        crf.start_transitions[path[0]]
        + sum(logits[i, tag] for i, tag in enumerate(path))
        + sum(crf.transitions[a, b] for a, b in itertools.pairwise(path))
        + crf.end_transitions[path[-1]]
        for path in paths
    ]
    return paths, torch.stack(scores).softmax(0)


def marginals(chain: LinearChain, logits: Tensor) -> Tensor:
    paths, probabilities = sequences(chain, logits)
    found = torch.zeros_like(logits)
    for path, probability in zip(paths, probabilities, strict=True):
        for i, tag in enumerate(path):
            found[i, tag] += probability
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.3, 2.0])
def test_a_divergence_of_divided_posteriors_equals_its_enumeration(temperature: float) -> None:
    torch.manual_seed(3)
    chain, mask = LinearChain(2), torch.ones(1, 3, dtype=torch.bool)
    teacher, student = torch.randn(2, 1, 3, 2)
    found = posterior_divergence(
        *(tempered(chain.log_marginals(view, mask), temperature, mask) for view in (teacher, student))
    )
    by_hand = 0.0
    for t, s in zip(marginals(chain, teacher[0]), marginals(chain, student[0]), strict=True):
        t, s = (row ** (1 / temperature) / (row ** (1 / temperature)).sum() for row in (t, s))
        by_hand += (t * (t / s).log()).sum().item()
    assert found.item() == pytest.approx(by_hand, abs=1e-5)
    if temperature == 1.0:
        plain = posterior_divergence(chain.log_marginals(teacher, mask), chain.log_marginals(student, mask))
        assert torch.allclose(found, plain)


def test_code_bits_are_none_at_the_prior_and_half_over_ln_2_one_off() -> None:
    assert code_bits(torch.zeros(4), torch.ones(4)).item() == 0
    assert code_bits(torch.ones(1), torch.ones(1)).item() == pytest.approx(0.721348, abs=1e-6)


def test_matching_is_log_2_without_knowledge_and_nothing_when_right() -> None:
    eye, there = torch.eye(3, dtype=torch.bool), torch.tensor([True, True, True])
    assert torch.allclose(matching_loss(torch.zeros(3, 3), there, eye), torch.full((3,), math.log(2)))
    assert torch.allclose(matching_loss(80 * (2 * torch.eye(3) - 1), there, eye), torch.zeros(3))
    lone = matching_loss(torch.zeros(2, 2), torch.tensor([True, False]), eye[:2, :2])
    assert lone.tolist() == pytest.approx([math.log(2), 0.0])  # there is nothing to swap in


SCORES = torch.tensor([[0.8, 0.2], [0.9, 0.1]])


def worth(scores: list[float], players: tuple[int, ...], temperature: float) -> float:
    if not players:
        return 0.0
    weights = [math.exp(scores[i] / temperature) for i in players]
    return sum(w * scores[i] for w, i in zip(weights, players, strict=True)) / sum(weights)


def by_orders(scores: list[float], temperature: float) -> list[float]:
    """The mean gain of each player over all orders, one by one."""
    orders = list(itertools.permutations(range(len(scores))))
    found = [0.0] * len(scores)
    for order in orders:
        for place, player in enumerate(order):
            gain = worth(scores, order[: place + 1], temperature) - worth(scores, order[:place], temperature)
            found[player] += gain / len(orders)
    return found


def test_shapley_values_of_two_and_of_three_players() -> None:
    two = exact_values(torch.tensor([[0.8, 0.2]]), 1.0)[0]
    assert two.tolist() == pytest.approx([0.593697, -0.006303], abs=1e-6)
    assert two.sum().item() == pytest.approx(0.587394, abs=1e-6)
    three = exact_values(torch.tensor([[0.9, 0.1, 0.1]]), 1.0)[0]
    assert three.tolist() == pytest.approx([0.624443, -0.051547, -0.051547], abs=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_values_over_sets_equal_those_over_orders_and_sum_to_the_worth_of_all(temperature: float) -> None:
    scores = torch.rand(3, 5, generator=torch.Generator().manual_seed(2)) * 2 - 1
    exact = exact_values(scores, temperature)
    for row, found in zip(scores.tolist(), exact, strict=True):
        assert found.tolist() == pytest.approx(by_orders(row, temperature), abs=1e-5)
        assert found.sum().item() == pytest.approx(worth(row, tuple(range(5)), temperature), abs=1e-5)


def test_equal_players_have_equal_values_and_a_batch_of_equals_has_no_loss() -> None:
    same = torch.full((4, 4), 0.3)
    values = exact_values(same, 0.1)
    assert torch.allclose(values, values[:, :1].expand(4, 4), atol=1e-7)
    assert torch.allclose(shapley_loss(values, torch.eye(4, dtype=torch.bool)), torch.zeros(4), atol=1e-7)


def test_sampled_values_are_unbiased_and_sum_to_the_worth_of_all() -> None:
    scores = torch.rand(1, 6, generator=torch.Generator().manual_seed(5)) * 2 - 1
    exact = exact_values(scores, 0.5)[0]
    tries = torch.stack([sampled_values(scores, 0.5, 8, torch.Generator().manual_seed(seed))[0] for seed in range(300)])
    error = tries.std(0) / len(tries) ** 0.5
    assert ((tries.mean(0) - exact).abs() <= 3 * error + 1e-6).all()
    assert torch.allclose(tries.sum(1), exact.sum().expand(300), atol=1e-5)


def test_sampled_values_do_not_hang_on_the_order_of_the_players() -> None:
    scores = torch.rand(2, 12, generator=torch.Generator().manual_seed(6))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(7))
    found, turned = (
        sampled_values(rows, 0.2, 16, torch.Generator().manual_seed(1)) for rows in (scores, scores[:, order])
    )
    assert torch.allclose(found[:, order], turned, atol=1e-6)


def test_the_loss_falls_when_the_own_pairs_come_closer() -> None:
    eye = torch.eye(4, dtype=torch.bool)
    losses = [shapley_loss(exact_values(scale * torch.eye(4), 0.5), eye).mean().item() for scale in (0.0, 0.3, 0.9)]
    assert losses[0] > losses[1] > losses[2]


def test_a_player_with_the_texts_own_context_is_none_of_the_others() -> None:
    values = torch.tensor([[0.5, 0.5, 0.1], [0.5, 0.5, 0.1], [0.0, 0.0, 0.9]])
    same = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    assert shapley_loss(values, same).tolist() == pytest.approx([-0.4, -0.4, -0.9])
