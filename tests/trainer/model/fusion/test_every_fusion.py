"""What holds for every fusion: absence, order of regions, padding, batches, groups of learning rates, saving."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.tiny_encoder import build_encoder, write_tweets
from tests.support.tiny_fusion import HIDDEN, SIZE, all_absent, make_features, with_boxes, without
from trainer.config import RunConfig, override
from trainer.inputs import Batch, Earlier, Features, LabelSet, collate
from trainer.model import Expert, load_encoder, load_expert, make_expert, save_expert
from trainer.model.build import FUSIONS
from trainer.training import encode_split, parameter_groups, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
SETTINGS: dict[str, list[str]] = {
    "prefix": ["middle_dim=10"],
    "experts": ["middle_dim=10", "views=[0,1]", "tokens=5"],
    "captioned": ["words_view=1"],
    "framed": ["positions=2", "frames=[2]"],
}
"""Settings that make a fusion fit the tiny encoder."""
ORDERED = {"experts", "framed", "gated"}
"""Fusions with weights of their own for each column or place, so that the order of the regions has a meaning."""
LOOKING = {"edges", "previous"}
"""Fusions with weights for boxes that stand to each other, or for the post before."""
KINDS = sorted(FUSIONS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("fusion")
    return build_encoder(folder / "encoder"), write_tweets(folder / "tweets")


def make_config(data: tuple[Path, Path], kind: str | None) -> RunConfig:
    settings = [f"encoder.name={data[0]}", f"data.samples={data[1]}", "encoder.max_length_pieces=64"]
    if kind is not None:
        settings += [f"model.fusion.kind={kind}", f"model.fusion.feature_dim={SIZE}"]
        settings += [f"model.fusion.{row}" for row in SETTINGS.get(kind, [])]
    return override(RunConfig(), settings)


def make(data: tuple[Path, Path], kind: str | None) -> tuple[Expert, RunConfig]:
    config = make_config(data, kind)
    torch.manual_seed(7)
    expert = make_expert(config.encoder, config.model, LABELS)
    if expert.fusion is not None:  # weights that start at nought would hide what a picture does
        for weight in expert.fusion.parameters():
            if not weight.any():
                torch.nn.init.normal_(weight, std=0.3)
    return expert.eval(), config


def make_batch(expert: Expert, config: RunConfig, features: Features | None, rows: slice = slice(0, 3)) -> Batch:
    examples = encode_split(expert, config, read_split(config, "train")).rows[rows]
    batch = collate(examples, expert.padding)
    return Batch(**{**vars(batch), "features": features})


def logits_of(expert: Expert, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return expert.view(batch).logits


@pytest.mark.parametrize("kind", KINDS)
def test_absent_pictures_give_the_logits_of_the_text_to_the_bit(data: tuple[Path, Path], kind: str) -> None:
    expert, config = make(data, kind)
    features = make_features()
    alone = logits_of(expert, make_batch(expert, config, None))
    assert torch.equal(logits_of(expert, make_batch(expert, config, all_absent(features))), alone)
    mixed = logits_of(expert, make_batch(expert, config, all_absent(features, 1)))
    assert torch.equal(mixed[1], alone[1])
    assert float((mixed[0] - alone[0]).abs().max()) > 1e-5 and bool(mixed.isfinite().all())


def test_without_pictures_prefixes_leave_the_expert_that_has_no_fusion(data: tuple[Path, Path]) -> None:
    (expert, config), (plain, _) = make(data, "prefix"), make(data, None)
    plain.head.load_state_dict(expert.head.state_dict())
    batch = make_batch(expert, config, all_absent(make_features()))
    assert torch.equal(logits_of(expert, batch), logits_of(plain, batch))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_regions_does_not_matter(data: tuple[Path, Path], kind: str) -> None:
    if kind in ORDERED:
        pytest.skip("this fusion has weights of its own for each column")
    expert, config = make(data, kind)
    features = without(make_features(), (0, 2))
    order = [0, 3, 1, 2]
    moved = features._replace(
        values=features.values[:, order], present=features.present[:, order], view=features.view[order],
        score=None if features.score is None else features.score[:, order],
    )  # fmt: skip
    first, second = (logits_of(expert, make_batch(expert, config, row)) for row in (features, moved))
    assert torch.allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_absent_columns_and_padding_of_the_text_are_inert(data: tuple[Path, Path], kind: str) -> None:
    expert, config = make(data, kind)
    features = make_features(columns=4)
    batch = make_batch(expert, config, features)
    before = logits_of(expert, batch)
    pad = torch.full((3, 4), expert.padding)
    wide = Batch(**{
        **vars(batch),
        "ids": torch.cat([batch.ids, pad], 1),
        "attention": torch.cat([batch.attention, pad < 0], 1),
    })  # fmt: skip
    assert torch.allclose(logits_of(expert, wide), before, atol=2e-6)
    if kind in ORDERED:
        return
    more = Features(
        torch.cat([features.values, torch.full((3, 2, SIZE), torch.nan)], 1),
        torch.cat([features.present, torch.zeros(3, 2, dtype=torch.bool)], 1),
        None,
        torch.cat([features.view, torch.tensor([1, 1])]),
        torch.cat([features.score, torch.full((3, 2), torch.nan)], 1) if features.score is not None else None,
    )
    assert torch.allclose(logits_of(expert, make_batch(expert, config, more)), before, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_output_of_a_sample_does_not_depend_on_its_batch(data: tuple[Path, Path], kind: str) -> None:
    expert, config = make(data, kind)
    features = without(make_features(), (1, 1), (2, 0))
    together = make_batch(expert, config, features)
    all_logits = logits_of(expert, together)
    for row in range(3):
        one = features._replace(
            values=features.values[row : row + 1], present=features.present[row : row + 1],
            score=None if features.score is None else features.score[row : row + 1],
        )  # fmt: skip
        alone = logits_of(expert, make_batch(expert, config, one, slice(row, row + 1)))[0]
        assert torch.allclose(alone, all_logits[row, : len(alone)], atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_moves_after_one_step_and_stands_in_exactly_one_group(data: tuple[Path, Path], kind: str) -> None:
    expert, config = make(data, kind)
    groups = parameter_groups(expert, config.training)
    grouped = [id(weight) for group in groups for weight in group["params"]]
    assert len(grouped) == len(set(grouped)) and set(grouped) == {id(weight) for weight in expert.parameters()}
    assert list(expert.parts) == ["encoder", "head", "fusion"]
    before = copy.deepcopy(expert.state_dict())
    expert.train()
    sides = torch.rand(3, 4, 2)
    features = make_features()._replace(boxes=torch.cat([sides, sides + 1], -1))  # for those that read places
    batch = make_batch(expert, config, features)
    if kind in LOOKING:
        features = with_boxes(make_features(columns=6))
        batch = replace(batch, features=features, earlier=Earlier(batch.ids, batch.attention, features))
    loss = expert.losses(batch).sum()
    assert bool(loss.isfinite())
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW([{**group, "lr": 1e-2, "weight_decay": 0.0} for group in groups])
    optimizer.step()
    after = expert.state_dict()
    assert expert.fusion is not None
    unmoved = [name for name in before if not name.startswith("encoder") and torch.equal(before[name], after[name])]
    assert not [name for name in unmoved if name in dict(expert.named_parameters())]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_expert_gives_the_same_logits_and_its_encoder_loads_alone(
    data: tuple[Path, Path], kind: str, tmp_path: Path
) -> None:
    expert, config = make(data, kind)
    batch = make_batch(expert, config, without(make_features(), (0, 1)))
    before = logits_of(expert, batch)
    save_expert(expert, config.model, tmp_path / "best")
    assert torch.equal(logits_of(load_expert(tmp_path / "best"), batch), before)
    assert (tmp_path / "best" / "fusion.safetensors").is_file()
    alone, _ = load_encoder(str(tmp_path / "best"))
    saved: Any = expert.encoder
    assert alone.config._attn_implementation == "sdpa" and alone.config.hidden_size == HIDDEN
    assert all(torch.equal(weight, saved.state_dict()[name]) for name, weight in alone.state_dict().items())
