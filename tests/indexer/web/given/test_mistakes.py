"""Kinds of mistakes and changes between two runs, beside what a person counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.web.given.mistakes import KINDS, change_of, compare_entities, compare_relations, kinds_of
from schemas.entities import find_entities
from schemas.records import Entity
from trainer.metrics import entity_counts

PER, LOC, ORG = "PER", "LOC", "ORG"


def kinds(gold: list[Entity], predicted: list[Entity]) -> list[str]:
    return [row.kind for row in compare_entities(gold, predicted)]


def test_exact_entities_are_no_mistakes() -> None:
    assert kinds([Entity(0, 2, PER)], [Entity(0, 2, PER)]) == []


def test_each_kind_is_told_by_hand() -> None:
    gold = [Entity(0, 1, PER), Entity(2, 4, LOC), Entity(5, 7, ORG), Entity(8, 10, PER), Entity(12, 13, LOC)]
    said = [Entity(0, 1, PER), Entity(2, 4, ORG), Entity(5, 6, ORG), Entity(9, 11, LOC), Entity(15, 16, PER)]
    assert kinds(gold, said) == ["wrong type", "wrong boundary", "wrong type and boundary", "missed", "spurious"]


def test_one_prediction_over_two_gold_entities_answers_for_one_of_them() -> None:
    found = compare_entities([Entity(0, 1, LOC), Entity(1, 4, LOC)], [Entity(0, 4, LOC)])
    assert [(row.kind, row.gold, row.predicted) for row in found] == [
        ("wrong boundary", Entity(0, 1, LOC), Entity(0, 4, LOC)),
        ("missed", Entity(1, 4, LOC), None),
    ]


def test_the_prediction_that_shares_most_tokens_is_meant() -> None:
    found = compare_entities([Entity(0, 5, LOC)], [Entity(0, 1, LOC), Entity(2, 5, LOC)])
    assert [(row.kind, row.predicted) for row in found if row.gold] == [("wrong boundary", Entity(2, 5, LOC))]
    assert [row.predicted for row in found if row.kind == "spurious"] == [Entity(0, 1, LOC)]


def test_the_same_tokens_go_before_the_same_type() -> None:
    found = compare_entities([Entity(0, 2, LOC)], [Entity(0, 2, PER), Entity(1, 3, LOC)])
    assert [(row.kind, row.predicted) for row in found] == [
        ("wrong type", Entity(0, 2, PER)),
        ("spurious", Entity(1, 3, LOC)),
    ]


def test_relations_are_missed_made_up_or_confused() -> None:
    pairs = [("peer", "peer"), ("None", "None"), ("None", "peer"), ("peer", "None"), ("peer", "couple")]
    assert [[row.kind for row in compare_relations(*pair)] for pair in pairs] == [
        [], [], ["spurious"], ["missed"], ["wrong relation"],
    ]  # fmt: skip


def test_a_sample_has_all_kinds_of_its_mistakes_in_one_order() -> None:
    found = compare_entities([Entity(0, 1, LOC), Entity(2, 3, LOC)], [Entity(2, 3, PER), Entity(5, 6, PER)])
    assert kinds_of(found, has_gold=True) == ("missed", "spurious", "wrong type")


TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=12)


@given(st.data())
def test_mistakes_add_up_to_what_the_scores_count(data: st.DataObject) -> None:
    gold = data.draw(TAGS)
    said = data.draw(
        st.lists(st.sampled_from(["O", "B-PER", "I-LOC", "I-PER"]), min_size=len(gold), max_size=len(gold))
    )
    (counts,) = entity_counts([gold], [said])
    found = compare_entities(find_entities(gold), find_entities(said))
    assert sum(row.gold is not None for row in found) == counts.gold - counts.right
    assert sum(row.predicted is not None for row in found) == counts.predicted - counts.right
    assert {row.kind for row in found} <= set(KINDS)
    assert (change_of(0, len(found)) == "same") == (counts.right == counts.gold == counts.predicted)
