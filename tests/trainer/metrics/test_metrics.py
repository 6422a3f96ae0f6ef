"""Scores of entities and relations, beside seqeval, beside counts by hand, and beside each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.entities import find_entities
from trainer.metrics import (
    Counts,
    Score,
    compare_paired,
    entity_counts,
    relation_counts,
    score_entities,
    score_groups,
    score_relations,
    score_seen_unseen,
    score_to_json,
    scores_to_markdown,
    surface_forms,
    to_markdown,
)

BIO = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
BIOES = st.sampled_from(["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC"])


def pairs(tags: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    return st.lists(st.lists(st.tuples(tags, tags), min_size=1, max_size=8), min_size=1, max_size=5)


def parted(rows: list[list[tuple[str, str]]]) -> tuple[list[list[str]], list[list[str]]]:
    return [[g for g, _ in row] for row in rows], [[p for _, p in row] for row in rows]


@pytest.mark.parametrize("tags", [BIO, BIOES])
def test_default_entities_are_those_of_seqeval(tags: st.SearchStrategy[str]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")

    @settings(max_examples=150, deadline=None)
    @given(st.lists(tags, min_size=1, max_size=10))
    def same(row: list[str]) -> None:
        ours = [(entity.type, entity.start, entity.end - 1) for entity in find_entities(row)]
        assert ours == seqeval.get_entities(row)

    same()


@pytest.mark.filterwarnings("ignore")  # seqeval and scikit-learn warn of undefined scores
@pytest.mark.parametrize("convention", ["default", "strict"])
def test_scores_are_those_of_seqeval(convention: str) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    scheme = pytest.importorskip("seqeval.scheme")
    options = {"mode": "strict", "scheme": scheme.IOB2} if convention == "strict" else {}

    @settings(max_examples=80, deadline=None)
    @given(pairs(BIO))
    def same(rows: list[list[tuple[str, str]]]) -> None:
        gold, predicted = parted(rows)
        ours = score_entities(gold, predicted, convention)  # type: ignore[arg-type]
        if not ours.counts.gold + ours.counts.predicted:
            return  # seqeval's strict mode cannot score a set without any entity
        for name, value in (("precision", ours.precision), ("recall", ours.recall), ("f1", ours.f1)):
            theirs = getattr(seqeval, f"{name}_score")(gold, predicted, zero_division=0, **options)
            assert value == pytest.approx(theirs, abs=1e-12)
        report = seqeval.classification_report(gold, predicted, output_dict=True, zero_division=0, **options)
        assert set(ours.by_class) == set(report) - {"micro avg", "macro avg", "weighted avg"}
        for kind, score in ours.by_class.items():
            assert score.f1 == pytest.approx(report[kind]["f1-score"], abs=1e-12)
            assert score.counts.gold == report[kind]["support"]
        assert ours.macro_f1 == pytest.approx(report["macro avg"]["f1-score"], abs=1e-12)

    same()


def test_the_two_conventions_differ_on_orphan_tags() -> None:
    gold = [["I-PER", "O", "B-LOC"]]
    predicted = [["O", "O", "B-LOC"]]
    default, strict = (score_entities(gold, predicted, name) for name in ("default", "strict"))  # type: ignore[arg-type]
    assert default.counts == Counts(right=1, predicted=1, gold=2) and default.f1 == pytest.approx(2 / 3)
    assert strict.counts == Counts(right=1, predicted=1, gold=1) and strict.f1 == 1.0
    switch = ["B-PER", "I-LOC"]
    assert [entity.type for entity in find_entities(switch)] == ["PER", "LOC"]
    assert [entity.type for entity in find_entities(switch, "strict")] == ["PER"]


def test_a_boundary_or_type_error_is_one_wrong_and_one_missed() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    score = score_entities(gold, [["B-PER", "O", "O", "B-ORG"]])
    assert score.counts == Counts(right=0, predicted=2, gold=2) and score.f1 == 0.0
    assert {kind: part.counts for kind, part in score.by_class.items()} == {
        "LOC": Counts(0, 0, 1),
        "ORG": Counts(0, 1, 0),
        "PER": Counts(0, 1, 1),
    }


def test_sequences_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="sequence 2: 1 gold tags, 2 predicted"):
        score_entities([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="1 gold sequences, 2 predicted"):
        score_entities([["O"]], [["O"], ["O"]])


def test_seen_and_unseen_follow_the_surface_form_and_add_up() -> None:
    known = surface_forms([["New", "York", "is"]], [["B-LOC", "I-LOC", "O"]])
    assert known == {"new york"}
    tokens = [["NEW", "YORK", "met", "Bob"], ["York"]]
    gold = [["B-LOC", "I-LOC", "O", "B-PER"], ["B-LOC"]]
    predicted = [["B-LOC", "I-LOC", "O", "O"], ["B-PER"]]
    scores = score_seen_unseen(tokens, gold, predicted, known)
    assert scores["seen"].counts == Counts(1, 1, 1)
    assert scores["unseen"].counts == Counts(0, 1, 2)


@given(pairs(BIO))
def test_counts_per_sample_add_up_to_the_score(rows: list[list[tuple[str, str]]]) -> None:
    gold, predicted = parted(rows)
    per_sample = entity_counts(gold, predicted)
    groups = score_groups(["even" if i % 2 == 0 else "odd" for i in range(len(gold))], per_sample)
    total = score_entities(gold, predicted).counts
    assert total == Counts(*(sum(score.counts[i] for score in groups.values()) for i in range(3)))


def test_relation_f1_leaves_none_out() -> None:
    gold = ["None", "None", "peer", "peer", "part", "part"]
    predicted = ["None", "peer", "peer", "None", "peer", "part"]
    score = score_relations(gold, predicted)
    assert score.counts == Counts(right=2, predicted=4, gold=4)
    assert (score.precision, score.recall, score.f1) == (0.5, 0.5, 0.5)
    assert score.by_class["peer"].counts == Counts(1, 3, 2) and score.by_class["part"].counts == Counts(1, 1, 2)
    assert score_relations(["None"] * 9, ["None"] * 9).f1 == 0.0
    assert sum(count.right for count in relation_counts(gold, predicted)) == 2


def test_relation_f1_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels = st.sampled_from(["None", "a", "b", "c"])

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(labels, labels), min_size=1, max_size=20))
    def same(rows: list[tuple[str, str]]) -> None:
        gold, predicted = [g for g, _ in rows], [p for _, p in rows]
        theirs = metrics.f1_score(gold, predicted, labels=["a", "b", "c"], average="micro", zero_division=0)
        assert score_relations(gold, predicted).f1 == pytest.approx(theirs, abs=1e-12)

    same()


def test_the_bootstrap_tells_a_clear_difference_from_none() -> None:
    better = [Counts(1, 1, 1)] * 80 + [Counts(0, 1, 1)] * 20
    worse = [Counts(1, 1, 1)] * 50 + [Counts(0, 1, 1)] * 50
    found = compare_paired(better, worse, resamples=500)
    assert found.difference == pytest.approx(0.3) and 0.15 < found.low < 0.3 < found.high < 0.45
    assert found.p_value < 0.01
    same = compare_paired(better, better, resamples=500)
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert compare_paired(worse, better, resamples=500).difference == pytest.approx(-0.3)


def test_the_bootstrap_is_calibrated_where_nothing_differs() -> None:
    import numpy as np

    generator = np.random.default_rng(3)
    rejected = 0
    for seed in range(100):
        right = generator.integers(0, 2, (2, 60))
        a, b = ([Counts(int(value), 1, 1) for value in row] for row in right)
        rejected += compare_paired(a, b, resamples=200, seed=seed).p_value < 0.05
    assert rejected <= 12  # 5 expected; more than 12 has a chance of 0.1 %


def test_the_bootstrap_refuses_what_is_not_paired() -> None:
    with pytest.raises(ValueError, match="1 samples beside 2"):
        compare_paired([Counts()], [Counts()] * 2)
    with pytest.raises(ValueError, match="other gold labels"):
        compare_paired([Counts(0, 0, 1)], [Counts(0, 0, 2)])


def test_scores_are_rendered_as_json_and_markdown() -> None:
    score = score_entities([["B-PER", "B-LOC"]], [["B-PER", "B-PER"]])
    values = json.loads(json.dumps(score_to_json(score)))
    assert values["f1"] == 0.5 and values["by_class"]["PER"]["precision"] == 0.5
    assert values["by_class"]["LOC"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "right": 0, "predicted": 0, "gold": 1,
    }  # fmt: skip
    text = scores_to_markdown({"test": score})
    assert "| test | 50.00 | 50.00 | 50.00 | 1 | 2 | 2 |" in text and "| - LOC | 0.00 |" in text
    assert to_markdown(["a|b"], [["c\nd"]]) == "| a\\|b |\n|---|\n| c d |"
    assert Score.of(Counts()).f1 == 0.0
