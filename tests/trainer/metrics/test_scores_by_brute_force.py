"""Scores of records beside counting that tries every assignment of predictions to gold records."""

from __future__ import annotations

from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Box, Entity, Relation, Span
from trainer.metrics import Record, Score, score_joint, score_records

BOXES = (Box(0, 0, 4, 4), Box(0, 0, 4, 2), Box(2, 0, 6, 4), Box(0, 2, 4, 6))
"""The overlaps of the first with the others are a half, a third and a third; of the second with the fourth nought."""
ENTITIES = st.lists(
    st.builds(
        Entity,
        st.integers(0, 1),
        st.integers(2, 3),
        st.sampled_from("AB"),
        st.sampled_from(("a", "b")),
        st.lists(st.sampled_from(BOXES), max_size=2).map(tuple),
    ),
    max_size=4,
)
ENDS = st.sampled_from((Span(0, 1), Span(1, 2), Span(2, 3), *BOXES[:3]))
RELATIONS = st.lists(st.builds(Relation, ENDS, ENDS, st.sampled_from("AB")), max_size=4)


def overlap(a: Box, b: Box) -> float:
    shared = max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))
    return shared / (sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in (a, b)) - shared)


def is_region_right(gold: tuple[Box, ...], predicted: tuple[Box, ...]) -> bool:
    if not gold or not predicted:
        return gold == predicted
    return max(overlap(box, predicted[0]) for box in gold) >= 0.5


def is_right(gold: Record, predicted: Record, key: str) -> bool:
    if ("type" in key and gold.type != predicted.type) or type(gold) is not type(predicted):
        return False
    if isinstance(gold, Entity) and isinstance(predicted, Entity):
        is_fine = "fine" not in key or gold.fine == predicted.fine
        is_there = "region" not in key or is_region_right(gold.boxes, predicted.boxes)
        return gold[:2] == predicted[:2] and is_fine and is_there
    assert isinstance(gold, Relation) and isinstance(predicted, Relation)
    for a, b in ((gold.head, predicted.head), (gold.tail, predicted.tail)):
        if isinstance(a, Box) != isinstance(b, Box):
            return False
        if isinstance(a, Box) and isinstance(b, Box):
            if overlap(a, b) < 0.5:
                return False
        elif a != b:
            return False
    return True


def distinct(records: list[Record], key: str) -> list[Record]:
    """Return records without those that are the same under the key."""
    kept: list[Record] = []
    for row in records:
        if isinstance(row, Entity):
            fine, boxes = row.fine if "fine" in key else None, row.boxes if "region" in key else ()
            seen: Record = Entity(row.start, row.end, row.type if "type" in key else "", fine, boxes)
        else:
            seen = Relation(row.head, row.tail, row.type if "type" in key else "")
        if seen not in kept:
            kept.append(seen)
    return kept


def most_right(gold: list[Record], predicted: list[Record], key: str) -> int:
    """Try every way to lay the gold records on the predicted ones."""
    fillers = [None] * len(predicted)
    return max(
        sum(g is not None and is_right(g, p, key) for g, p in zip(order, predicted, strict=False))
        for order in permutations([*gold, *fillers], len(predicted))
    )


@given(
    st.one_of(st.tuples(ENTITIES, ENTITIES), st.tuples(RELATIONS, RELATIONS)),
    st.sampled_from(("span", "span+type", "span+type+fine", "span+type+region", "span+type+fine+region")),
)
def test_the_best_assignment_counts(case: tuple[list[Record], list[Record]], key: str) -> None:
    gold, predicted = (distinct(part, key) for part in case)
    score = score_records([case[0]], [case[1]], key)  # type: ignore[arg-type]
    counts = score.counts
    assert (counts.right, counts.predicted, counts.gold) == (
        most_right(gold, predicted, key),
        len(predicted),
        len(gold),
    )


SPANS = (Span(0, 1), Span(1, 2), Span(0, 2))
POST = st.tuples(
    st.lists(
        st.builds(lambda span, kind: Entity(span.start, span.end, kind), st.sampled_from(SPANS), st.sampled_from("AB")),
        max_size=3,
    ),
    st.lists(st.builds(Relation, st.sampled_from(SPANS), st.sampled_from(SPANS), st.sampled_from("rs")), max_size=3),
)


@given(st.lists(st.tuples(POST, POST), max_size=3))
def test_facts_are_counted_as_loops_over_all_of_them_count(
    posts: list[tuple[tuple[list[Entity], list[Relation]], tuple[list[Entity], list[Relation]]]],
) -> None:
    def facts(post: tuple[list[Entity], list[Relation]]) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for head, tail, first, last, name in product(SPANS, SPANS, ("A", "B", ""), ("A", "B", ""), "rs"):
            named = [{row.type for row in post[0] if (row.start, row.end) == end} or {""} for end in (head, tail)]
            if any(row[:3] == (head, tail, name) for row in post[1]) and first in named[0] and last in named[1]:
                found.append((head, first, tail, last, name))
        return found

    right = sum(fact in facts(gold) for gold, predicted in posts for fact in facts(predicted))
    sizes = [sum(len(facts(post[side])) for post in posts) for side in (1, 0)]
    score: Score = score_joint([gold for gold, _ in posts], [predicted for _, predicted in posts])["JMERE"]
    assert (score.counts.right, score.counts.predicted, score.counts.gold) == (right, *sizes)
