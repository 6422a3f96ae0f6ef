"""Scores of sets of records: by span, type, fine type and region, and directed relations."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dataset import NO_RELATION
from schemas.entities import find_entities
from schemas.records import Box, Entity, Relation, Span
from trainer.metrics import Counts, record_counts, score_entities, score_records, score_relations
from trainer.metrics.records import RecordKey, box_overlap

WHOLE, HALF, LESS = Box(0, 0, 10, 10), Box(0, 0, 10, 5), Box(0, 0, 10, 4.9)
TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=9)


def right(gold: Entity, predicted: Entity) -> dict[str, int]:
    return {key: record_counts([[gold]], [[predicted]], key)[0].right for key in get_args(RecordKey)}


def test_each_key_asks_for_more() -> None:
    gold = Entity(0, 2, "PER", "actor", (WHOLE,))
    assert set(right(gold, gold).values()) == {1}
    assert right(gold, gold._replace(type="LOC")) == dict.fromkeys(get_args(RecordKey), 0) | {"span": 1}
    other_fine = right(gold, gold._replace(fine="singer"))
    assert other_fine["span+type+region"] == 1 and other_fine["span+type+fine"] == 0
    other_region = right(gold, gold._replace(boxes=(LESS,)))
    assert other_region["span+type+fine"] == 1 and other_region["span+type+region"] == 0
    assert set(right(gold, gold._replace(end=1)).values()) == {0}
    assert set(right(gold, gold._replace(score=0.3)).values()) == {1}, "how sure a system is plays no part"


def test_a_region_is_right_from_half_an_overlap_with_any_gold_box_and_none_is_right_where_gold_has_none() -> None:
    def is_right(gold: tuple[Box, ...], predicted: tuple[Box, ...]) -> bool:
        rows = [[Entity(0, 1, "PER", boxes=boxes)] for boxes in (gold, predicted)]
        return score_records(rows[:1], rows[1:], "span+type+region").f1 == 1.0

    assert is_right((WHOLE,), (HALF,)) and not is_right((WHOLE,), (LESS,))
    assert is_right((Box(20, 20, 30, 30), WHOLE), (HALF,))
    assert is_right((), ()) and not is_right((WHOLE,), ()) and not is_right((), (WHOLE,))


def test_an_overlap_is_the_intersection_over_the_union() -> None:
    assert box_overlap(WHOLE, Box(5, 5, 15, 15)) == pytest.approx(25 / 175)
    assert box_overlap(WHOLE, Box(10, 0, 20, 10)) == 0.0 and box_overlap(WHOLE, WHOLE) == 1.0


def test_one_gold_record_answers_for_one_prediction_and_copies_count_once() -> None:
    gold = [[Entity(0, 1, "PER", boxes=(WHOLE,))]]
    predicted = [[Entity(0, 1, "PER", boxes=(WHOLE,)), Entity(0, 1, "PER", boxes=(HALF,))]]
    assert record_counts(gold, predicted, "span+type+region") == [Counts(1, 2, 1)]
    assert record_counts(gold, predicted) == [Counts(1, 1, 1)]


def test_relations_have_a_direction_and_ends_in_text_or_picture() -> None:
    a, b = Span(0, 1), Span(2, 3)
    assert record_counts([[Relation(a, b, "peer")]], [[Relation(b, a, "peer")]]) == [Counts(0, 1, 1)]
    assert record_counts([[Relation(a, b, "peer")]], [[Relation(a, b, "part")]], "span") == [Counts(1, 1, 1)]
    shown = [[Relation(a, WHOLE, "shown")]]
    assert record_counts(shown, [[Relation(a, HALF, "shown")]]) == [Counts(1, 1, 1)]
    assert record_counts(shown, [[Relation(a, LESS, "shown")]]) == [Counts(0, 1, 1)]
    assert record_counts(shown, [[Relation(a, b, "shown")]]) == [Counts(0, 1, 1)]


def test_scores_are_by_type_and_by_fine_type_where_the_key_has_it() -> None:
    rows = [[Entity(0, 1, "PER", "actor"), Entity(2, 3, "PER", "singer"), Entity(4, 5, "LOC")]]
    assert set(score_records(rows, rows).by_class) == {"PER", "LOC"}
    assert set(score_records(rows, rows, "span+type+fine").by_class) == {"actor", "singer", "LOC"}
    assert score_records(rows, rows, "span").by_class == {}


@given(st.lists(st.tuples(TAGS, TAGS), max_size=5), st.sampled_from(["default", "strict"]))
def test_entity_scores_are_those_of_plain_sets(rows: list[tuple[list[str], list[str]]], convention: str) -> None:
    gold = [g for g, _ in rows]
    predicted = [(p + ["O"] * len(g))[: len(g)] for g, p in rows]
    sets = [[{e[:3] for e in find_entities(row, convention)} for row in part] for part in (gold, predicted)]  # type: ignore[arg-type]
    total = Counts()
    for g, p in zip(*sets, strict=True):
        total = total.plus(Counts(len(g & p), len(p), len(g)))
    score = score_entities(gold, predicted, convention)  # type: ignore[arg-type]
    assert score.counts == total
    assert sum(part.counts.right for part in score.by_class.values()) == total.right


@given(st.lists(st.tuples(st.sampled_from(["None", "a", "b"]), st.sampled_from(["None", "a", "b"])), max_size=9))
def test_relation_scores_are_those_of_plain_sets(rows: list[tuple[str, str]]) -> None:
    counts = score_relations([g for g, _ in rows], [p for _, p in rows]).counts
    assert counts.right == sum(g == p != NO_RELATION for g, p in rows)
    assert (counts.predicted, counts.gold) == tuple(sum(row[i] != NO_RELATION for row in rows) for i in (1, 0))


def test_another_number_of_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="1 gold samples, of 0 predicted"):
        score_records([[]], [])
