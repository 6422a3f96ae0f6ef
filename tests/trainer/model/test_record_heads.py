"""A head that answers in records, from its training to its comparison: joint data, no posterior, no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from schemas.dataset import read_samples, write_dataset
from schemas.errors import UsageError
from schemas.predictions import predictions_path, read_predictions
from schemas.records import Entity, Relation, Sample, Span
from schemas.run_files import read_scores, scores_path
from tests.support.tiny_encoder import build_encoder, make_tweets
from trainer.commands import fit_and_evaluate, predict_rows
from trainer.config import RunConfig, override
from trainer.inputs import Answer, LabelSet, Window
from trainer.metrics import Record
from trainer.mixture import fit_mixture
from trainer.model.build import HEADS, Part
from trainer.model.heads import Head, TaggingSettings, View
from trainer.reports import compare_runs

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


class WordHead(Head):
    """A toy: each word is an entity of a type or none; the first entity is near each of the others."""

    kind = "words"
    tasks = ("joint",)
    has_posterior = False
    says_more = True

    def __init__(self, hidden: int, labels: LabelSet, settings: TaggingSettings) -> None:
        super().__init__(labels)
        self.linear = nn.Linear(hidden, 1 + len(labels.types))
        self.dropout = nn.Dropout(settings.dropout)

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        if sample.entities is None:
            return None
        types = {entity.start: 1 + labels.types.index(entity.type) for entity in sample.entities}
        return tuple(types.get(i, 0) for i in range(len(sample.tokens)))

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:
        raise NotImplementedError

    @classmethod
    def answer(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> Answer:
        found = [Entity(i, i + 1, labels.types[kind - 1]) for i, kind in enumerate(classes) if kind]
        return Answer(tuple(_with_relations(found)))

    @classmethod
    def decode_mixed(cls, *_: object, **__: object) -> Tensor:
        raise NotImplementedError

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        classes = self.gold_classes(self.labels, sample)
        return None if classes is None else classes[: len(window.first_piece)]

    def forward(self, states: Tensor) -> Tensor:
        return self.linear(self.dropout(states)).float()  # type: ignore[no-any-return]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        assert all(sample.entities is not None for sample in view.samples)
        each = nn.functional.cross_entropy(view.logits.transpose(1, 2), targets, reduction="none")
        return (each * view.mask).sum(1)

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> None:
        return None

    def decode(self, view: View) -> Tensor:
        assert all(sample.entities is None for sample in view.samples), "a head that predicts sees no gold"
        return view.logits.argmax(-1)


def _with_relations(entities: Sequence[Entity]) -> list[Record]:
    pairs = [(Span(entities[0].start, entities[0].end), Span(row.start, row.end)) for row in entities[1:]]
    return [*entities, *(Relation(head, tail, "near") for head, tail in pairs)]


def _as_records(sample: Sample) -> Sample:
    entities = [Entity(i, i + 1, tag[2:]) for i, tag in enumerate(sample.tags or ()) if tag != "O"]
    records = _with_relations(entities) if entities else []
    relations = tuple(row for row in records if isinstance(row, Relation))
    return replace(sample, tags=None, entities=tuple(entities), relations=relations)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    part = Part[Head](f"{__name__}:WordHead", "trainer.model.heads.settings:TaggingSettings")
    monkeypatch.setitem(HEADS, "tagging", part)
    samples = {
        name: [_as_records(row) for row in make_tweets(n, name, 1)]
        for name, n in (("train", 24), ("dev", 8), ("test", 8))
    }
    write_dataset(
        tmp_path / "samples", samples, name="tiny", task="joint", labels=["LOC", "PER", "near"], inputs=[], counters={}
    )
    settings = [
        f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tmp_path / 'samples'}",
        "encoder.max_length_pieces=64", "model.head.kind=tagging", "training.epochs=8", "training.head_lr=0.03",
        "training.encoder_lr=0.003",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def test_a_head_without_labels_is_trained_scored_kept_and_compared(config: RunConfig, tmp_path: Path) -> None:
    run = tmp_path / "run"
    facts = fit_and_evaluate(config, run)
    scores = read_scores(scores_path(run, "test"))
    assert next(iter(scores.rows)) == "JMERE" and scores.main == scores.rows["JMERE"]
    assert facts["test_f1"] == scores.rows["JMERE"].f1 > 0.3
    rows = read_predictions(predictions_path(run, "test"))
    gold = read_samples(tmp_path / "samples", "test")
    assert [len(row.gold_relations or ()) for row in rows] == [len(sample.relations or ()) for sample in gold]
    assert all(row.tags is None and row.relations is not None for row in rows)
    kept = [[(entity.start, entity.type) for entity in row.entities] for row in rows]
    again = predict_rows(run, tmp_path / "samples")
    assert [[(entity["start"], entity["type"]) for entity in row["entities"]] for row in again] == kept
    assert compare_runs(run, run, "test").difference == 0.0


def test_a_head_without_a_posterior_is_refused_by_a_mixture(config: RunConfig, tmp_path: Path) -> None:
    torch.manual_seed(1)
    short = override(config, ["training.epochs=1"])
    for name in ("a", "b"):
        fit_and_evaluate(short, tmp_path / name)
    with pytest.raises(UsageError, match="the head words has no posterior, so it cannot be mixed"):
        fit_mixture([tmp_path / "a", tmp_path / "b"], tmp_path / "mixture")
