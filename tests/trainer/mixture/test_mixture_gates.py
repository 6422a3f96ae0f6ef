"""Gates on constructed posteriors: where each expert knows one half, a mixture must know the whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from schemas.records import Sample
from schemas.run_files import GATES
from schemas.tables import scores_schema
from trainer.mixture import mix
from trainer.mixture.gate_features import gate_input
from trainer.mixture.gates import GateInput, Reduction, cross_fit, fit_gate
from trainer.mixture.image_vectors import first_vectors, image_vectors
from trainer.mixture.posteriors import Posteriors


def halves(samples: int, seed: int, by: str) -> tuple[list[Posteriors], Tensor]:
    """Two experts on samples of 6 tokens with 5 classes; each is right on its half and wrong, as surely, on the other.

    by: what parts the halves: "sample" or "token". The pooled vector tells the half of a sample; for tokens, the
    expert that does not know is less sure, but still wrong.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens, classes = 6, 5
    targets = torch.randint(0, classes, (samples, tokens), generator=generator)
    half = torch.randint(0, 2, (samples, tokens if by == "token" else 1), generator=generator).expand(-1, tokens)
    wrong = (targets + torch.randint(1, classes, targets.shape, generator=generator)) % classes
    experts = []
    for number in range(2):
        knows = half == number
        said = torch.where(knows, targets, wrong)
        sure = torch.where(knows, 0.9, 0.9 if by == "sample" else 0.7)
        rest = (1 - sure) / (classes - 1)
        probs = rest[:, :, None].repeat(1, 1, classes)
        probs.scatter_(2, said[:, :, None], sure[:, :, None])
        pooled = torch.randn(samples, 8, generator=generator)
        pooled[:, 0] += 6 * half[:, 0] if by == "sample" else 0
        log_probs = probs.log().reshape(-1, classes)
        experts.append(
            Posteriors(log_probs, log_probs.argmax(-1), torch.full((samples,), tokens), pooled, ((),) * samples)
        )
    return experts, targets.reshape(-1)


def accuracy(log_probs: Tensor, targets: Tensor) -> float:
    return (log_probs.argmax(-1) == targets).float().mean().item()


def as_input(experts: list[Posteriors], targets: Tensor, text: Reduction) -> GateInput:
    right = torch.stack(
        [(part.log_probs.argmax(-1) == targets).view(len(part.lengths), -1).sum(1) for part in experts], dim=1
    )
    counts = torch.stack([right, *[experts[0].lengths[:, None].expand_as(right)] * 2], dim=2).float()
    return gate_input(experts, text, None, None, targets, counts)


@pytest.mark.parametrize(
    ("by", "gate"), [("sample", "sample"), ("sample", "hard"), ("sample", "token"), ("token", "token")]
)
def test_a_mixture_of_two_half_knowing_experts_knows_the_whole(by: str, gate: str) -> None:
    experts, targets = halves(300, 1, by)
    text = Reduction(8, 4).fit(experts[0].pooled)
    data = as_input(experts, targets, text)
    steps, weights, _ = cross_fit(gate, data, folds=5)  # type: ignore[arg-type]
    held_out = accuracy(mix(data.log_probs, weights.clamp(min=1e-12).log()), targets)
    fitted, _ = fit_gate(gate, data, steps)  # type: ignore[arg-type]
    others, other_targets = halves(300, 2, by)
    new = as_input(others, other_targets, text)
    found = accuracy(mix(new.log_probs, fitted.weights(new).clamp(min=1e-12).log()), other_targets)
    for expert in others:
        assert accuracy(expert.log_probs, other_targets) == pytest.approx(0.5, abs=0.06)
    assert held_out >= 0.95
    assert found >= 0.95


def test_three_experts_are_mixed_too_and_a_useless_one_gets_no_weight() -> None:
    experts, targets = halves(300, 3, "sample")
    noise = torch.log_softmax(torch.randn(1800, 5, generator=torch.Generator().manual_seed(9)), -1)
    experts.append(Posteriors(noise, noise.argmax(-1), experts[0].lengths, experts[0].pooled, experts[0].used))
    data = as_input(experts, targets, Reduction(8, 4).fit(experts[0].pooled))
    _, weights, _ = cross_fit("sample", data, folds=4)
    assert accuracy(mix(data.log_probs, weights.clamp(min=1e-12).log()), targets) >= 0.95
    assert weights[:, 2].mean() < 0.05


def test_cross_fitting_keeps_the_plain_average_where_nothing_can_be_learned() -> None:
    generator = torch.Generator().manual_seed(4)
    same = torch.log_softmax(torch.randn(400, 3, generator=generator), -1)
    pooled = torch.randn(100, 8, generator=generator)
    expert = Posteriors(same, same.argmax(-1), torch.full((100,), 4), pooled, ((),) * 100)
    targets = torch.randint(0, 3, (400,), generator=generator)
    data = as_input([expert, expert], targets, Reduction(8, 4).fit(pooled))
    steps, weights, _ = cross_fit("sample", data, folds=5)
    assert steps == 0 and torch.allclose(weights, torch.full_like(weights, 0.5))


@pytest.mark.parametrize("gate", GATES)
def test_weights_sum_to_one_and_the_mixture_is_a_distribution(gate: str) -> None:
    experts, targets = halves(40, 5, "sample")
    data = as_input(experts, targets, Reduction(8, 4).fit(experts[0].pooled))
    fitted, _ = fit_gate(gate, data, 20)  # type: ignore[arg-type]
    weights = fitted.weights(data)
    assert torch.allclose(weights.sum(1), torch.ones(240))
    assert torch.allclose(mix(data.log_probs, weights.clamp(min=1e-12).log()).exp().sum(1), torch.ones(240), atol=1e-5)
    if gate in ("hard", "reward"):
        assert set(weights.unique().tolist()) <= {0.0, 1.0}


def test_part_of_a_gate_input_keeps_states_with_their_samples() -> None:
    experts, targets = halves(5, 6, "sample")
    data = as_input(experts, targets, Reduction(8, 2).fit(experts[0].pooled))
    part = data.of_samples(torch.tensor([3, 1]))
    assert part.sample_of.tolist() == [1] * 6 + [0] * 6
    assert torch.equal(part.sample_features[1], data.sample_features[1])
    assert torch.equal(part.log_probs[:, :6], data.log_probs[:, 6:12])
    assert part.targets is not None and torch.equal(part.targets[6:], targets[18:24])


def test_a_missing_image_is_zeros_and_a_flag() -> None:
    samples = [Sample("a", ("x",), "a.jpg"), Sample("b", ("x",), None), Sample("c", ("x",), "gone.jpg")]
    rows = image_vectors(samples, {"a.jpg": [1.0, 2.0]}, 2)
    assert rows.tolist() == [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_scores_of_pictures_are_read_as_vectors_with_a_flag_for_each(tmp_path: Path) -> None:
    rows = {"file": ["1.jpg", "2.jpg"], "vector": [[0.25, 0.0, 1.0, 0.0], [0.5, 0.0, 1.0, 1.0]]}
    pq.write_table(pa.table(rows, scores_schema(["strong", "weak"])), tmp_path / "s.parquet")
    samples = [Sample(name, ("x",), f"{name}.jpg") for name in ("1", "2", "3")]
    found, encoder = first_vectors(samples, tmp_path / "s.parquet")
    assert found.tolist() == [[0.25, 0.0, 1.0, 0.0, 1.0], [0.5, 0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    assert encoder == 'scores ["strong", "weak"]'


def test_a_reduction_keeps_the_direction_of_most_variance_at_unit_scale() -> None:
    vectors = torch.zeros(50, 3)
    vectors[:, 1] = torch.linspace(-10, 10, 50)
    reduced = Reduction(3, 2).fit(vectors)(vectors)
    assert reduced[:, 0].std().item() == pytest.approx(1, abs=1e-4)
    assert not reduced[:, 1].any()
