"""Overlaps, targets, places and edges of boxes, beside the published scorer, by hand and on real data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Box
from trainer.metrics import box_overlap
from trainer.model.grounding.edges import EdgeLayer, holding_boxes
from trainer.model.grounding.losses import one_question_loss, relation_loss, sigmoid_loss, softmax_loss
from trainer.model.grounding.overlaps import overlap_matrix, soft_targets
from trainer.model.grounding.places import edge_bits, encode_places, side_bits

SIDE = st.integers(0, 6)
BOX = st.tuples(SIDE, SIDE, st.integers(1, 6), st.integers(1, 6)).map(
    lambda row: Box(row[0], row[1], row[0] + row[2], row[1] + row[3])
)


@given(st.lists(BOX, min_size=1, max_size=3), st.lists(BOX, min_size=1, max_size=4))
def test_overlaps_and_targets_are_those_of_plain_python(gold: list[Box], candidates: list[Box]) -> None:
    found = overlap_matrix(torch.tensor(gold), torch.tensor(candidates))
    plain = [[box_overlap(a, b) for b in candidates] for a in gold]
    assert found.tolist() == plain
    covered = [row for row in plain if max(row) >= 0.5]
    kept = [max((row[k] for row in covered), default=0.0) for k in range(len(candidates))]
    kept = [value if value > 0.5 else 0.0 for value in kept]
    right = [value / sum(kept) if sum(kept) else 0.0 for value in kept]
    assert soft_targets(found, torch.ones(len(gold), dtype=torch.bool)).tolist() == pytest.approx(right)


def test_boxes_without_area_or_place_overlap_nothing() -> None:
    nan = float("nan")
    boxes = torch.tensor([[1.0, 1, 1, 5], [nan, nan, nan, nan], [4, 4, 2, 2], [0, 0, 9, 9]])
    assert overlap_matrix(boxes, boxes).tolist() == np.diag([0.0, 0, 0, 1]).tolist()
    assert soft_targets(torch.zeros(2, 0, 3), torch.zeros(2, 0, dtype=torch.bool)).tolist() == [[0.0] * 3] * 2
    assert encode_places(boxes[1], torch.tensor([9.0, 9])).tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("name", "gold", "best", "second"),
    [("111254", (17, 36, 507, 316), (3, 0.8777), 0.8388), ("153305", None, (2, 0.8799), None)],
)
def test_targets_on_real_regions_as_measured(
    shared_data: Path, name: str, gold: tuple[int, ...] | None, best: tuple[int, float], second: float | None
) -> None:
    regions = np.load(shared_data / "vinvl" / f"{name}.jpg.npz")
    boxes = torch.from_numpy(regions["bounding_boxes"][:18].astype(np.float64))
    if gold is None:
        from trainer.data.readers import read_boxes

        gold = tuple(read_boxes(shared_data / "gmner" / "xml.tar.gz")[name].boxes[0].box)
    overlaps = overlap_matrix(torch.tensor([gold], dtype=torch.float64), boxes)
    order = overlaps[0].argsort(descending=True)
    assert int(order[0]) == best[0] and round(float(overlaps[0, order[0]]), 4) == best[1]
    assert second is None or round(float(overlaps[0, order[1]]), 4) == second
    target = soft_targets(overlaps, torch.tensor([True]))
    assert int(target.argmax()) == best[0] and float(target.sum()) == pytest.approx(1.0)


def test_sides_of_the_fields_of_a_real_form(shared_data: Path) -> None:
    form = json.loads((shared_data / "forms" / "50-135_1.2.json").read_text())["form"]
    questions, answers = (
        torch.tensor([row["box"] for row in form if row["label"] == label], dtype=torch.float64)
        for label in ("QUESTION", "ANSWER")
    )
    bits = side_bits(questions[:, None], answers[None]).int()
    counts = {tuple(pair): 0 for pair in bits.flatten(0, 1).tolist()}
    for pair in bits.flatten(0, 1).tolist():
        counts[tuple(pair)] += 1
    assert (len(questions), len(answers)) == (23, 27)
    assert counts == {(0, 0): 385, (0, 1): 224, (1, 0): 12}


def test_edges_tell_one_region_from_two() -> None:
    boxes = torch.tensor([[0.0, 0, 20, 20], [1, 1, 3, 3], [2, 8, 4, 9], [30, 0, 40, 5]])
    around = holding_boxes(boxes[None], torch.ones(1, 4, dtype=torch.bool))[0]
    assert around.tolist() == [[0, 0, 20, 20]] * 3 + [[30, 0, 40, 5]]
    bits = edge_bits(boxes, around).int()
    assert bits[1, 2].tolist() == [1, 0, 1, 0, 0, 0, 0]
    assert bits[1, 3].tolist() == [0, 0, 0, 1, 0, 1, 0]
    assert torch.equal(bits, bits.transpose(0, 1))


def test_places_of_a_box() -> None:
    found = encode_places(torch.tensor([[0.0, 0, 50, 100], [25, 50, 75, 100]]), torch.tensor([100.0, 100]))
    assert found.tolist() == [[0.25, 0.5, 0.5, 1.0, 0.5], [0.5, 0.75, 0.5, 0.5, 0.25]]


def test_losses_by_hand() -> None:
    there, overlaps = torch.tensor([[True], [False]]), torch.tensor([[[0.2, 0.51, 0.8]], [[0.9, 0.0, 0.0]]])
    present = torch.tensor([[True, True, True], [True, True, False]])
    scores, none = torch.tensor([[1.0, 2.0, 3.0], [0.5, -0.5, 9.0]]), torch.tensor([0.0, 1.0])
    first = torch.tensor([1.0, 2, 3, 0]).double().log_softmax(0)
    target = torch.tensor([0.51, 0.8]).double() / 1.31
    right = (target * (target.log() - first[1:3])).sum()
    second = -torch.tensor([0.5, -0.5, 1.0]).log_softmax(0)[2]
    assert softmax_loss(scores, none, present, overlaps, there).tolist() == pytest.approx(
        [float(right), float(second)], abs=1e-6
    )
    each = [-torch.nn.functional.logsigmoid(torch.tensor(x)).item() for x in (-1.0, 2.0, 3.0, -0.5, 0.5)]
    found = sigmoid_loss(scores, present, overlaps, there).tolist()
    assert found == pytest.approx([sum(each[:3]), sum(each[3:])], abs=1e-6)
    relations = torch.zeros(2, 3, 3)  # two types and none, all alike
    losses = relation_loss(relations, torch.tensor([1, 0]), present, overlaps, there)
    assert losses.tolist() == pytest.approx([3 * np.log(3), 2 * np.log(3)], abs=1e-6)


def test_an_answer_has_one_question() -> None:
    probs = torch.tensor([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]).double().softmax(1)[:, 1:]
    found = one_question_loss(probs, torch.tensor([[True], [False], [False]])).item()
    assert found == pytest.approx(0.37627, abs=1e-5)
    assert one_question_loss(probs[:1], torch.tensor([[True]])) == 0


def test_the_edge_layer_does_not_mind_the_order_and_lonely_nodes_stay() -> None:
    torch.manual_seed(1)
    layer, nodes = EdgeLayer(8, 7, 2), torch.randn(1, 4, 8)
    edges, allowed = torch.randn(1, 4, 4, 7), ~torch.eye(4, dtype=torch.bool)[None]
    order = [2, 0, 3, 1]
    seen, carried = layer(nodes, edges, allowed)
    moved, moved_edges = layer(nodes[:, order], edges[:, order][:, :, order], allowed)
    assert torch.allclose(seen[:, order], moved, atol=1e-6)
    assert torch.allclose(carried[:, order][:, :, order], moved_edges, atol=1e-6)
    assert torch.equal(layer(nodes, edges, torch.zeros_like(allowed))[0], nodes)
