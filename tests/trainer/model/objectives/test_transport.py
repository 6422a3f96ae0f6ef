"""Optimal transport by hand, against exhaustive search, and as an objective of real batches."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
import torch

from schemas.dataset import read_samples
from schemas.errors import UsageError
from tests.support.feature_store import write_features
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet, collate
from trainer.model import make_expert
from trainer.model.objectives.objective import Views
from trainer.model.objectives.transport import (
    TransportObjective,
    cosine_cost,
    graph_distance,
    graph_plan,
    thresholded,
    transport_plan,
)
from trainer.training import encode_split, fit, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


def whole(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones(1, rows, dtype=torch.bool), torch.ones(1, columns, dtype=torch.bool)


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


def config_of(tmp_path: Path, size: int = 4) -> RunConfig:
    """Return settings of an expert with the objective, on tweets of which every second one has a picture of regions."""
    tweets = write_tweets(tmp_path / "tweets", train=6, dev=4, test=4)
    rows = [row for split in ("train", "dev", "test") for row in read_samples(tweets, split)]
    images = sorted({row.image for row in rows if row.image})
    vectors = {image: [[float(i), 1.0, 0.5, -1.0], [1.0, float(-i), 2.0, 0.0]] for i, image in enumerate(images)}
    write_features(tmp_path / "store", rows, {"regions": vectors}, 4)
    settings = [
        f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tweets}", "encoder.max_length_pieces=64",
        f"data.features={tmp_path / 'store'}", "model.objectives.0.kind=transport",
        f"model.objectives.0.feature_dim={size}", "training.epochs=1", "training.batch_samples=2",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def test_it_is_learned_from_pictures_and_a_sample_without_one_costs_nothing(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    data = read_split(config, "train")
    torch.manual_seed(1)
    expert = make_expert(config.encoder, config.model, LabelSet.of(data.dataset, data.samples)).eval()
    batch = collate(encode_split(expert, config, data).rows, expert.padding)
    assert batch.features is not None
    batch.features.values[~batch.features.present] = torch.nan  # nobody may read what stands there
    (objective,) = expert.objectives
    values = objective(Views(expert.head, expert.view(batch), None), batch)
    has_picture = torch.tensor([sample.image is not None for sample in data.samples])
    assert (values[has_picture] > 0).all() and (values[~has_picture] == 0).all()
    values.sum().backward()
    assert isinstance(objective, TransportObjective)
    for weight in (objective.project.weight, next(expert.encoder.parameters())):
        assert weight.grad is not None and torch.isfinite(weight.grad).all() and (weight.grad != 0).any()


def test_a_run_without_pictures_and_features_of_another_size_are_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(UsageError, match="compares words with regions, and this run reads no pictures"):
        fit(override(config, ["data.features=[]"]), tmp_path / "a")
    with pytest.raises(UsageError, match=r"model.objectives.0.feature_dim is 5, but the features have 4"):
        fit(override(config, ["model.objectives.0.feature_dim=5"]), tmp_path / "b")
