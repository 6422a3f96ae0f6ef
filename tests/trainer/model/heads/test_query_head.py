"""The query head: decoding beside brute force, the loss by hand, existence, padding, windows, and a mixture of two."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.records import Entity, Sample
from schemas.run_files import read_scores, scores_path
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.commands import evaluate_run, fit_and_evaluate
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet, Window
from trainer.mixture import fit_mixture
from trainer.model.heads.head import Reading, View
from trainer.model.heads.query import QueryHead
from trainer.model.heads.settings import QuerySettings
from trainer.model.heads.slots import EXISTS, slot_count, slots_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
ONE = LabelSet("ner", ("O", "B-PER", "I-PER"))
SAMPLE = Sample("a", ("x", "y", "z", "w"), tags=("B-PER", "I-PER", "O", "B-LOC"))


def test_gold_goes_in_and_comes_out() -> None:
    classes = QueryHead.gold_classes(LABELS, SAMPLE)
    assert classes is not None and len(classes) == 2 * slot_count(4) and sum(classes) == 8
    assert QueryHead.answer(LABELS, classes, SAMPLE).records == (Entity(0, 2, "PER"), Entity(3, 4, "LOC"))
    assert QueryHead.gold_classes(LABELS, replace(SAMPLE, tags=None)) is None
    with pytest.raises(InputError, match=r"unknown tag 'LOC'.*knows PER"):
        QueryHead.gold_classes(ONE, SAMPLE)


@given(st.lists(st.sampled_from(LABELS.names), min_size=1, max_size=8))
def test_the_entities_of_any_tags_go_in_and_come_out(tags: list[str]) -> None:
    sample = Sample("a", tuple("x" * len(tags)), tags=tuple(tags))
    classes = QueryHead.gold_classes(LABELS, sample)
    assert classes is not None
    gold = LABELS.task.gold_records(sample)
    assert QueryHead.answer(LABELS, classes, sample).records == tuple(gold or ())


def test_a_type_that_is_not_there_has_no_entities_whatever_its_starts_and_ends_say() -> None:
    decisions = torch.ones(slot_count(3), 2, dtype=torch.long)
    decisions[EXISTS, 1] = 0
    found = QueryHead.answer(LABELS, decisions.flatten().tolist(), replace(SAMPLE, tokens=("x", "y", "z")))
    assert found.records == (Entity(0, 1, "LOC"), Entity(1, 2, "LOC"), Entity(2, 3, "LOC"))


def test_all_decisions_about_three_words_are_read_as_their_definition_says() -> None:
    slots = slots_of(3)
    pairs = list(zip(slots.firsts.tolist(), slots.lasts.tolist(), strict=True))
    for bits in product((0, 1), repeat=12):
        starts, ends, matches = bits[:3], bits[3:6], dict(zip(pairs, bits[6:], strict=True))
        decisions = torch.zeros(slot_count(3), dtype=torch.long)
        decisions[EXISTS] = 1
        decisions[slots.starts], decisions[slots.ends] = torch.tensor(starts), torch.tensor(ends)
        decisions[slots.spans] = torch.tensor(bits[6:])
        right = []
        for i in range(3):
            nearest = next((j for j in range(i, 3) if ends[j]), None)
            if starts[i] and nearest is not None and matches[i, nearest]:
                right.append(Entity(i, nearest + 1, "PER"))
        assert QueryHead.answer(ONE, decisions.tolist(), SAMPLE).records == tuple(right)


def head_and_view(candidates: str) -> tuple[QueryHead, View]:
    torch.manual_seed(3)
    settings = QuerySettings(
        match_dim=5, start_weight=2.0, end_weight=1.0, match_weight=1.0, existence_weight=0.5, candidates=candidates
    )
    head = QueryHead(6, LABELS, settings).eval()
    states, mask = torch.randn(2, 4, 6), torch.tensor([[True] * 4, [True] * 2 + [False] * 2])
    return head, View(states, mask, head.score_states(states, mask))


@pytest.mark.parametrize("candidates", ["all", "gold", "gold or predicted"])
def test_the_loss_is_the_weighted_sum_of_binary_cross_entropies_by_hand(candidates: str) -> None:
    head, view = head_and_view(candidates)
    right = QueryHead.gold_classes(LABELS, Sample("b", ("x", "y"), tags=("B-PER", "I-PER")))
    assert right is not None
    targets = torch.zeros(2, 2 * slot_count(4), dtype=torch.long)
    targets[1, : len(right)] = torch.tensor(right)
    yes = view.logits[1, :, 1].sigmoid().view(-1, 2)  # [S, C]
    gold, slots = targets[1].view(-1, 2), slots_of(2)

    def mean(places: list[tuple[int, int]]) -> float:
        each = [-(yes[s, c] if gold[s, c] else 1 - yes[s, c]).log().item() for s, c in places]
        return sum(each) / len(each) if each else 0.0

    starts, ends, spans = ([(int(s), c) for s in part for c in (0, 1)] for part in slots[:3])
    kept = []
    for (slot, kind), (i, j) in zip(spans, [pair for pair in ((0, 0), (0, 1), (1, 1)) for _ in (0, 1)], strict=True):
        is_gold = gold[slots.starts[i], kind] and gold[slots.ends[j], kind]
        is_found = yes[slots.starts[i], kind] > 0.5 and yes[slots.ends[j], kind] > 0.5
        if candidates == "all" or is_gold or (candidates != "gold" and is_found):
            kept.append((slot, kind))
    by_hand = 0.5 * mean(starts) + 0.25 * mean(ends) + 0.25 * mean(kept) + 0.5 * mean([(EXISTS, 0), (EXISTS, 1)])
    assert head.loss(view, targets)[1].item() == pytest.approx(by_hand, abs=1e-5)


def test_padding_changes_nothing_and_probabilities_are_of_yes_and_no() -> None:
    head, view = head_and_view("all")
    alone = head(view.states[1:, :2])
    there = head.state_mask(view.mask)
    assert there.sum(1).tolist() == [2 * slot_count(4), 2 * slot_count(2)]
    assert torch.allclose(view.logits[1][there[1]], alone[0], atol=1e-5)
    posterior = head.posterior(view)
    assert torch.allclose(posterior.log_probs[1][there[1]].exp()[:, 1], (alone[0, :, 1]).sigmoid(), atol=1e-5)
    assert posterior.log_probs[1][~there[1]].abs().sum() == 0
    assert torch.equal(head.decode(view)[1][there[1]], (alone[0, :, 1] > 0).long())


def test_half_precision_gives_nearly_the_same_logits() -> None:
    head, view = head_and_view("all")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head.score_states(view.states, view.mask)
    there = head.state_mask(view.mask)
    assert logits.dtype == torch.float32 and torch.allclose(logits[there], view.logits[there], atol=0.1)


def test_words_beyond_the_window_are_in_no_span() -> None:
    head, _ = head_and_view("all")
    targets = head.targets(SAMPLE, Window((0, 1, 2), (1, 2), 3, (), 0, 2))
    assert targets is not None and len(targets) == 2 * slot_count(2)
    classes = torch.tensor(targets)
    log_probs = torch.nn.functional.one_hot(classes, 2).float().log().clamp(min=-30.0)
    read = head.extend(Reading(log_probs, classes, torch.zeros(6), None), SAMPLE)
    assert len(read.classes) == 2 * slot_count(4) and torch.equal(read.log_probs.argmax(-1), read.classes)
    assert head.answer(LABELS, read.classes.tolist(), SAMPLE).records == (Entity(0, 2, "PER"),)


def config_of(tmp_path: Path, seed: int) -> RunConfig:
    if not (tmp_path / "encoder").exists():
        build_encoder(tmp_path / "encoder")
        write_tweets(tmp_path / "tweets", train=48, dev=8, test=12)
    settings = [
        f"encoder.name={tmp_path / 'encoder'}", f"data.samples={tmp_path / 'tweets'}", "encoder.max_length_pieces=64",
        "model.head.kind=query", "model.head.match_dim=16", "model.head.dropout=0.0", "training.epochs=8",
        "training.head_lr=0.02", "training.encoder_lr=0.003", f"training.seed={seed}",
    ]  # fmt: skip
    return override(RunConfig(), settings)


def test_two_of_them_are_trained_and_mixed(tmp_path: Path) -> None:
    for seed in (1, 2):
        assert fit_and_evaluate(config_of(tmp_path, seed), tmp_path / f"run-{seed}")["test_f1"] > 0.5
    fit_mixture([tmp_path / "run-1", tmp_path / "run-2"], tmp_path / "mixture")
    evaluate_run(tmp_path / "mixture", "test")
    scores = [
        read_scores(scores_path(tmp_path / name, "test")).rows["default"].f1 for name in ("run-1", "run-2", "mixture")
    ]
    assert scores[2] >= min(scores[:2])
