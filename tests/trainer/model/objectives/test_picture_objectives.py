"""Objectives of text and picture: published numbers, limits, masks and gradients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from schemas.errors import InputError, UsageError
from trainer.inputs import Batch, Features
from trainer.model.heads import View
from trainer.model.objectives.objective import Views
from trainer.model.objectives.picture_settings import AdaptiveContrastSettings, SoftPromptsSettings
from trainer.model.objectives.pictures import AdaptiveContrast, adapted_temperature, adaptive_contrast
from trainer.model.objectives.soft_prompts import SoftPrompts, prompt_vectors, soft_label_loss, teacher_labels

PAIRS, DIM, HIDDEN = 4, 6, 8


def vectors(seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(PAIRS, DIM, generator=torch.Generator().manual_seed(seed)), dim=-1)


def views(states: torch.Tensor | None = None) -> Views:
    states = torch.randn(PAIRS, 3, HIDDEN, generator=torch.Generator().manual_seed(3)) if states is None else states
    mask = torch.ones(PAIRS, 3, dtype=torch.bool)
    head: Any = None  # these objectives read states alone
    return Views(head, View(states, mask, torch.zeros(PAIRS, 3, 3)), None)


def batch(present: torch.Tensor | None = None) -> Batch:
    there = torch.ones(PAIRS, 2, dtype=torch.bool) if present is None else present
    values = torch.randn(PAIRS, 2, DIM, generator=torch.Generator().manual_seed(9))
    features = Features(values, there, None, torch.zeros(2), None)
    empty = torch.zeros(PAIRS, 3, dtype=torch.long)
    return Batch(empty, empty > 0, empty, empty > 0, empty, empty == 0, None, features)


def test_temperatures_by_consistency_are_the_published_ones() -> None:
    consistency = torch.tensor([-1.0, 0.0, 0.4, 1.0])
    assert adapted_temperature(0.07, 0.5, consistency).tolist() == pytest.approx([0.105, 0.07, 0.056, 0.035])
    assert adapted_temperature(0.07, 1.0, torch.tensor(1.0)).item() == pytest.approx(0.01), "never below"


def test_with_alpha_zero_it_is_the_plain_contrast() -> None:
    texts, pictures = vectors(1), vectors(2)
    present = torch.ones(PAIRS, dtype=torch.bool)
    loss = adaptive_contrast(texts, pictures, present, torch.randn(PAIRS, PAIRS), 0.07, 0.0)
    scores, right = texts @ pictures.T / 0.07, torch.arange(PAIRS)
    plain = [torch.nn.functional.cross_entropy(side, right, reduction="none") for side in (scores, scores.T)]
    assert torch.allclose(loss, sum(plain) / 2, atol=1e-7)


def test_a_pair_that_does_not_fit_pulls_less() -> None:
    pulls = []
    for consistency in (-0.8, 0.8):
        texts = vectors(1).requires_grad_()
        whole = torch.full((PAIRS, PAIRS), consistency)
        present = torch.ones(PAIRS, dtype=torch.bool)
        adaptive_contrast(texts, vectors(2), present, whole, 0.5, 0.5).sum().backward()  # type: ignore[no-untyped-call]
        assert texts.grad is not None
        pulls.append(texts.grad.norm().item())
    assert pulls[0] < pulls[1]


def test_a_sample_without_a_picture_joins_no_contrast() -> None:
    present = torch.tensor([True, True, False, True])
    pictures = vectors(2)
    first = adaptive_contrast(vectors(1), pictures, present, torch.zeros(PAIRS, PAIRS), 0.07, 0.5)
    pictures[2] = 1.0
    second = adaptive_contrast(vectors(1), pictures, present, torch.zeros(PAIRS, PAIRS), 0.07, 0.5)
    assert first[2] == 0 and torch.equal(first, second)


@pytest.mark.parametrize("has_matching", [False, True])
def test_the_contrast_learns_and_absent_pictures_give_nothing(has_matching: bool) -> None:
    torch.manual_seed(1)
    part = AdaptiveContrast(HIDDEN, AdaptiveContrastSettings(feature_dim=DIM, has_matching=has_matching))
    optimizer, losses = torch.optim.Adam(part.parameters(), 1e-2), []
    for _ in range(40):
        optimizer.zero_grad()
        loss = part(views(), batch()).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    nothing = part(views(), batch(torch.zeros(PAIRS, 2, dtype=torch.bool)))
    assert torch.equal(nothing, torch.zeros(PAIRS))
    without = Batch(**{**vars(batch()), "features": None})
    assert torch.equal(part(views(), without), torch.zeros(PAIRS))


def test_soft_labels_sum_to_one_and_are_sharp_at_low_temperature() -> None:
    prompts = prompt_vectors(vectors(5))
    labels = teacher_labels(vectors(6), prompts, 0.07)
    assert torch.allclose(labels.sum(1), torch.ones(PAIRS))
    sharp = teacher_labels(vectors(6), prompts, 1e-4)
    assert torch.allclose(sharp.max(1).values, torch.ones(PAIRS)) and torch.equal(sharp.argmax(1), labels.argmax(1))


def test_templates_are_unit_vectors_before_their_mean() -> None:
    raw = torch.tensor([[[100.0, 0.0], [0.0, 1.0]]])
    assert prompt_vectors(raw)[0].tolist() == pytest.approx([0.5**0.5, 0.5**0.5])


def test_a_picture_that_no_prompt_fits_has_no_gradient() -> None:
    labels = torch.tensor([[0.9, 0.1, 0.0], [0.34, 0.33, 0.33], [0.9, 0.1, 0.0]])
    logits = torch.randn(3, 3, requires_grad=True)
    loss = soft_label_loss(labels, logits, torch.tensor([True, True, False]), 0.5)
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None and loss[1:].tolist() == [0.0, 0.0]
    assert torch.equal(logits.grad[1:], torch.zeros(2, 3)) and bool(logits.grad[0].abs().sum() > 0)
    assert soft_label_loss(labels, logits, torch.zeros(3, dtype=torch.bool), 0.0).sum() == 0, "0 and not nan"


def test_prompts_are_read_when_they_are_needed(tmp_path: Path) -> None:
    torch.manual_seed(1)
    save_file({"prompts": vectors(5).contiguous()}, tmp_path / "bank.safetensors")
    settings = SoftPromptsSettings(bank=str(tmp_path / "bank.safetensors"), bank_prompts=PAIRS, least=0.0)
    part = SoftPrompts(HIDDEN, settings)
    loss = part(views(), batch())
    assert loss.shape == (PAIRS,) and bool((loss > 0).all())
    assert torch.equal(part(views(), batch(torch.zeros(PAIRS, 2, dtype=torch.bool))), torch.zeros(PAIRS))
    with pytest.raises(InputError, match="no bank of prompts"):
        SoftPrompts(HIDDEN, SoftPromptsSettings(bank=str(tmp_path / "none"), bank_prompts=PAIRS))(views(), batch())
    save_file({"prompts": torch.ones(PAIRS, 2)}, tmp_path / "small.safetensors")
    other = SoftPromptsSettings(bank=str(tmp_path / "small.safetensors"), bank_prompts=PAIRS)
    with pytest.raises(UsageError, match="2 components"):
        SoftPrompts(HIDDEN, other)(views(), batch())


def with_boxes(row: Batch, boxes: torch.Tensor) -> Batch:
    assert row.features is not None
    return replace(row, features=row.features._replace(boxes=boxes))


def test_regions_have_soft_labels_of_their_own_beside_the_picture(tmp_path: Path) -> None:
    save_file({"prompts": vectors(5).contiguous()}, tmp_path / "bank.safetensors")
    known = {"bank": str(tmp_path / "bank.safetensors"), "bank_prompts": PAIRS, "least": 0.0, "feature_dim": DIM}
    torch.manual_seed(1)
    both = SoftPrompts(HIDDEN, SoftPromptsSettings(region_weight=2.0, **known))
    alone = SoftPrompts(HIDDEN, SoftPromptsSettings(**known))
    alone.load_state_dict(both.state_dict(), strict=False)
    nowhere, box = [float("nan")] * 4, [0.0, 0.0, 9.0, 9.0]
    places = torch.tensor([[nowhere, box], [nowhere, nowhere], [nowhere, box], [nowhere, box]])
    row = with_boxes(batch(), places)
    assert row.features is not None
    features = row.features
    # by hand: the text, as the region looks at it, says the region's label
    states = views().full.states
    unit = torch.nn.functional.normalize(features.values, dim=-1)
    weights = (both.look(unit)[:, 1:] @ states.transpose(1, 2)).softmax(-1)
    logits = both.region_student(weights @ states)[:, 0]
    labels = teacher_labels(features.values[:, 1], prompt_vectors(vectors(5)), 0.07)
    region = -(labels * logits.log_softmax(-1)).sum(-1)
    region[1] = 0.0  # no vector of the second sample has a place
    assert torch.allclose(both(views(), row), alone(views(), row) + 2.0 * region, atol=1e-5)
    # the label of the picture is that of what has no place
    whole = teacher_labels(features.values[:, 0], prompt_vectors(vectors(5)), 0.07)
    said = alone.student(states.mean(1)).log_softmax(-1)
    kept = torch.tensor([0, 2, 3])
    assert torch.allclose(alone(views(), row)[kept], -(whole * said).sum(-1)[kept], atol=1e-5)


def test_regions_that_no_prompt_fits_or_that_are_absent_teach_nothing(tmp_path: Path) -> None:
    save_file({"prompts": vectors(5).contiguous()}, tmp_path / "bank.safetensors")
    known = {"bank": str(tmp_path / "bank.safetensors"), "bank_prompts": PAIRS, "feature_dim": DIM}
    boxes = torch.tensor([0.0, 0.0, 9.0, 9.0]).expand(PAIRS, 2, 4)
    unsure = SoftPrompts(HIDDEN, SoftPromptsSettings(region_weight=1.0, temperature=100.0, least=0.9, **known))
    assert unsure(views(), with_boxes(batch(), boxes)).tolist() == [0.0] * PAIRS
    some = torch.tensor([[False, False], [True, True], [True, False], [True, True]])
    sure = SoftPrompts(HIDDEN, SoftPromptsSettings(region_weight=1.0, least=0.0, **known))
    found = sure(views(), with_boxes(batch(some), boxes))
    assert found[0] == 0 and bool((found[1:] > 0).all()) and torch.isfinite(found).all()
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert all(torch.isfinite(part.grad).all() for part in sure.parameters() if part.grad is not None)
    assert sure.look.weight.grad is not None and bool(sure.look.weight.grad.any())
