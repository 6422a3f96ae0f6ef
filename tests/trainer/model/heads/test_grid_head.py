"""The grid head: gold goes in and comes out, the loss by hand, padding and windows, and a mixture of two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.dataset import write_dataset
from schemas.entities import find_entities
from schemas.errors import InputError, UsageError
from schemas.records import Entity, Relation, Sample, Span
from schemas.run_files import read_scores, scores_path
from tests.support.tiny_encoder import build_encoder, make_tweets, write_tweets
from trainer.commands import evaluate_run, fit_and_evaluate, predict_rows, write_conll
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet, Window
from trainer.mixture import fit_mixture
from trainer.model.heads.grid import GridHead
from trainer.model.heads.head import Reading, View
from trainer.model.heads.settings import GridSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
NER = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
JOINT = LabelSet("joint", ("loc", "per", "near", "of"), relations=("near", "of"))
SMALL = GridSettings(recurrent_dim=8, biaffine_dim=4, channels=4, pair_dim=4)
CONCAT = GridSettings(scorer="concat", recurrent_dim=0)
TAGGED = Sample("a", ("x", "y", "z", "w"), tags=("B-PER", "I-PER", "O", "B-LOC"))
RECORDS = Sample(
    "b",
    ("x", "y", "z", "w"),
    entities=(Entity(0, 2, "per"), Entity(3, 4, "loc")),
    relations=(Relation(Span(3, 4), Span(0, 2), "near"),),
)
NESTED = Sample("c", ("x", "y", "z"), entities=(Entity(0, 3, "PER"), Entity(2, 3, "LOC")))


@pytest.mark.parametrize(("labels", "sample"), [(NER, TAGGED), (JOINT, RECORDS), (NER, NESTED)])
def test_gold_goes_in_and_comes_out(labels: LabelSet, sample: Sample) -> None:
    classes = GridHead.gold_classes(labels, sample)
    assert classes is not None and len(classes) == len(sample.tokens) ** 2
    answer = GridHead.answer(labels, classes, sample)
    assert set(answer.records) == set(labels.task.gold_records(sample) or ()) and answer.labels == ()
    assert GridHead.gold_classes(labels, replace(sample, tags=None, entities=None, relations=None)) is None


def test_a_type_that_is_not_known_is_named_with_its_sample() -> None:
    with pytest.raises(InputError, match=r"unknown record 'cat'.*model knows loc, near, of, per"):
        GridHead.gold_classes(JOINT, replace(RECORDS, entities=(Entity(0, 1, "cat"),)))


@pytest.mark.parametrize(("labels", "settings"), [(NER, SMALL), (JOINT, CONCAT)])
def test_the_loss_is_the_mean_cross_entropy_of_the_cells_and_padding_changes_nothing(
    labels: LabelSet, settings: GridSettings
) -> None:
    torch.manual_seed(1)
    head = GridHead(6, labels, settings).eval()
    states, mask = torch.randn(2, 5, 6), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    classes = len(labels.types) + (len(labels.relations) + 1 if labels.relations else 2)
    targets = torch.randint(0, classes, (2, 25))
    view = View(states, mask, head.score_states(states, mask))
    assert view.logits.shape == (2, 25, classes) and head.state_mask(mask).sum(1).tolist() == [25, 9]
    alone = head(states[1:, :3])
    assert torch.allclose(view.logits[1:, :9], alone, atol=1e-5)
    probabilities = alone[0].softmax(-1)
    by_hand = -sum(probabilities[cell, targets[1, cell]].log() for cell in range(9)) / 9
    assert torch.allclose(head.loss(view, targets)[1], by_hand, atol=1e-5)
    posterior = head.posterior(view)
    assert torch.allclose(posterior.log_probs[1, :9].exp(), probabilities, atol=1e-5)
    assert posterior.log_probs[1, 9:].abs().sum() == 0 and posterior.log_pairs is None
    assert torch.equal(head.decode(view)[1, :9], alone[0].argmax(-1))


def test_every_weight_of_both_scorers_gets_a_gradient() -> None:
    torch.manual_seed(2)
    for labels, settings in ((NER, SMALL), (JOINT, CONCAT)):
        head = GridHead(6, labels, settings)
        view = View(torch.randn(1, 4, 6), mask := torch.ones(1, 4, dtype=torch.bool), torch.empty(0))
        view = view._replace(logits=head.score_states(view.states, mask))
        head.loss(view, torch.randint(0, 4, (1, 16))).sum().backward()  # type: ignore[no-untyped-call]
        assert all(weight.grad is not None for weight in head.parameters())


@pytest.mark.parametrize(("labels", "settings"), [(NER, SMALL), (JOINT, CONCAT)])
def test_half_precision_gives_nearly_the_same_logits(labels: LabelSet, settings: GridSettings) -> None:
    torch.manual_seed(3)
    head = GridHead(6, labels, settings).eval()
    states, mask = torch.randn(2, 5, 6), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head.score_states(states, mask)
    there = head.state_mask(mask)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits[there], head.score_states(states, mask)[there], atol=0.1)


def test_words_beyond_the_window_have_empty_cells() -> None:
    head = GridHead(6, NER, SMALL)
    window = Window((0, 1, 2), (1, 2), 3, (), 0, 2)
    targets = head.targets(TAGGED, window)
    assert targets is not None and len(targets) == 4
    classes = torch.tensor(targets)
    log_probs = torch.nn.functional.one_hot(classes, 4).float().log().clamp(min=-30.0)
    read = head.extend(Reading(log_probs, classes, torch.zeros(6), None), TAGGED)
    assert read.classes.shape == (16,) and torch.equal(read.log_probs.argmax(-1), read.classes)
    assert head.answer(NER, read.classes.tolist(), TAGGED).records == (Entity(0, 2, "PER"),)


def config_of(tmp_path: Path, *settings: str) -> RunConfig:
    if not (tmp_path / "encoder").exists():
        build_encoder(tmp_path / "encoder")
        write_tweets(tmp_path / "tweets", train=48, dev=8, test=12)
    size = [f"model.head.{name}" for name in ("recurrent_dim=0", "biaffine_dim=16", "channels=8", "pair_dim=8")]
    rates = ["dropout=0.0", "conv_dropout=0.0", "layer_dropout=0.0"]
    shared = [
        f"encoder.name={tmp_path / 'encoder'}", f"data.samples={tmp_path / 'tweets'}", "encoder.max_length_pieces=64",
        "model.head.kind=grid", *size, *(f"model.head.{row}" for row in rates), "training.epochs=8",
        "training.head_lr=0.02", "training.encoder_lr=0.003", "training.crf_lr=0.05",
    ]  # fmt: skip
    return override(RunConfig(), [*shared, *settings])


def test_two_grids_are_trained_and_their_posteriors_mixed_and_other_heads_do_not_mix_with_them(tmp_path: Path) -> None:
    for seed in (1, 2):
        facts = fit_and_evaluate(config_of(tmp_path, f"training.seed={seed}"), tmp_path / f"grid-{seed}")
        assert facts["test_f1"] > 0.5
    (tmp_path / "posts.jsonl").write_text('{"tokens": ["anna", "went", "to", "rome", "oslo"]}\n')
    (row,) = predict_rows(tmp_path / "grid-1", tmp_path / "posts.jsonl")
    found = [(entity["start"], entity["end"], entity["type"]) for entity in row["entities"]]
    assert {(part.start, part.end, part.type) for part in find_entities(row["tags"])} <= set(found)
    write_conll(tmp_path / "posts.conll", [row])
    assert (tmp_path / "posts.conll").read_text().splitlines()[0].split("\t") == ["anna", row["tags"][0]]
    fit_mixture([tmp_path / "grid-1", tmp_path / "grid-2"], tmp_path / "mixture")
    evaluate_run(tmp_path / "mixture", "test")
    mixed = read_scores(scores_path(tmp_path / "mixture", "test")).rows["default"].f1
    singles = [read_scores(scores_path(tmp_path / f"grid-{seed}", "test")).rows["default"].f1 for seed in (1, 2)]
    assert mixed >= min(singles)
    head = ['model.head={kind = "tagging"}']
    fit_and_evaluate(override(config_of(tmp_path), ["training.epochs=1", *head]), tmp_path / "crf")
    with pytest.raises(InputError, match="another kind of head"):
        fit_mixture([tmp_path / "grid-1", tmp_path / "crf"], tmp_path / "other")


def test_a_joint_grid_learns_entities_and_their_directed_relation(tmp_path: Path) -> None:
    build_encoder(tmp_path / "encoder")
    samples = {
        name: [_as_records(row) for row in make_tweets(n, name, 1)]
        for name, n in (("train", 48), ("dev", 8), ("test", 12))
    }
    labels = ["LOC", "PER", "in"]
    write_dataset(tmp_path / "joint", samples, name="tiny", task="joint", labels=labels, inputs=[], counters={})
    settings = [f"data.samples={tmp_path / 'joint'}"]
    write_tweets(tmp_path / "tweets", train=2, dev=2, test=2)
    facts = fit_and_evaluate(config_of(tmp_path, *settings), tmp_path / "run")
    (tmp_path / "posts.jsonl").write_text('{"tokens": ["anna", "went", "to", "rome", "oslo"]}\n')
    with (tmp_path / "posts.jsonl").open("a") as file:
        file.write('{"text": ""}\n')
    rows = predict_rows(tmp_path / "run", tmp_path / "posts.jsonl")
    assert rows[0]["relations"] and "tags" not in rows[0] and rows[1]["entities"] == rows[1]["relations"] == []
    with pytest.raises(UsageError, match="columns hold tags, and this system gives none"):
        write_conll(tmp_path / "posts.conll", rows)
    scores = read_scores(scores_path(tmp_path / "run", "test"))
    assert scores.main == scores.rows["JMERE"] and facts["test_f1"] > 0.5


def _as_records(sample: Sample) -> Sample:
    """Return a tweet whose person is in its place."""
    entities = tuple(row for row in NER.task.gold_records(sample) or () if isinstance(row, Entity))
    (person,), (place,) = ([Span(*row[:2]) for row in entities if row.type == kind] for kind in ("PER", "LOC"))
    return replace(sample, tags=None, entities=entities, relations=(Relation(person, place, "in"),))
