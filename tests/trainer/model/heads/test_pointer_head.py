"""The heads that write: loss and search agree, small sets are learned to the letter, regions are masks, runs load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.dataset import write_dataset
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.run_files import read_scores, scores_path
from tests.support.tiny_encoder import build_encoder, make_pairs, make_tweets
from trainer.commands import fit_and_evaluate
from trainer.config import RunConfig, override
from trainer.inputs import Features, LabelSet
from trainer.mixture import fit_mixture
from trainer.model.heads.head import View
from trainer.model.heads.pointer import PointerHead, RegionPointerHead
from trainer.model.heads.pointer_settings import PointerSettings, RegionPointerSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
TWEETS = make_tweets(32, "train", 1)
SMALL = {"width": 32, "layers": 1, "attention_heads": 2, "dropout": 0.0}


def states_of(samples: Sequence[Sample], size: int = 16) -> View:
    """A view in which each word and each place has a random vector of its own."""
    words = sorted({token for sample in samples for token in sample.tokens})
    draw = torch.Generator().manual_seed(4)
    table, places = torch.randn(len(words), size, generator=draw), torch.randn(64, size, generator=draw)
    longest = max(len(sample.tokens) for sample in samples)
    states, mask = torch.zeros(len(samples), longest, size), torch.zeros(len(samples), longest, dtype=torch.bool)
    for row, sample in enumerate(samples):
        states[row, : len(sample.tokens)] = table[[words.index(token) for token in sample.tokens]]
        states[row, : len(sample.tokens)] += places[: len(sample.tokens)]
        mask[row, : len(sample.tokens)] = True
    return View(states, mask, torch.zeros(len(samples), longest, 1), tuple(samples))


def entities(sample: Sample) -> list[tuple[int, int, str]]:
    return [row[:3] for row in LABELS.task.gold_records(sample) or () if isinstance(row, Entity)]


@pytest.mark.parametrize("kind", ["index", "phrase", "umie", "sel"])
def test_thirty_two_tweets_are_learned_to_the_letter(kind: str) -> None:
    torch.manual_seed(2)
    head = PointerHead(16, LABELS, PointerSettings(format=kind, **SMALL))
    view, optimizer = states_of(TWEETS), torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(70):
        optimizer.zero_grad()
        head.loss(view, torch.zeros(0)).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    head.eval()
    found = head.answers(view, TWEETS)
    assert [[row[:3] for row in answer.entities] for answer in found] == [entities(sample) for sample in TWEETS]


def test_the_loss_is_the_log_probability_that_the_search_gives() -> None:
    torch.manual_seed(3)
    head = PointerHead(16, LABELS, PointerSettings(**SMALL)).eval()
    sample = Sample("1", ("paris", "hilton"), tags=("B-PER", "I-PER"))
    view = states_of([sample])
    found = head.write(view, beams=40)[1][0]
    assert sum(math.exp(row.log_prob) for row in found) == pytest.approx(1.0, abs=1e-4)
    gold = next(row for row in found if row.symbols == (0, 1, "<<no region>>", "<<PER>>"))
    assert head.loss(view, torch.zeros(0)).item() == pytest.approx(-gold.log_prob, abs=1e-4)


def test_padding_changes_no_loss_and_no_answer() -> None:
    torch.manual_seed(3)
    head = PointerHead(16, LABELS, PointerSettings(**SMALL)).eval()
    both, samples = states_of(TWEETS[:6]), TWEETS[:6]
    losses = head.loss(both, torch.zeros(0))
    for row, sample in enumerate(samples):
        length = len(sample.tokens)
        own = View(both.states[row : row + 1, :length], both.mask[row : row + 1, :length], both.logits, (sample,))
        assert head.loss(own, torch.zeros(0)).item() == pytest.approx(losses[row].item(), abs=1e-4)
        assert head.answers(own, [sample]) == [head.answers(both, samples)[row]]


def test_tokens_beyond_the_window_are_in_no_text() -> None:
    head = PointerHead(16, LABELS, PointerSettings(**SMALL)).eval()
    sample = TWEETS[0]
    view = states_of([replace(sample, tokens=sample.tokens[:3])])._replace(samples=(sample,))
    assert torch.isfinite(head.loss(view, torch.zeros(0))).all()
    assert all(row.end <= 3 for answer in head.answers(view, [sample]) for row in answer.entities)


def grounded(is_published: bool = False) -> tuple[RegionPointerHead, View]:
    torch.manual_seed(5)
    head = RegionPointerHead(
        16, LABELS, RegionPointerSettings(feature_dim=6, is_published=is_published, **SMALL)
    ).eval()
    boxes = torch.tensor([[float("nan")] * 4, [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    samples = [
        replace(sample, entities=tuple(Entity(*row, boxes=(Box(0, 0, 10, 9),)) for row in entities(sample)))
        for sample in TWEETS[:4]
    ]
    values = torch.randn(4, 3, 6)
    features = Features(
        values, torch.ones(4, 3, dtype=torch.bool), boxes.expand(4, 3, 4), torch.tensor([0, 1, 1]), None
    )
    return head, states_of(samples)._replace(features=features)


def test_a_region_is_learned_and_its_box_is_answered() -> None:
    head, view = grounded()
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        head.loss(view, torch.zeros(0)).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for sample, answer in zip(view.samples, head.answers(view, view.samples), strict=True):
        assert [row[:3] for row in answer.entities] == entities(sample)
        assert all(row.boxes == (Box(0, 0, 10, 10),) for row in answer.entities)


def test_absent_regions_are_a_mask() -> None:
    head, view = grounded()
    assert view.features is not None
    absent = view.features._replace(present=torch.zeros(4, 3, dtype=torch.bool), values=torch.full((4, 3, 6), 1e6))
    bare, masked = view._replace(features=None), view._replace(features=absent)
    assert torch.allclose(head.loss(bare, torch.zeros(0)), head.loss(masked, torch.zeros(0)), atol=1e-5)
    assert head.answers(bare, view.samples) == head.answers(masked, view.samples)
    assert not any(row.boxes for answer in head.answers(masked, view.samples) for row in answer.entities)
    one = view.features._replace(present=view.features.present & torch.tensor([True, True, False]))
    other = one._replace(values=one.values.clone())
    other.values[:, 2] = 7.0
    kept = [head.loss(view._replace(features=features), torch.zeros(0)) for features in (one, other)]
    norm = [head.decoder.remember(view.states, view.states, view.mask, f.values, f.present) for f in (one, other)]
    assert norm[0].mask.equal(norm[1].mask) and kept[0].shape == kept[1].shape


def test_without_a_picture_text_is_read_by_the_layer_that_reads_it_with_one() -> None:
    decoder, view = grounded()[0].decoder, grounded()[1]
    bare = decoder.remember(view.states, view.states, view.mask, None, None).values
    assert torch.equal(bare, decoder.joint(decoder.source(view.states), src_key_padding_mask=~view.mask))


def test_a_share_of_the_samples_has_no_picture_in_training() -> None:
    head, view = grounded()
    assert isinstance(head.settings, RegionPointerSettings)
    head.settings = replace(head.settings, absent_share=0.999)
    bare, whole, none = view._replace(features=None), view, torch.zeros(0)
    assert torch.allclose(head.train().loss(whole, none), head.loss(bare, none), atol=1e-5)
    assert not torch.allclose(head.eval().loss(whole, none), head.loss(bare, none), atol=1e-2)


def test_text_sees_regions_before_the_decoder_but_not_in_the_published_behaviour() -> None:
    for is_published in (False, True):
        head, view = grounded(is_published)
        assert view.features is not None
        present = view.features.present & torch.tensor([False, True, True])
        first = head.decoder.remember(view.states, view.states, view.mask, view.features.values, present)
        moved = view.features.values.flip(1)
        second = head.decoder.remember(view.states, view.states, view.mask, moved, present)
        length = view.states.shape[1]
        assert torch.allclose(first.values[:, :length], second.values[:, :length]) == is_published
        assert not torch.allclose(first.values[:, length:], second.values[:, length:])


def test_a_region_is_chosen_by_the_state_that_was_trained_but_not_in_the_published_behaviour() -> None:
    chosen = {}
    for is_published in (False, True):
        head, view = grounded(is_published)
        memory, texts = head._memory(view), [[0, "<<which region>>", "<<PER>>"]] * 4
        ids, lengths = head._padded(texts, torch.device("cpu"))
        scores = head.decoder.region_scores(memory, head.decoder(memory, head._moved(ids), lengths)[0])
        boxes = {1: Box(0, 0, 10, 10), 2: Box(20, 0, 30, 10)}
        found = head._chosen(memory, texts, view)
        for row in range(4):
            state = 1 if is_published else 2  # state 1 writes the symbol, state 2 has read it
            assert found[row, 1] == (boxes[int(scores[row, state].argmax())],)
        chosen[is_published] = found
    assert chosen[False].keys() == chosen[True].keys()


def test_probabilities_for_a_mixture_sum_to_one_and_favour_the_answer() -> None:
    torch.manual_seed(2)
    head = PointerHead(16, LABELS, PointerSettings(mixed_beams=40, **SMALL)).eval()
    samples = [replace(sample, tokens=sample.tokens[:2], tags=None) for sample in TWEETS[:2]]
    view = states_of(samples)
    posterior = head.posterior(view, with_pairs=True)
    assert posterior is not None and posterior.log_pairs is not None
    assert torch.allclose(posterior.log_probs.exp().sum(-1), torch.ones(2, 2), atol=1e-4)
    exact = torch.zeros(2, 5)
    for text in head.write(view, 40)[1][0]:
        names = head.format.read_symbols(text.symbols, samples[0]).records
        for place in range(2):
            kind = [row for row in names if isinstance(row, Entity) and row.start <= place < row.end]
            label = "O" if not kind else f"{'B' if kind[0].start == place else 'I'}-{kind[0].type}"
            if len(kind) <= 1:
                exact[place, LABELS.names.index(label)] += math.exp(text.log_prob)
    # texts with overlapping entities have one tag for each token too, the first entity's: at most they add
    assert (posterior.log_probs[0].exp() + 1e-3 >= exact).all()


def write_set(folder: Path, task: str, samples: dict[str, list[Sample]], labels: Sequence[str]) -> Path:
    write_dataset(folder, samples, name="tiny", task=task, labels=labels, inputs=[], counters={})  # type: ignore[arg-type]
    return folder


def settings_of(tmp_path: Path, samples: Path, *extra: str) -> RunConfig:
    encoder = tmp_path / "encoder"
    if not encoder.exists():
        build_encoder(encoder)
    shared = [
        f"encoder.name={encoder}", f"data.samples={samples}", "encoder.max_length_pieces=64", "training.epochs=8",
        "training.head_lr=0.01", "training.encoder_lr=0.003",
    ]  # fmt: skip
    return override(RunConfig(), [*shared, *extra])


def test_a_writer_is_trained_kept_and_mixed_with_a_crf(tmp_path: Path) -> None:
    splits = {name: make_tweets(count, name, 1) for name, count in (("train", 48), ("dev", 12), ("test", 12))}
    samples = write_set(tmp_path / "samples", "ner", splits, ["LOC", "PER"])
    small = [f"model.head.{name}={value}" for name, value in SMALL.items()]
    writer = settings_of(tmp_path, samples, "model.head.kind=pointer", *small)
    facts = fit_and_evaluate(writer, tmp_path / "writer")
    assert facts["test_f1"] > 0.8
    assert read_scores(scores_path(tmp_path / "writer", "test")).main.f1 == facts["test_f1"]
    fit_and_evaluate(settings_of(tmp_path, samples, "model.head.kind=tagging", "training.epochs=2"), tmp_path / "crf")
    fit_mixture([tmp_path / "writer", tmp_path / "crf"], tmp_path / "mixture")


def test_a_writer_of_relations_learns_and_is_scored(tmp_path: Path) -> None:
    splits = {name: make_pairs(count, name, 1) for name, count in (("train", 48), ("dev", 12), ("test", 12))}
    labels = ["None", "/per/loc/visits", "/per/per/peer"]
    samples = write_set(tmp_path / "samples", "re", splits, labels)
    small = [f"model.head.{name}={value}" for name, value in SMALL.items()]
    config = settings_of(tmp_path, samples, "model.head.kind=pointer", "model.head.format=umie", *small)
    assert fit_and_evaluate(config, tmp_path / "run")["test_f1"] > 0.8


def test_a_writer_of_joint_records_answers_entities_and_relations(tmp_path: Path) -> None:
    splits = {}
    for name, count in (("train", 32), ("dev", 8), ("test", 8)):
        rows = []
        for sample in make_tweets(count, name, 1):
            found = [Entity(*row) for row in entities(sample)]
            ends = [Span(row.start, row.end) for row in found]
            rows.append(
                replace(sample, tags=None, entities=tuple(found), relations=(Relation(ends[0], ends[1], "near"),))
            )
        splits[name] = rows
    samples = write_set(tmp_path / "samples", "joint", splits, ["LOC", "PER", "near"])
    small = [f"model.head.{name}={value}" for name, value in SMALL.items()]
    config = settings_of(tmp_path, samples, "model.head.kind=joint_pointer", *small)
    assert fit_and_evaluate(config, tmp_path / "run")["test_f1"] > 0.3
