"""The prototype head: distances and losses by hand, what an episode's loss reads, and what is remembered of it."""

from __future__ import annotations

import pytest
import torch

from tests.support.expert_view import view_of
from trainer.inputs import LabelSet
from trainer.model.heads.prototype import PrototypeHead, add_no_class, closeness
from trainer.model.heads.settings import PrototypeSettings

LABELS = LabelSet("re", ("None", "peer", "visits"))
SETTINGS = PrototypeSettings(ways=2, shots=1, queries=1, dropout=0.0)


def make_head(**settings: float) -> PrototypeHead:
    torch.manual_seed(2)
    return PrototypeHead(4, LABELS, PrototypeSettings(ways=2, shots=1, queries=1, dropout=0.0, **settings))


def test_the_hand_case_has_its_logits_and_losses() -> None:
    scores = add_no_class(closeness(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]])))
    assert scores.tolist() == [[-1.0, -18.0, -19.0]]
    losses = [torch.nn.functional.cross_entropy(scores.double(), torch.tensor([k])).item() for k in (0, 1)]
    assert losses == [pytest.approx(5.66e-8, rel=1e-3), pytest.approx(17.00000006, abs=1e-8)]
    assert closeness(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), "dot").tolist() == [[11.0]]


def test_the_loss_of_an_episode_is_the_mean_over_its_questions_among_its_own_relations() -> None:
    head = make_head().eval()
    states, targets = torch.randn(5, 2, 4), torch.tensor([[2], [2], [1], [1], [1]])
    loss = head.loss(view_of(head, states), targets)
    points = head.embed(states)
    scores = add_no_class(closeness(points[[1, 3, 4]], points[[2, 0]]))  # the relations of the batch in their order
    right = torch.nn.functional.cross_entropy(scores, torch.tensor([1, 0, 0]), reduction="none")
    assert loss[[0, 2]].tolist() == [0.0, 0.0]
    assert torch.allclose(loss[[1, 3, 4]], right * 5 / 3) and torch.allclose(loss.mean(), right.mean())


def test_a_prototype_is_the_mean_of_its_examples() -> None:
    head = PrototypeHead(4, LABELS, PrototypeSettings(ways=2, shots=2, queries=1, dropout=0.0)).eval()
    states, targets = torch.randn(6, 2, 4), torch.tensor([[0], [0], [0], [1], [1], [1]])
    points = head.embed(states)
    prototypes = torch.stack([points[:2].mean(0), points[3:5].mean(0)])
    right = torch.nn.functional.cross_entropy(
        add_no_class(closeness(points[[2, 5]], prototypes)), torch.tensor([0, 1]), reduction="none"
    )
    assert torch.allclose(head.loss(view_of(head, states), targets)[[2, 5]], right * 3)


def test_a_batch_without_questions_has_a_loss_of_nought_and_a_gradient() -> None:
    head = make_head()
    loss = head.loss(view_of(head, torch.randn(2, 2, 4)), torch.tensor([[0], [1]]))
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0] and head.norm.weight.grad is not None


def test_prediction_knows_the_relations_that_it_has_seen_and_follows_their_means() -> None:
    head = make_head(memory=0.75)
    states, targets = torch.randn(4, 2, 4), torch.tensor([[1], [1], [2], [2]])
    head.eval().loss(view_of(head, states), targets)
    assert not head.is_seen.any()
    head.train().loss(view_of(head, states), targets)
    first = head.embed(states).detach()
    assert head.is_seen.tolist() == [False, True, True]
    assert torch.allclose(head.prototypes[1], first[:2].mean(0)) and torch.allclose(
        head.prototypes[2], first[2:].mean(0)
    )
    others = torch.randn(2, 2, 4)
    head.loss(view_of(head, others), torch.tensor([[1], [1]]))
    mixed = 0.75 * first[:2].mean(0) + 0.25 * head.embed(others).detach().mean(0)
    assert torch.allclose(head.prototypes[1], mixed)
    head.eval()
    view = view_of(head, states)
    assert torch.allclose(view.logits[:, 0, 1:], closeness(first, head.prototypes[1:]), atol=1e-5)
    posterior = head.posterior(view).log_probs
    assert (posterior[:, 0, 0] < -100).all() and torch.allclose(posterior.exp().sum(-1), torch.ones(4, 1))
    assert 0 not in head.decode(view)
