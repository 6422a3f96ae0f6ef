"""The heads for fine types: flat and of two chains, by hand and beside two taggers that know nothing of each other."""

from __future__ import annotations

import math

import pytest
import torch

from schemas.dataset import Dataset
from schemas.entities import find_entities
from schemas.errors import InputError, UsageError
from schemas.records import Entity, Sample
from tests.support.expert_view import view_of
from trainer.inputs import LabelSet
from trainer.model.heads.fine import FineTaggingHead, HierarchicalHead, type_probabilities
from trainer.model.heads.fine_tags import FineTags, write_fine_tags
from trainer.model.heads.settings import FineSettings, HierarchicalSettings, TaggingSettings
from trainer.model.heads.tagging import TaggingHead

NAMES = ("O", "B-loc", "I-loc", "B-per", "I-per")
FINE, PARENTS = ("actor", "author", "city"), ("per", "per", "loc")
LABELS = LabelSet("ner", NAMES, FINE, (), PARENTS)
HIDDEN = 12


def test_each_fine_tag_has_the_tag_of_its_type_as_its_parent() -> None:
    tree = FineTags.of(LABELS)
    assert tree.names == ("O", "B-actor", "I-actor", "B-author", "I-author", "B-city", "I-city")
    assert [NAMES[parent] for parent in tree.parents] == ["O", "B-per", "I-per", "B-per", "I-per", "B-loc", "I-loc"]
    assert torch.equal(tree.children.sum(0), torch.ones(7)) and tree.children.sum(1).tolist() == [1, 1, 1, 2, 2]


def test_ends_and_single_tokens_have_fine_tags_too() -> None:
    names = ("O", "B-per", "I-per", "E-per", "S-per")
    tree = FineTags.of(LabelSet("ner", names, ("actor",), (), ("per",)))
    assert tree.names == ("O", "B-actor", "I-actor", "E-actor", "S-actor") and tree.parents == (0, 1, 2, 3, 4)
    sample = Sample(
        "a", ("Ann", "met", "Tom", "Hanks"), tags=("S-per", "O", "B-per", "E-per"),
        entities=(Entity(0, 1, "per", "actor"), Entity(2, 4, "per", "actor")),
    )  # fmt: skip
    assert write_fine_tags(sample, ["actor"]) == ("S-actor", "O", "B-actor", "E-actor")


def test_a_fine_type_with_two_parents_and_a_set_without_fine_types_are_refused() -> None:
    dataset = Dataset("a", "ner", ("loc", "per"), {}, (), {})
    rows = [
        Sample(kind, ("x",), tags=(f"B-{kind}",), entities=(Entity(0, 1, kind, "city"),)) for kind in ("loc", "per")
    ]
    assert LabelSet.of(dataset, rows[:1]).parents == ("loc",)
    with pytest.raises(InputError, match="'city' belongs to several types"):
        FineTags.of(LabelSet.of(dataset, rows))
    with pytest.raises(UsageError, match="no fine types"):
        FineTags.of(LabelSet("ner", NAMES))


def test_an_entity_without_a_fine_type_is_an_error_and_an_unknown_one_leaves_the_sample_without_targets() -> None:
    sample = Sample("a", ("x", "y"), entities=(Entity(0, 1, "per", "actor"), Entity(1, 2, "per")))
    with pytest.raises(InputError, match=r"\[1, 2\) has no fine type"):
        write_fine_tags(sample, ["actor"])
    assert write_fine_tags(Sample("b", ("x",), entities=(Entity(0, 1, "per", "singer"),)), ["actor"]) is None
    assert write_fine_tags(Sample("c", ("x",), tags=("O",)), ["actor"]) is None


def test_the_marginal_of_a_tag_is_the_sum_of_its_children() -> None:
    torch.manual_seed(3)
    head = FineTaggingHead(HIDDEN, LABELS, FineSettings()).eval()
    view = view_of(head, torch.randn(2, 4, HIDDEN), lengths=(4, 2))
    with torch.no_grad():
        fine = TaggingHead.posterior(head, view, with_pairs=True)
        found = head.posterior(view, with_pairs=True)
    assert fine.log_pairs is not None and found.log_pairs is not None
    right = torch.stack([fine.log_probs.exp()[..., torch.tensor(head.tree.parents) == k].sum(-1) for k in range(5)], -1)
    assert torch.allclose(found.log_probs.exp()[view.mask], right[view.mask], atol=1e-6)
    assert (found.log_probs[~view.mask] == 0).all() and (found.log_pairs[~view.mask] == 0).all()
    pairs = found.log_pairs.exp()[0]
    assert torch.allclose(pairs.sum((1, 2)), torch.ones(4), atol=1e-5)
    assert torch.allclose(pairs.sum(1), found.log_probs.exp()[0], atol=1e-5)


def test_a_type_without_children_in_training_has_a_finite_posterior() -> None:
    head = FineTaggingHead(HIDDEN, LabelSet("ner", NAMES, ("city",), (), ("loc",)), FineSettings()).eval()
    view = view_of(head, torch.randn(1, 3, HIDDEN))
    found = head.posterior(view, with_pairs=True)
    assert found.log_probs.isfinite().all() and found.log_pairs is not None and found.log_pairs.isfinite().all()
    assert (found.log_probs[..., 3:] < -25).all()


def test_the_decoded_tags_belong_to_the_decoded_fine_tags() -> None:
    torch.manual_seed(5)
    head = FineTaggingHead(HIDDEN, LABELS, FineSettings(constrained_decoding=True)).eval()
    view = view_of(head, torch.randn(3, 6, HIDDEN) * 3, lengths=(6, 5, 1))
    fine, tags = head.decode_fine(view), head.decode(view)
    parents = torch.tensor(head.tree.parents)[fine]
    assert torch.equal(parents[view.mask], tags[view.mask])
    assert not tags[~view.mask].any()


def copy_of(chain: TaggingHead, names: tuple[str, ...], weights: dict[str, torch.Tensor]) -> TaggingHead:
    chain = TaggingHead(HIDDEN, LabelSet("ner", names), TaggingSettings())
    chain.load_state_dict(weights)
    return chain.eval()


def test_with_beta_0_the_two_chains_are_two_taggers_that_know_nothing_of_each_other() -> None:
    torch.manual_seed(7)
    head = HierarchicalHead(HIDDEN, LABELS, HierarchicalSettings(share=0.0)).eval()
    weights = head.state_dict()
    fine = copy_of(head, head.tree.names, {k: v for k, v in weights.items() if k.split(".")[0] in ("linear", "chain")})
    coarse = copy_of(head.coarse, NAMES, {k[7:]: v for k, v in weights.items() if k.startswith("coarse.")})
    states, targets = torch.randn(2, 5, HIDDEN), torch.tensor([[0, 1, 2, 0, 5], [3, 4, 0, 0, 0]])
    view = view_of(head, states, lengths=(5, 3))
    assert torch.equal(view.logits, fine(states)) and torch.equal(head.decode_fine(view), fine.decode(view))
    parents = torch.tensor(head.tree.parents)[targets]
    apart = fine.loss(view, targets) + coarse.loss(view._replace(logits=coarse(states)), parents)
    assert torch.equal(head.loss(view, targets), apart)


def test_the_table_of_parents_shifts_exactly_the_children_of_a_type_by_beta() -> None:
    head = HierarchicalHead(HIDDEN, LABELS, HierarchicalSettings(share=0.25)).eval()
    states = torch.randn(1, 2, HIDDEN)
    with torch.no_grad():
        head.coarse.linear.weight.zero_()
        head.coarse.linear.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0]))  # one-hot: B-per
        shift = head(states) - head.linear(states)
    assert torch.allclose(shift, torch.tensor([0.0, 0.25, 0.0, 0.25, 0.0, 0.0, 0.0]).expand(1, 2, 7), atol=1e-6)


def test_every_weight_of_both_chains_gets_a_gradient() -> None:
    head = HierarchicalHead(HIDDEN, LABELS, HierarchicalSettings())
    view = view_of(head, torch.randn(1, 3, HIDDEN))
    head.loss(view, torch.tensor([[1, 2, 0]])).sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in head.parameters())


def test_equal_scores_of_two_types_have_an_entropy_of_ln_2() -> None:
    tree = FineTags.of(LabelSet("ner", NAMES, FINE[:2], (), PARENTS[:2]))
    found = type_probabilities(torch.zeros(3, 5), tree, 0, 2)
    assert found == {"actor": 0.5, "author": 0.5}
    assert math.isclose(-sum(p * math.log(p) for p in found.values()), math.log(2))
    sure = type_probabilities(torch.tensor([[0.0, 2.0, 1.0, 0.0, 0.0], [0.0, 4.0, 1.0, 0.0, 0.0]]), tree, 0, 2)
    assert math.isclose(sure["actor"], 1 / (1 + math.exp(-4)), rel_tol=1e-6) and list(sure) == ["actor", "author"]


def test_an_answer_has_fine_types_their_types_and_tags_that_hold_the_same_entities() -> None:
    head = FineTaggingHead(HIDDEN, LABELS, FineSettings()).eval()
    names = ("B-actor", "I-author", "O", "B-city", "I-city")
    logits = torch.nn.functional.one_hot(torch.tensor([head.tree.names.index(name) for name in names]), 7)[None] * 50.0
    view = view_of(head, torch.zeros(1, 5, HIDDEN))._replace(logits=logits)
    answer = head.answers(view, [Sample("a", ("t",) * 7)])[0]
    assert answer.entities == [
        Entity(0, 1, "per", "actor"), Entity(1, 2, "per", "author"), Entity(3, 5, "loc", "city"),
    ]  # fmt: skip
    assert answer.labels == ("B-per", "B-per", "O", "B-loc", "I-loc", "O", "O")
    assert [row[:3] for row in find_entities(answer.labels)] == [row[:3] for row in answer.entities]
    assert [doubt.types[0][0] for doubt in answer.doubts] == ["actor", "author", "city"]
    assert all(doubt.entropy < 1e-6 for doubt in answer.doubts)
