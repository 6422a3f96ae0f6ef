"""The reward gate: rewards by hand, exact gradients by enumeration, and rules that it must learn."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from trainer.mixture.gates import GateInput, cross_fit, fit_gate
from trainer.mixture.reward import choose, expected_reward, move_rewards, reward, reward_loss, routed_f1, set_f1

HAND = torch.tensor([
    [[1, 1, 1], [0, 1, 1]],
    [[0, 1, 2], [2, 2, 2]],
    [[1, 2, 1], [1, 1, 1]],
    [[0, 0, 1], [0, 1, 1]],
]).float()  # fmt: skip
"""Right, predicted and gold of 4 samples and 2 experts."""


def routes(*experts: int) -> Tensor:
    return nn.functional.one_hot(torch.tensor(experts), 2).float()


def test_the_reward_of_four_samples_by_hand() -> None:
    # samples 1 and 3 to the first expert: there 2 2 / (3 + 2), the second 2 1 / (2 + 2)
    # samples 2 and 4 to the second: there 2 2 / (3 + 3), the first 0
    found = reward(routes(0, 1, 0, 1), HAND).item()
    assert found == pytest.approx(((4 / 5 - 2 / 4) + (4 / 6 - 0)) / 2)
    # all to the first: it has 2 2 / (4 + 5), the second 2 3 / (5 + 5); no sample is left for the other route
    assert reward(routes(0, 0, 0, 0), HAND).item() == pytest.approx((4 / 9 - 6 / 10) / 2)


def test_moving_one_sample_is_rewarded_as_if_counted_anew() -> None:
    drawn = routes(0, 1, 1, 0)
    found = move_rewards(drawn, HAND)
    for sample, expert in itertools.product(range(4), range(2)):
        moved = drawn.clone()
        moved[sample] = nn.functional.one_hot(torch.tensor(expert), 2)
        assert found[sample, expert].item() == pytest.approx(reward(moved, HAND).item(), abs=1e-6)


def test_the_gradient_over_all_routes_is_the_mean_of_reward_and_score() -> None:
    scores = torch.tensor([0.3, -0.5, 0.1, 0.9], requires_grad=True)

    def policy() -> Tensor:
        return torch.stack([1 - scores.sigmoid(), scores.sigmoid()], dim=1)

    (exact,) = torch.autograd.grad(expected_reward(policy(), HAND), scores)
    by_hand = torch.zeros(4)
    for way in itertools.product(range(2), repeat=4):
        chosen = routes(*way)
        log_chance = (policy() * chosen).sum(1).log().sum()
        (score,) = torch.autograd.grad(log_chance, scores)
        by_hand += log_chance.exp().item() * reward(chosen, HAND).item() * score
    assert torch.allclose(exact, by_hand, atol=1e-6)


def test_the_drawn_gradient_is_the_exact_one_on_average() -> None:
    logits = torch.tensor([[0.0, 0.3], [0.5, 0.0], [0.0, 0.1], [0.9, 0.0]], requires_grad=True)
    (exact,) = torch.autograd.grad(-expected_reward(logits.softmax(1), HAND), logits)
    torch.manual_seed(1)
    tries = []
    for _ in range(400):
        (drawn,) = torch.autograd.grad(reward_loss(logits.log_softmax(1), HAND, draws=4), logits)
        tries.append(drawn)
    found = torch.stack(tries)
    assert ((found.mean(0) - exact).abs() <= 3 * found.std(0) / 20 + 1e-6).all()


def test_experts_that_are_equally_good_move_nothing() -> None:
    counts = HAND[:, :1].expand(-1, 2, -1)
    logits = torch.zeros(4, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(reward_loss(logits.log_softmax(1), counts), logits)
    assert torch.allclose(gradient, torch.zeros(4, 2), atol=1e-8)


def test_all_samples_on_one_route_score_as_its_expert_does() -> None:
    weights = torch.tensor([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5], [0.1, 0.9]])
    for share, expert in ((1.0, 1), (0.0, 0)):
        chosen = choose(weights, share)
        assert set(chosen.unique().tolist()) <= {0.0, 1.0}
        assert routed_f1(chosen, HAND) == pytest.approx(set_f1(HAND[:, expert].sum(0)).item())
    assert choose(weights, 0.7)[:, 1].tolist() == [1, 0, 0, 1]  # int(0.7 * 4) of them
    assert choose(weights)[:, 1].tolist() == [1, 0, 0, 1]


def planted(samples: int, seed: int) -> tuple[GateInput, Tensor]:
    """The first expert is right on a sample where its first feature is above 0, the second on the others."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(samples, 3, generator=generator)
    first = features[:, 0] > 0
    right = torch.stack([first, ~first], dim=1).float()
    counts = torch.stack([right, torch.ones_like(right), torch.ones_like(right)], dim=2)
    log_probs = torch.full((2, samples, 2), 0.5).log()
    return GateInput(log_probs, features, features[:, :1], torch.arange(samples), None, counts), first


def test_a_planted_rule_is_learned() -> None:
    data, _ = planted(300, 1)
    gate, _ = fit_gate("reward", data, 100)
    new, first = planted(300, 2)
    weights = gate.weights(new)
    assert set(weights.unique().tolist()) <= {0.0, 1.0}
    assert (weights[:, 0].bool() == first).float().mean() > 0.95
    half, _ = fit_gate("reward", data, 100, share=0.25)
    assert half.weights(new)[:, 1].sum() == 75


def test_the_held_out_loss_is_the_f1_that_is_lacking() -> None:
    data, first = planted(200, 3)
    steps, weights, loss = cross_fit("reward", data, folds=4)
    assert steps > 0 and loss < 0.1
    assert (weights[:, 0].bool() == first).float().mean() > 0.9
