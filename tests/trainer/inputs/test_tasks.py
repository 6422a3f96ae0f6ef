"""Tasks: what each asks of a sample, the records that labels stand for, and scores that are those of tags and names."""

from __future__ import annotations

import pytest

from schemas.dataset import Dataset
from schemas.errors import InputError
from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.inputs.answers import Answer
from trainer.inputs.labels import LabelSet
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
    tags = ("B-PER", "O", "O", "B-LOC")
    predicted = [TAGGING.answer(ANNA, tags)]
    assert TAGGING.counts([ANNA], predicted) == entity_counts([ANNA.tags or ()], [tags]) == [Counts(1, 2, 2)]
    none = [PAIRS.answer(PAIR, ("None",))]
    assert PAIRS.counts([PAIR], none) == relation_counts(["/per/loc/of"], ["None"]) == [Counts(0, 0, 1)]
    scores = TAGGING.all_scores([ANNA], predicted, [ANNA])
    assert list(scores) == ["default", "strict", "seen", "unseen"]
    assert scores["default"] == TAGGING.score([ANNA], predicted)
    right = [PAIRS.answer(PAIR, ("/per/loc/of",))]
    assert PAIRS.all_scores([PAIR], right, ()) == {"micro without None": PAIRS.score([PAIR], right)}


def test_answers_in_records_have_the_measures_of_what_they_say() -> None:
    box = Box(0, 0, 4, 4)
    sample = Sample("a", ("Anna", "in", "Rome"), tags=("B-PER", "O", "B-LOC"), entities=(
        Entity(0, 1, "PER", "actor", (box,)), Entity(2, 3, "LOC", "city"),
    ))  # fmt: skip
    answer = Answer((Entity(0, 1, "PER", "actor", (box,)), Entity(2, 3, "LOC", "river")))
    scores = TAGGING.all_scores([sample], [answer], (), "span+type+fine+region")
    assert tuple(scores)[:2] == ("FMNERG", "fine MNER") and scores["FMNERG"].f1 == 0.5 and scores["GMNER"].f1 == 1.0
    assert "strict" not in scores and scores["default"].f1 == 1.0
    assert TAGGING.score([sample], [answer], "span+type+fine").f1 == 0.5
    labels = LabelSet.of(Dataset("x", "ner", ("LOC", "PER"), {}, (), {}), [sample])
    assert labels.fine == ("actor", "city") and labels.types == ("LOC", "PER")


def test_joint_answers_are_scored_as_facts_or_as_relations_of_regions() -> None:
    joint, spans = TASKS["joint"], (Span(0, 1), Span(2, 3))
    entities = (Entity(0, 1, "per"), Entity(2, 3, "loc"))
    sample = Sample("e", ("Anna", "of", "Rome"), entities=entities, relations=(Relation(*spans, "of"),))
    turned = Answer((*entities, Relation(spans[1], spans[0], "of")))
    assert joint.score([sample], [Answer((*entities, Relation(*spans, "of")))]).f1 == 1.0
    assert joint.score([sample], [turned]).f1 == 0.0 and next(iter(joint.all_scores([sample], [turned], ()))) == "JMERE"
    shown = Sample("f", ("Anna",), entities=(), relations=(Relation(Span(0, 1), Box(0, 0, 2, 2), "at"),))
    near = Answer((Relation(Span(0, 1), Box(0, 0, 2, 1.5), "at"),))
    assert list(joint.all_scores([shown], [near], ())) == ["relations", "entities"]
    assert joint.score([shown], [near]).f1 == 1.0
    labels = LabelSet.of(Dataset("x", "joint", ("loc", "per", "of", "in"), {}, (), {}), [sample])
    assert labels.types == ("loc", "per") and labels.relations == ("of", "in")


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
    scores = PAIRS.all_scores([PAIR, turned], [Answer(()), Answer(())], [PAIR, turned])
    assert list(scores) == ["micro without None", "order of head and tail alone"]
    assert scores["micro without None"].f1 == 0.0 and scores["order of head and tail alone"].f1 == 1.0


def test_joint_records_have_no_label_by_number() -> None:
    joint = TASKS["joint"]
    sample = Sample("e", ("Anna", "of", "Rome"), entities=(Entity(0, 1, "per"),), relations=())
    joint.check(sample)
    assert joint.gold(sample) is None and joint.gold_records(sample) == [Entity(0, 1, "per")]
    assert joint.label_names(Dataset("x", "joint", ("per", "of"), {}, (), {}), ()) == ("per", "of")
    with pytest.raises(InputError, match="sample a: a sample without entities or relations"):
        joint.check(ANNA)
