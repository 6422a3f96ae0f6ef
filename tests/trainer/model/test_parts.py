"""Parts of an expert: a third one is saved, loaded, in the digest, trained at one rate; and parts that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from schemas.dataset import read_samples
from schemas.errors import IndexCorrupt, UsageError
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.blocks import BLOCK
from trainer.config import RunConfig, override
from trainer.inputs import Batch, LabelSet, collate
from trainer.mixture import weights_digest
from trainer.model import Expert, load_expert, make_expert, read_expert_facts, save_expert
from trainer.model.build import FUSIONS, HEADS, OBJECTIVES, Part
from trainer.model.heads import AutoHeadSettings
from trainer.model.heads.tagging import TaggingHead
from trainer.model.objectives import ObjectiveSettings
from trainer.model.objectives.objective import Objective, Views
from trainer.training import encode_split, parameter_groups, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))


@dataclass(frozen=True, config=BLOCK)
class CountSettings(ObjectiveSettings):
    """A toy: how many tokens a sentence has, from its states."""

    kind: str = "count"


class CountObjective(Objective):
    def __init__(self, hidden: int, settings: CountSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, views: Views, batch: Batch) -> Tensor:
        counts = self.linear(views.full.states)[:, :, 0].masked_fill(~batch.mask, 0.0).sum(1)
        return (counts - batch.mask.sum(1)) ** 2


class SilentHead(TaggingHead):
    """A toy: a head that decodes and has no posterior."""

    kind = "silent"
    has_posterior = False
    says_more = True

    def posterior(self, *_: object, **__: object) -> None:  # type: ignore[override]
        return None


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    monkeypatch.setitem(OBJECTIVES, "count", Part(f"{__name__}:CountObjective", f"{__name__}:CountSettings"))
    settings = [
        f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={write_tweets(tmp_path / 'tweets')}",
        "encoder.max_length_pieces=64", "model.objectives.0.kind=count", "model.objectives.0.weight=0.5",
    ]  # fmt: skip
    return override(RunConfig(), settings)


@pytest.fixture
def expert(config: RunConfig) -> Expert:
    torch.manual_seed(1)
    return make_expert(config.encoder, config.model, LABELS)


def test_every_kind_of_the_table_has_its_classes() -> None:
    for table in (HEADS, OBJECTIVES, FUSIONS):
        for kind, part in table.items():
            assert part.load_settings()().kind == kind
            if part.part:
                assert part.load()


def test_a_third_part_is_saved_and_loaded(config: RunConfig, expert: Expert, tmp_path: Path) -> None:
    assert list(expert.parts) == ["encoder", "head", "objectives"]
    save_expert(expert, config.model, tmp_path / "best")
    loaded = load_expert(tmp_path / "best")
    saved = expert.state_dict()
    assert loaded.state_dict().keys() == saved.keys()
    assert all(torch.equal(weight, saved[name]) for name, weight in loaded.state_dict().items())
    facts = read_expert_facts(tmp_path / "best")
    assert facts.parts == ("encoder", "head", "objectives") and facts.model.objectives == config.model.objectives


def test_a_third_part_is_in_the_digest(config: RunConfig, expert: Expert, tmp_path: Path) -> None:
    save_expert(expert, config.model, tmp_path / "a")
    with torch.no_grad():
        expert.objectives[0].linear.bias += 1  # type: ignore[operator, union-attr]
    save_expert(expert, config.model, tmp_path / "b")
    digests = [weights_digest(tmp_path / name) for name in ("a", "b")]
    assert digests[0] != digests[1]
    assert (tmp_path / "a" / "head.safetensors").read_bytes() == (tmp_path / "b" / "head.safetensors").read_bytes()


def test_each_weight_is_in_exactly_one_group(config: RunConfig, expert: Expert) -> None:
    groups = parameter_groups(expert, config.training)
    grouped = [id(weight) for group in groups for weight in group["params"]]
    assert len(grouped) == len(set(grouped)) and set(grouped) == {id(weight) for weight in expert.parameters()}
    places = [group["name"] for group in groups for weight in group["params"] if weight is linear_of(expert).weight]
    assert places == ["head"]
    expert.stray = nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match="weights of no part: stray"):
        parameter_groups(expert, config.training)


def linear_of(expert: Expert) -> nn.Linear:
    objective = expert.objectives[0]
    assert isinstance(objective, CountObjective)
    return objective.linear


def test_a_third_part_is_trained(config: RunConfig, expert: Expert) -> None:
    data = read_split(config, "train")
    batch = collate(encode_split(expert, config, data).rows[:4], expert.padding)
    expert.eval()
    counted = expert.objectives[0](Views(expert.head, expert.view(batch), None), batch)
    assert batch.targets is not None
    plain = expert.head.loss(expert.view(batch), batch.targets)
    assert torch.allclose(expert.losses(batch), plain + 0.5 * counted)
    expert.losses(batch).sum().backward()
    assert linear_of(expert).weight.grad is not None


def test_a_checkpoint_that_lacks_a_part_is_refused(config: RunConfig, expert: Expert, tmp_path: Path) -> None:
    best = tmp_path / "best"
    save_expert(expert, config.model, best)
    (best / "objectives.safetensors").rename(tmp_path / "kept")
    with pytest.raises(IndexCorrupt, match="the part objectives cannot be loaded"):
        load_expert(best)
    (tmp_path / "kept").rename(best / "objectives.safetensors")
    facts = json.loads((best / "head.json").read_text())
    (best / "head.json").write_text(json.dumps({**facts, "parts": ["encoder", "head"]}))
    with pytest.raises(
        IndexCorrupt, match="has the parts encoder, head, its settings ask for encoder, head, objectives"
    ):
        load_expert(best)


def test_a_checkpoint_of_the_version_before_is_read(config: RunConfig, expert: Expert, tmp_path: Path) -> None:
    best = tmp_path / "best"
    save_expert(expert, override(config, []).model, best)
    (best / "objectives.safetensors").unlink()
    old = {"task": "ner", "labels": LABELS.names, "dropout": 0.3, "constrained_decoding": True}
    (best / "head.json").write_text(json.dumps(old))
    loaded = load_expert(best)
    assert isinstance(loaded.head, TaggingHead) and loaded.head.dropout.p == 0.3 and loaded.head.constrained
    assert torch.equal(loaded.head.linear.weight, expert.head.linear.weight)  # type: ignore[arg-type, union-attr]


def test_a_head_for_another_task_and_one_without_posteriors_are_refused_by_name(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = override(config, ["model.head.kind=relation"])
    with pytest.raises(UsageError, match="the head relation is for the task re, the data for ner"):
        make_expert(other.encoder, other.model, LABELS)
    silent = Part[TaggingHead](f"{__name__}:SilentHead", "trainer.model.heads.settings:TaggingSettings")
    monkeypatch.setitem(HEADS, "tagging", silent)  # type: ignore[arg-type]
    expert = make_expert(config.encoder, config.model, LABELS)
    assert isinstance(config.model.head, AutoHeadSettings)
    rows = encode_split(expert, config, read_split(config, "dev")).rows[:2]
    reading = expert.eval().read(collate(rows, expert.padding))
    assert reading.classes.shape == (2, 0) and reading.answers is not None and len(reading.answers[0].labels) > 0
    assert len(read_samples(config.data.samples, "dev")) > 2
