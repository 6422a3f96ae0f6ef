"""The head of choices: exact probabilities, options that no label changes, small sets learned, runs that mix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.dataset import write_dataset
from schemas.errors import UsageError
from schemas.records import Sample, Span
from tests.support.tiny_encoder import build_encoder, make_pairs
from trainer.commands import fit_and_evaluate
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet, collate
from trainer.mixture import fit_mixture
from trainer.model import Expert, make_expert
from trainer.model.options.choice import ChoiceHead
from trainer.training import SplitData, encode_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

RELATIONS = ["None", "/per/loc/visits", "/per/per/peer"]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    samples = {split: make_pairs(count, split, 1) for split, count in (("train", 16), ("dev", 6), ("test", 6))}
    write_dataset(tmp_path / "pairs", samples, name="pairs", task="re", labels=RELATIONS, inputs=[], counters={})
    settings = [
        f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tmp_path / 'pairs'}",
        "encoder.max_length_pieces=40", "model.head.kind=choice", "model.head.option_pieces=24", "training.epochs=1",
        "training.encoder_lr=0.001",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def expert_of(config: RunConfig) -> Expert:
    torch.manual_seed(1)
    return make_expert(config.encoder, config.model, LabelSet("re", tuple(RELATIONS))).eval()


def batch_of(expert: Expert, config: RunConfig, samples: list[Sample]):  # type: ignore[no-untyped-def]
    from schemas.dataset import read_dataset

    data = SplitData(read_dataset(config.data.samples), samples, {})
    return collate(encode_split(expert, config, data).rows, expert.padding)


def test_probabilities_of_options_are_exact_and_each_is_read_by_itself(config: RunConfig) -> None:
    expert = expert_of(config)
    samples = make_pairs(5, "dev", 2)
    together = expert.read(batch_of(expert, config, samples)).log_probs
    assert torch.allclose(together.exp().sum(-1), torch.ones(5, 1), atol=1e-6)
    for row, sample in enumerate(samples):  # neither padding nor the other samples change anything
        alone = expert.read(batch_of(expert, config, [sample])).log_probs
        assert torch.allclose(alone[0], together[row], atol=1e-5)


def test_another_order_of_the_options_gives_each_the_same_probability(config: RunConfig) -> None:
    expert = expert_of(config)
    assert isinstance(expert.head, ChoiceHead)
    batch = batch_of(expert, config, make_pairs(3, "dev", 2))
    before = expert.view(batch).logits
    expert.head.labels = LabelSet("re", tuple(reversed(RELATIONS)))
    assert torch.allclose(expert.view(batch).logits.flip(-1), before, atol=1e-5)


def test_no_option_hangs_on_a_label(config: RunConfig) -> None:
    expert = expert_of(config)
    assert isinstance(expert.head, ChoiceHead)
    samples = make_pairs(6, "dev", 2)
    others = [
        replace(sample, relation=RELATIONS[(RELATIONS.index(str(sample.relation)) + 1) % 3]) for sample in samples
    ]
    first, second = (
        expert.head.ask(part, None, batch.ids, batch.attention, expert.tokenizer)
        for part in (samples, others)
        for batch in (batch_of(expert, config, part),)
    )
    assert torch.equal(first.ids, second.ids) and torch.equal(first.classes, second.classes)
    assert first.classes.tolist() == [0, 1, 2] * 6


def test_training_reads_the_right_option_that_of_no_relation_and_others_at_random(config: RunConfig) -> None:
    expert = expert_of(override(config, ["model.head.drawn_options=2"])).train()
    assert isinstance(expert.head, ChoiceHead)
    batch = batch_of(expert, config, make_pairs(6, "dev", 2))
    assert batch.targets is not None
    options = expert.head.ask(batch.samples, batch.targets, batch.ids, batch.attention, expert.tokenizer)
    assert torch.bincount(options.rows).tolist() == [2] * 6
    for row, right in enumerate(batch.targets[:, 0].tolist()):
        read = options.classes[options.rows == row].tolist()
        assert right in read and expert.labels.names.index("None") in read
    losses = expert.losses(batch)
    assert torch.isfinite(losses).all()


def test_a_span_that_is_head_and_tail_is_asked_for_its_type(config: RunConfig) -> None:
    labels = LabelSet("re", ("None", "LOC", "PER"))
    expert = make_expert(config.encoder, config.model, labels)
    assert isinstance(expert.head, ChoiceHead)
    sample = Sample("1", ("Ann", "sleeps"), head=Span(0, 1), tail=Span(0, 1))
    question = expert.head.format.ask(sample)
    assert sorted(question.options) == ["Ann is a location", "Ann is a person", "Ann is no named entity"]


def test_pairs_are_learned(config: RunConfig) -> None:
    expert = expert_of(config).train()
    batch = batch_of(expert, config, make_pairs(12, "train", 1))
    assert batch.targets is not None
    optimizer = torch.optim.Adam(expert.parameters(), 3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        expert.losses(batch).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    expert.eval()
    assert torch.equal(expert.read(batch).classes, batch.targets)


def test_a_run_is_scored_and_joins_a_mixture(config: RunConfig, tmp_path: Path) -> None:
    facts = fit_and_evaluate(config, tmp_path / "choice")
    assert 0 <= facts["test_f1"] <= 1
    fit_and_evaluate(override(config, ["model.head.kind=relation"]), tmp_path / "relation")
    mixed = fit_mixture([tmp_path / "choice", tmp_path / "relation"], tmp_path / "both", folds=2)
    assert set(mixed.experts) == {"../choice", "../relation"}


def test_pictures_are_refused(config: RunConfig) -> None:
    with pytest.raises(UsageError, match="reads words alone"):
        expert_of(override(config, ["model.fusion.kind=prefix"]))
