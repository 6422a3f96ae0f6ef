"""Boxes: scaled to the picture, cut at its edges, and left out by name where they cannot be used."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.features.boxes import GivenBox, GivenBoxes, sound_regions

NUMBERS = st.floats(-500, 500) | st.sampled_from([math.nan, math.inf, -math.inf])


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ((10, 10, 5, 20), "swapped"),
        ((10, 30, 50, 20), "swapped"),
        ((10, 10, 10, 50), "empty"),
        ((10, 10, 10.5, 50), "empty"),
        ((120, 10, 150, 50), "outside"),
        ((-50, -50, 0, 0), "outside"),
        ((99.5, 10, 130, 50), "outside"),
        ((math.nan, 10, 50, 50), "not_finite"),
        ((0, 0, math.inf, 50), "not_finite"),
    ],
)
def test_a_box_that_cannot_be_used_is_left_out_by_name(corners: tuple[float, float, float, float], reason: str) -> None:
    regions, faults, cut = sound_regions([GivenBoxes((GivenBox(corners),))], (100, 80), 8)
    assert not regions
    assert [(fault.number, fault.reason) for fault in faults] == [(1, reason)]
    assert cut == 0


def test_boxes_of_a_picture_of_another_size_are_scaled() -> None:
    given_boxes = GivenBoxes((GivenBox((10, 20, 30, 40)),), (100, 200))
    regions, _, cut = sound_regions([given_boxes], (300, 100), 8)
    assert tuple(regions[0].box) == (30.0, 10.0, 90.0, 20.0)
    assert cut == 0


def test_shares_of_the_sides_are_boxes_of_a_picture_of_one_by_one() -> None:
    regions, _, _ = sound_regions([GivenBoxes((GivenBox((0.25, 0, 0.75, 1), "dog", 0.5),), (1, 1))], (200, 100), 8)
    assert (tuple(regions[0].box), regions[0].name, regions[0].score) == ((50.0, 0.0, 150.0, 100.0), "dog", 0.5)


def test_boxes_beyond_the_most_are_counted_and_faulty_ones_do_not_take_their_place() -> None:
    boxes = GivenBoxes(tuple(GivenBox(corners) for corners in [(9, 9, 1, 1), (0, 0, 9, 9), (1, 1, 9, 9), (2, 2, 9, 9)]))
    regions, faults, _ = sound_regions([boxes], (10, 10), 2)
    assert [region.box.x1 for region in regions] == [0.0, 1.0]
    assert [(fault.number, fault.reason) for fault in faults] == [(1, "swapped"), (4, "too_many")]


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=6), st.integers(1, 300), st.integers(1, 300))
def test_every_box_is_a_region_within_the_picture_or_a_fault(
    corners: list[tuple[float, float, float, float]], width: int, height: int
) -> None:
    regions, faults, _ = sound_regions([GivenBoxes(tuple(map(GivenBox, corners)))], (width, height), 4)
    assert len(regions) + len(faults) == len(corners)
    for region in regions:
        assert 0 <= region.box.x1 < region.box.x2 <= width
        assert 0 <= region.box.y1 < region.box.y2 <= height
