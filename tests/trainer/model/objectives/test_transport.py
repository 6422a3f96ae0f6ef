"""Optimal transport by hand, against exhaustive search, and as an objective of real batches."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from trainer.model.objectives.transport import cosine_cost, graph_distance, graph_plan, thresholded, transport_plan


def whole(*sizes: int) -> list[torch.Tensor]:
    return [torch.ones(1, size, dtype=torch.bool) for size in sizes]


def test_the_plan_of_a_small_cost_has_its_column_sums_and_its_distance() -> None:
    cost = torch.tensor([[[0.1, 0.9, 0.5], [0.7, 0.2, 0.3]]])
    plan = transport_plan(cost, *whole(2, 3))
    assert torch.allclose(plan.sum(1), torch.full((1, 3), 1 / 3), atol=1e-6)
    assert (plan * cost).sum().item() == pytest.approx(0.233479, abs=1e-6)


def test_two_nodes_that_fit_each_other_move_for_nothing() -> None:
    cost = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    plan = transport_plan(cost, *whole(2, 2))
    assert torch.allclose(plan[0], torch.eye(2) / 2, atol=1e-6)
    assert (plan * cost).sum().item() == pytest.approx(0, abs=1e-6)


def test_many_steps_find_the_best_assignment() -> None:
    torch.manual_seed(1)
    for _ in range(10):
        cost = torch.rand(1, 4, 4)
        best = min(sum(cost[0, i, j] for i, j in enumerate(order)) for order in permutations(range(4))) / 4
        plan = transport_plan(cost, *whole(4, 4), steps=2000)
        assert (plan * cost).sum().item() == pytest.approx(float(best), abs=1e-3)


def test_a_graph_lies_on_itself_and_on_its_turned_copy() -> None:
    graph = torch.tensor([[[0.0, 0.3, 0.9], [0.3, 0.0, 0.5], [0.9, 0.5, 0.0]]])
    order = [2, 0, 1]
    turned = graph[:, order][:, :, order]
    here = whole(3, 3)
    assert graph_distance(graph, graph, *here).item() == pytest.approx(0, abs=1e-6)
    assert graph_distance(graph, turned, *here).item() == pytest.approx(0, abs=1e-4)
    assert graph_plan(graph, turned, *here)[0].argmax(1).tolist() == [order.index(i) for i in range(3)]


def test_the_distance_of_graphs_is_the_quadruple_sum() -> None:
    torch.manual_seed(2)
    a, b = torch.rand(1, 3, 3), torch.rand(1, 2, 2)
    plan = graph_plan(a, b, *whole(3, 2))[0]
    total = sum(
        (a[0, i, k] - b[0, j, m]) ** 2 * plan[i, j] * plan[k, m]
        for i in range(3) for k in range(3) for j in range(2) for m in range(2)
    )  # fmt: skip
    # exact up to how nearly the rows have their weights
    assert graph_distance(a, b, *whole(3, 2)).item() == pytest.approx(float(total), abs=0.02)


def test_what_is_absent_changes_nothing() -> None:
    torch.manual_seed(3)
    cost, there = torch.rand(1, 3, 4), whole(3, 4)
    padded = torch.full((1, 5, 6), 7.0)
    padded[:, :3, :4] = cost
    is_row, is_column = torch.tensor([[True] * 3 + [False] * 2]), torch.tensor([[True] * 4 + [False] * 2])
    plan = transport_plan(padded, is_row, is_column)
    assert torch.allclose(plan[:, :3, :4], transport_plan(cost, *there), atol=1e-6)
    assert plan[:, 3:].sum() == 0 and plan[:, :, 4:].sum() == 0
    limits = thresholded(padded, is_row, is_column)
    assert torch.allclose(limits[:, :3, :4], thresholded(cost, *there)) and limits[:, 3:].sum() == 0


def test_the_cost_of_a_vector_of_zeros_is_one() -> None:
    assert cosine_cost(torch.zeros(1, 1, 3), torch.ones(1, 2, 3)).tolist() == [[[1.0, 1.0]]]
