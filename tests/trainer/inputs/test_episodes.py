"""Episodes: their shape, that no pair is on both sides, and what cannot be drawn; on real tables too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.records import Sample, Span
from schemas.text_files import TextFile
from trainer.data import READERS
from trainer.inputs.episodes import Episode, draw_episodes, name_pair

SHAPE = Episode(3, 2, 1)


def check_episode(numbers: list[int], classes: list[str], pairs: list[str], shape: Episode) -> None:
    size = shape.shots + shape.queries
    parts = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    assert len(parts) == shape.ways and all(len({classes[n] for n in part}) == 1 for part in parts)
    assert len({classes[part[0]] for part in parts}) == shape.ways
    assert len({pairs[n] for n in numbers}) == shape.samples


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=80), st.integers(0, 5))
def test_an_episode_has_its_shape_and_no_pair_twice_or_cannot_be_drawn(rows: list[tuple[int, int]], seed: int) -> None:
    classes, pairs = [f"c{c}" for c, _ in rows], [f"p{p}" for _, p in rows]
    try:
        found = draw_episodes(classes, pairs, SHAPE, 3, str(seed))
    except InputError:
        return
    assert len(found) == 3 and found == draw_episodes(classes, pairs, SHAPE, 3, str(seed))
    for numbers in found:
        check_episode(numbers, classes, pairs, SHAPE)


def test_each_pair_is_as_likely_however_many_sentences_it_has() -> None:
    classes = ["x"] * 101 + ["y"] * 2
    pairs = ["often"] * 100 + ["once", "a", "b"]
    drawn = draw_episodes(classes, pairs, Episode(2, 1, 1), 400, "1")
    firsts = Counter(pairs[row[0]] for row in drawn if classes[row[0]] == "x") + Counter(
        pairs[row[2]] for row in drawn if classes[row[2]] == "x"
    )
    assert sum(firsts.values()) == 400 and 150 < firsts["often"] < 250


def test_too_few_classes_with_enough_pairs_are_an_error_with_their_number() -> None:
    with pytest.raises(InputError, match="needs 2 classes with 2 pairs each, the data has 1"):
        draw_episodes(["x", "x", "y", "y"], ["a", "b", "c", "c"], Episode(2, 1, 1), 1, "1")
    with pytest.raises(InputError, match="share too many pairs"):
        draw_episodes(["x", "x", "y", "y"], ["a", "b", "a", "b"], Episode(2, 1, 1), 1, "1")


def test_a_pair_is_named_by_its_group_or_by_the_words_of_its_ends() -> None:
    sample = Sample("a", ("New", "York", "Ann"), head=Span(2, 3), tail=Span(0, 2))
    assert name_pair(sample) == "Ann\tNew York"
    assert name_pair(Sample("b", ("x", "y"), head=Span(0, 1), tail=Span(1, 2), group="3 4")) == "3 4"


@pytest.mark.parametrize(("name", "rich"), [("RTK", 4), ("JW", 2)])
def test_few_relations_of_the_real_tables_have_six_pairs(shared_data: Path, name: str, rich: int) -> None:
    file = TextFile(shared_data / "flmsre" / f"{name}.csv")
    samples = list(READERS["flmsre"](file, "train", None, Counter()))
    classes, pairs = [str(row.relation) for row in samples], [name_pair(row) for row in samples]
    by_class = {c: len({p for own, p in zip(classes, pairs, strict=True) if own == c}) for c in classes}
    assert sum(count >= 6 for count in by_class.values()) == rich
    shape = Episode(rich, 5, 1)
    for numbers in draw_episodes(classes, pairs, shape, 20, "1"):
        check_episode(numbers, classes, pairs, shape)
