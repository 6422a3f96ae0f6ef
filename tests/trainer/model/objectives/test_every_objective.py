"""What holds for every objective of the table, on a tiny encoder: weights, teachers, order of a batch, padding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from schemas.dataset import read_samples
from tests.support.tiny_encoder import build_encoder, write_contexts, write_pairs, write_tweets
from trainer.config import RunConfig, override
from trainer.inputs import Batch, Example, LabelSet, collate
from trainer.model import Expert, make_expert
from trainer.model.build import OBJECTIVES
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.two_view import ViewDistance
from trainer.training import encode_split, parameter_groups, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
OF_PICTURES = {"transport", "adaptive_contrast", "soft_prompts"}  # they have tests of their own
KINDS = sorted(set(OBJECTIVES) - OF_PICTURES)
TEACHERS = ("two_view_kl", "view_l2", "self_distil")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    for name, write in (("tweets", write_tweets), ("pairs", write_pairs)):
        data = write(folder / name, train=12, dev=4, test=4)
        write_contexts(folder / f"{name}-text", read_samples(data, "train"))
    return folder


def make(house: Path, *settings: str, data: str = "tweets") -> tuple[Expert, list[Example]]:
    base = [
        f"encoder.name={house / 'encoder'}", f"data.samples={house / data}", "encoder.max_length_pieces=48",
        "data.sources=text", f"data.contexts={house / data}-text", "model.head.dropout=0.0",
    ]  # fmt: skip
    config = override(RunConfig(), [*base, *settings])
    torch.manual_seed(1)
    read = read_split(config, "train")
    labels = LabelSet.of(read.dataset, read.samples)
    expert = make_expert(config.encoder, config.model, labels).eval()
    rows = list(encode_split(expert, config, read).rows[:6])
    generator = torch.Generator().manual_seed(2)
    shape = (len(labels.names),)
    teacher = [torch.randn(len(row.targets or ()), *shape, generator=generator).log_softmax(-1) for row in rows]
    rows = [replace(row, teacher=part) for row, part in zip(rows, teacher, strict=True)]
    rows[2] = replace(rows[2], ids=rows[2].plain_ids, used=(), context_ids=(rows[2].ids[0], rows[2].ids[-1]))
    return expert, rows


def gather(expert: Expert, rows: list[Example]) -> Batch:
    return collate(rows, expert.padding, has_plain=True, has_contexts_alone=True)


def views_of(expert: Expert, batch: Batch) -> Views:
    return Views(expert.head, expert.view(batch), expert.view(batch, is_plain=True), expert._contexts_alone(batch))


def terms(expert: Expert, batch: Batch) -> Tensor:
    objective = expert.objectives[0]
    assert isinstance(objective, Objective)
    return objective(views_of(expert, batch), batch)


@pytest.mark.parametrize("kind", KINDS)
def test_with_bf16_the_terms_stay_float32_and_near_those_without(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}")
    full = terms(expert, gather(expert, rows))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = terms(expert, gather(expert, rows))
    assert found.dtype == torch.float32 and torch.isfinite(found).all()
    assert torch.allclose(found, full, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_each_sample_has_its_own_term_whatever_the_order_and_the_padding(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}")
    found = terms(expert, gather(expert, rows))
    order = [4, 2, 0, 5, 1, 3]
    turned = terms(expert, gather(expert, [rows[i] for i in order]))
    assert found.shape == (6,) and torch.isfinite(found).all()
    assert torch.allclose(found[order], turned, atol=1e-5)
    wide = replace(rows[0], ids=(*rows[0].ids, *[5] * 9), plain_ids=(*rows[0].plain_ids, *[5] * 9))
    if kind not in ("contrast", "matching", "shapley"):  # these read the other samples
        assert torch.allclose(terms(expert, gather(expert, [*rows[1:], wide]))[:5], found[1:], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_without_weight_the_loss_is_the_one_before_to_the_bit(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}", "model.objectives.0.weight=0.0")
    batch = gather(expert, rows)
    assert batch.targets is not None
    before = expert.head.loss(expert.view(batch), batch.targets)
    if kind in ("two_view_kl", "view_l2"):  # the head learns from both views
        before = before + expert.head.loss(expert.view(batch, is_plain=True), batch.targets)
    assert torch.equal(expert.losses(batch), before)
    assert expert.needs_contexts_alone is False


@pytest.mark.parametrize("kind", ["contrast", "matching", "shapley", "self_distil", "bottleneck"])
def test_without_weight_no_further_random_number_is_drawn(house: Path, kind: str) -> None:
    after = []
    for settings in ([], [f"model.objectives.0.kind={kind}", "model.objectives.0.weight=0.0"]):
        expert, rows = make(house, *settings)
        expert.train()
        torch.manual_seed(4)
        expert.losses(gather(expert, rows))
        after.append(torch.rand(3))
    assert torch.equal(*after)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_shares_of_the_head_and_the_term(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}", "model.objectives.0.weight=0.25")
    batch = gather(expert, rows)
    assert batch.targets is not None
    share = 0.75 if kind in ("two_view_kl", "self_distil") else 1.0
    head = expert.head.loss(expert.view(batch), batch.targets)
    if kind in ("two_view_kl", "view_l2"):
        head = head + expert.head.loss(expert.view(batch, is_plain=True), batch.targets)
    assert torch.allclose(expert.losses(batch), share * head + 0.25 * terms(expert, batch), atol=1e-4)
    expert.losses(batch).sum().backward()
    assert all(weight.grad is not None for weight in expert.objectives.parameters())
    groups = parameter_groups(expert, RunConfig().training)
    assert {id(w) for group in groups for w in group["params"]} == {id(w) for w in expert.parameters()}


@pytest.mark.parametrize("kind", ["two_view_kl", "view_l2"])
def test_no_gradient_reaches_the_view_with_contexts(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}")
    batch = gather(expert, rows)
    views = views_of(expert, batch)
    full = views.full._replace(
        states=views.full.states.detach().requires_grad_(), logits=views.full.logits.detach().requires_grad_()
    )
    expert.objectives[0](views._replace(full=full), batch).sum().backward()
    assert full.states.grad is None and full.logits.grad is None
    assert expert.encoder.embeddings.word_embeddings.weight.grad is not None  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["two_view_kl", "view_l2"])
def test_equal_views_have_no_distance(house: Path, kind: str) -> None:
    expert, rows = make(house, f"model.objectives.0.kind={kind}")
    batch = gather(expert, [replace(row, ids=row.plain_ids) for row in rows])
    assert torch.allclose(terms(expert, batch), torch.zeros(6), atol=1e-6)


def test_states_that_differ_by_one_everywhere_are_as_far_apart_as_there_are_tokens(house: Path) -> None:
    expert, rows = make(house, "model.objectives.0.kind=view_l2")
    batch = gather(expert, rows)
    plain = expert.view(batch, is_plain=True)
    full = plain._replace(states=plain.states + 1)
    assert isinstance(expert.objectives[0], ViewDistance)
    found = expert.objectives[0](Views(expert.head, full, plain), batch)
    assert torch.allclose(found, batch.mask.sum(1).float(), atol=1e-4)


def test_a_sample_without_contexts_joins_no_contrast(house: Path) -> None:
    for kind in ("contrast", "matching", "shapley"):
        expert, rows = make(house, f"model.objectives.0.kind={kind}")
        found = terms(expert, gather(expert, rows))
        assert found[2] == 0 and (found[[0, 1, 3, 4, 5]] != 0).all()
        others = rows[:2] + rows[3:]
        assert torch.allclose(terms(expert, gather(expert, others)), found[[0, 1, 3, 4, 5]], atol=1e-5)


def test_one_sample_alone_has_nothing_to_contrast(house: Path) -> None:
    for kind in ("contrast", "shapley"):
        expert, rows = make(house, f"model.objectives.0.kind={kind}")
        assert terms(expert, gather(expert, rows[:1])).tolist() == [0.0]


def test_the_bottleneck_of_a_relation_reads_both_ends(house: Path) -> None:
    expert, rows = make(house, "model.objectives.0.kind=bottleneck", data="pairs")
    assert expert.objectives[0].mean.in_features == 64  # type: ignore[union-attr]
    assert terms(expert, gather(expert, rows)).shape == (6,)


def test_soft_prompts_of_no_rows_change_nothing_to_the_bit(house: Path) -> None:
    losses = []
    for settings in ([], ["model.objectives.0.prompts=0"]):
        expert, rows = make(house, "model.objectives.0.kind=two_view_kl", *settings)
        losses.append(expert.losses(gather(expert, rows)))
    assert torch.equal(*losses)


def test_soft_prompts_stand_before_windows_without_contexts_alone(house: Path) -> None:
    expert, rows = make(house, "model.objectives.0.kind=two_view_kl", "model.objectives.0.prompts=3")
    assert "objectives" in expert.parts and expert.prompt is not None
    batch = gather(expert, rows)
    with_prompts, full = expert.view(batch, is_plain=True).states, expert.view(batch).states
    assert torch.allclose(full[2], with_prompts[2], atol=1e-6)  # the sample without contexts
    alone = expert.view(gather(expert, rows[2:3])).states[0]
    assert torch.allclose(full[2, : len(alone)], alone, atol=1e-5)
    prompt, expert.objectives[0].prompt = expert.prompt, None
    without, plain_full = expert.view(batch, is_plain=True).states, expert.view(batch).states
    assert with_prompts.shape == without.shape and not torch.allclose(with_prompts, without, atol=1e-3)
    keep = [0, 1, 3, 4, 5]
    assert torch.allclose(full[keep], plain_full[keep], atol=1e-5)
    expert.objectives[0].prompt = prompt


def test_a_soft_prompt_looks_at_its_text(house: Path) -> None:
    expert, rows = make(house, "model.objectives.0.kind=two_view_kl", "model.objectives.0.prompts=3")
    batch = gather(expert, rows)
    assert expert.prompt is not None
    embeddings = expert.encoder.get_input_embeddings()(batch.plain_ids)  # type: ignore[operator]
    prompts = expert.prompt(embeddings, batch.plain_attention)
    assert prompts.shape == (6, 3, 32) and not torch.allclose(prompts[0], prompts[1], atol=1e-4)
    narrow = int(batch.plain_attention[0].sum())
    assert torch.allclose(prompts[0], expert.prompt(embeddings[:1, :narrow], batch.plain_attention[:1, :narrow])[0])
