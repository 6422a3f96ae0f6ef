"""Tasks: what each asks of a sample, the records that labels stand for, and scores that are those of tags and names."""

from __future__ import annotations

import pytest

from schemas.dataset import Dataset
from schemas.errors import InputError
from schemas.records import Entity, Relation, Sample, Span
from trainer.inputs.tasks import TASKS
from trainer.metrics import Counts, entity_counts, relation_counts

TAGGING, PAIRS = TASKS["ner"], TASKS["re"]
ANNA = Sample("a", ("Anna", "Lee", "in", "Rome"), tags=("B-PER", "I-PER", "O", "B-LOC"))
PAIR = Sample("b", ("Anna", "of", "Rome"), head=Span(0, 1), tail=Span(2, 3), relation="/per/loc/of")


def test_labels_of_a_data_set_stand_in_the_order_of_their_numbers() -> None:
    assert TAGGING.label_names(Dataset("x", "ner", ("LOC",), {}, (), {}), ()) == ("O", "B-LOC", "I-LOC")
    assert PAIRS.label_names(Dataset("x", "re", ("None", "of"), {}, (), {}), ()) == ("None", "of")
    assert TAGGING.known_types(["B-PER", "I-PER", "B-LOC"]) == {"PER", "LOC"} and PAIRS.known_types(["of"]) == {"of"}


def test_labels_stand_for_records() -> None:
    assert TAGGING.records(ANNA, ANNA.tags or ()) == [Entity(0, 2, "PER"), Entity(3, 4, "LOC")]
    assert PAIRS.records(PAIR, ("/per/loc/of",)) == [Relation(Span(0, 1), Span(2, 3), "/per/loc/of")]
    assert PAIRS.records(PAIR, ("None",)) == []


def test_scores_are_those_of_tags_and_of_names() -> None:
    predicted = ("B-PER", "O", "O", "B-LOC")
    assert TAGGING.counts([ANNA], [predicted]) == entity_counts([ANNA.tags or ()], [predicted]) == [Counts(1, 2, 2)]
    assert PAIRS.counts([PAIR], [("None",)]) == relation_counts(["/per/loc/of"], ["None"]) == [Counts(0, 0, 1)]
    scores = TAGGING.all_scores([ANNA], [predicted], [ANNA])
    assert list(scores) == ["default", "strict", "seen", "unseen"] and scores["default"] == TAGGING.score(
        [ANNA], [predicted]
    )
    assert PAIRS.all_scores([PAIR], [("/per/loc/of",)], ()) == {
        "micro without None": PAIRS.score([PAIR], [("/per/loc/of",)])
    }


def test_a_sample_of_the_other_task_is_refused() -> None:
    TAGGING.check(ANNA)
    PAIRS.check(PAIR)
    with pytest.raises(InputError, match="sample b: a sample without tags"):
        TAGGING.check(PAIR)
    with pytest.raises(InputError, match="sample a: a sample without head and tail"):
        PAIRS.check(ANNA)


def test_gold_labels_are_none_where_the_sample_has_none() -> None:
    bare = Sample("c", ("x",))
    assert TAGGING.gold(bare) is None and PAIRS.gold(bare) is None and PAIRS.gold(PAIR) == ("/per/loc/of",)


def test_what_the_order_of_the_pair_gives_stands_beside_the_score() -> None:
    turned = Sample("d", PAIR.tokens, head=Span(2, 3), tail=Span(0, 1), relation="None")
    scores = PAIRS.all_scores([PAIR, turned], [("None",), ("None",)], [PAIR, turned])
    assert list(scores) == ["micro without None", "order of head and tail alone"]
    assert scores["micro without None"].f1 == 0.0 and scores["order of head and tail alone"].f1 == 1.0


def test_joint_records_have_no_label_by_number() -> None:
    joint = TASKS["joint"]
    sample = Sample("e", ("Anna", "of", "Rome"), entities=(Entity(0, 1, "per"),), relations=())
    joint.check(sample)
    assert joint.gold(sample) is None and joint.records(sample, ()) == [Entity(0, 1, "per")]
    assert joint.label_names(Dataset("x", "joint", ("per", "of"), {}, (), {}), ()) == ("per", "of")
    with pytest.raises(InputError, match="sample a: a sample without entities or relations"):
        joint.check(ANNA)
