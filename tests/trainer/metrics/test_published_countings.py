"""Published countings of grounded and joint extraction: figures on real data, quirks by hand, and brute force."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.published_countings import jmere_rows, reamo_result, region_rows, riveg_rows
from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.records import Box, Entity, Relation, Span
from schemas.text_files import TextFile, find_split_files
from trainer.data import convert_files
from trainer.metrics.counts import Counts
from trainer.metrics.e2e import score_e2e
from trainer.metrics.eega import score_eega
from trainer.metrics.grounded import score_groundable, score_grounded
from trainer.metrics.h_index import ChosenEntity, gold_candidates, region_targets, score_h_index
from trainer.metrics.joint import score_joint
from trainer.metrics.matching import count_matches
from trainer.metrics.records import box_overlap, is_same_region, record_counts
from trainer.metrics.riveg import RivegEntity, read_riveg, score_riveg
from trainer.metrics.tiger import score_tiger

SIDE = st.integers(0, 6)
BOX = st.tuples(SIDE, SIDE, st.integers(1, 6), st.integers(1, 6)).map(
    lambda row: Box(row[0], row[1], row[0] + row[2], row[1] + row[3])
)
ENTITY = st.builds(
    Entity,
    st.integers(0, 1),
    st.just(2),
    st.sampled_from(["PER", "LOC"]),
    st.sampled_from([None, "actor"]),
    st.lists(BOX, max_size=2).map(tuple),
)
WHOLE = Box(0, 0, 10, 10)


@pytest.fixture(scope="module")
def fmnerg(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fmnerg") / "set"
    file = find_split_files(shared_data / "fmnerg" / "fmnerg.zip")["test"]
    convert_files({"test": file}, folder, name="fmnerg", boxes=shared_data / "gmner" / "xml.tar.gz")
    return folder


def test_rivegs_predictions_have_the_published_scores(fmnerg: Path, shared_data: Path) -> None:
    rows = {str(row[0]): row[1:4] for row in riveg_rows(shared_data, read_samples(fmnerg, "test"))}
    assert rows["first gold box"] == ["86.15", "73.00", "77.53"]
    assert rows["whole picture"] == ["86.15", "52.31", "56.06"]
    assert rows["useless box"][:2] == ["86.15", "42.39"]


def test_released_predictions_survive_as_reamos_answers_but_for_types_that_the_data_set_has_not(
    tmp_path: Path, shared_data: Path
) -> None:
    file = TextFile(shared_data / "gmner" / "test.txt")
    convert_files({"test": file}, tmp_path / "set", name="gmner", boxes=shared_data / "gmner" / "xml.tar.gz")
    result = reamo_result(shared_data, read_samples(tmp_path / "set", "test"))
    assert result.detail["entities written"] - result.detail["entities read"] == 28
    assert result.detail["faults"] == {"unknown label": 28, "region of no entity": 8}
    assert [figure.value for figure in result.figures] == [86.75, 73.53]


def test_rivegs_files_hold_the_published_numbers_of_entities(shared_data: Path) -> None:
    gold = list(read_riveg(TextFile(shared_data / "riveg" / "GMNER_finall_label.txt")))
    predicted = list(read_riveg(TextFile(shared_data / "riveg" / "OFAVE_to_OFAREC_augment.txt")))
    assert (len(gold), len(predicted), sum(row.is_groundable for row in predicted)) == (2542, 2535, 1044)
    assert all(bool(row.boxes) == row.is_groundable for row in gold)


def test_tigers_rule_on_gold_gives_recall_above_one(fmnerg: Path) -> None:
    rows = read_samples(fmnerg, "test")
    entities = [row.entities or () for row in rows]
    score = score_tiger([row.tokens for row in rows], entities, entities)
    assert (round(100 * score.precision, 2), round(100 * score.recall, 2), score.f1) == (96.86, 103.35, 1.0)
    ours = score_grounded(entities, entities)
    assert list(ours)[:2] == ["FMNERG", "fine MNER"] and ours["FMNERG"].counts == Counts(2543, 2543, 2543)


def test_eegas_rule_on_the_gold_grid_counts_twice_and_loses_what_it_must(shared_data: Path, tmp_path: Path) -> None:
    convert_files(find_split_files(shared_data / "mnre"), tmp_path / "set", name="jmere")
    rows = {str(row[0]): row[1:4] for row in jmere_rows(tmp_path / "set")}
    assert rows == {"train": [8890, 7671, 4442], "dev": [1232, 1057, 614], "test": [1272, 1035, 635]}


def test_vinvls_regions_overlap_gold_boxes_as_measured(shared_data: Path) -> None:
    rows = [(str(row[0]).partition(".")[0], *row[2:]) for row in region_rows(shared_data)]
    assert rows == [
        ("111254", 3, "0.8777", "0.8777"),
        ("153305", 2, "0.8799", "0.8799"),
        ("1953977", 15, "0.9683", "0.9683"),
        ("1953977", 22, "0.9459", "0.9142"),
        ("O_2371", 8, "0.9629", "0.9629"),
        ("O_4154", 2, "0.9332", "0.9332"),
    ]


def test_targets_leave_out_uncovered_boxes_and_overlaps_of_a_half() -> None:
    parts = [Box(0, 0, width, 1) for width in (20, 51, 80, 50)]
    targets = region_targets([Box(0, 0, 100, 1)], parts)
    assert targets == pytest.approx([0, 0.389313, 0.610687, 0], abs=5e-7)
    far = Box(500, 500, 600, 600)
    assert region_targets([Box(0, 0, 100, 1), far], parts) == targets, "a box that nothing covers plays no part"
    assert region_targets([far], parts) == [0, 0, 0, 0] and region_targets([far], []) == []


def test_h_index_counts_an_entity_whose_boxes_no_candidate_covers_as_wrong() -> None:
    gold = [[Entity(0, 1, "PER", boxes=(WHOLE,))]]
    far = [[Box(50, 50, 60, 60)]]
    for candidate in (None, 0):
        assert score_h_index(gold, [[ChosenEntity(0, 1, "PER", candidate)]], far).counts == Counts(0, 1, 1)


def test_h_index_takes_the_last_prediction_of_a_span() -> None:
    gold = [[Entity(0, 1, "PER")]]
    rows = [ChosenEntity(0, 1, "PER", None), ChosenEntity(0, 1, "LOC", None)]
    assert score_h_index(gold, [rows], [[]]).counts == Counts(0, 1, 1)
    assert score_h_index(gold, [rows[::-1]], [[]]).counts == Counts(1, 1, 1)


@given(st.lists(BOX, min_size=1, max_size=2), st.lists(BOX, min_size=1, max_size=5), st.integers(0, 4))
def test_h_index_and_the_strict_overlap_agree_on_candidates(boxes: list[Box], regions: list[Box], place: int) -> None:
    number = place % len(regions)
    is_right = is_same_region(boxes, (regions[number],), is_strict=True)
    assert (number in gold_candidates(boxes, regions)) == is_right


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=5))
def test_matches_are_those_of_the_best_of_all_assignments(fits: list[list[int]]) -> None:
    best = max(sum(gold in row for gold, row in zip(order, fits, strict=False)) for order in permutations(range(5)))
    assert count_matches(fits) == best


@given(st.lists(ENTITY, max_size=4), st.lists(ENTITY, max_size=4), st.booleans())
def test_regions_are_counted_as_the_best_assignment_counts_them(
    gold: list[Entity], predicted: list[Entity], is_strict: bool
) -> None:
    keys = [list(dict.fromkeys((row.start, row.type, row.boxes) for row in rows)) for rows in (gold, predicted)]

    def fits(one: tuple[int, str, tuple[Box, ...]], other: tuple[int, str, tuple[Box, ...]]) -> bool:
        return one[:2] == other[:2] and is_same_region(one[2], other[2], is_strict=is_strict)

    longer = keys[0] + [None] * len(keys[1])
    best = max(
        sum(one is not None and fits(one, other) for one, other in zip(order, keys[1], strict=False))
        for order in permutations(longer, len(keys[1]))
    )
    found = record_counts([gold], [predicted], "span+type+region", is_strict=is_strict)[0]
    assert found == Counts(best, len(keys[1]), len(keys[0]))


def test_one_gold_record_is_not_used_up_where_another_would_do() -> None:
    left, right = Box(0, 0, 10, 10), Box(100, 0, 110, 10)
    gold = [Entity(0, 1, "PER", boxes=(left, right)), Entity(0, 1, "PER", boxes=(left,))]
    predicted = [Entity(0, 1, "PER", boxes=(left,)), Entity(0, 1, "PER", boxes=(right,))]
    assert record_counts([gold], [predicted], "span+type+region")[0].right == 2


@given(st.lists(ENTITY, max_size=3, unique_by=lambda row: row[:2]), st.lists(ENTITY, max_size=3))
def test_groundable_and_ungroundable_add_up(gold: list[Entity], predicted: list[Entity]) -> None:
    whole = score_grounded([gold], [predicted])["GMNER"].counts
    parts = score_groundable([gold], [predicted])
    assert tuple(map(sum, zip(*(part.counts for part in parts.values()), strict=True))) == whole


def test_a_strict_region_must_overlap_by_more_than_half() -> None:
    gold, half = [[Entity(0, 1, "PER", boxes=(WHOLE,))]], [[Entity(0, 1, "PER", boxes=(Box(0, 0, 10, 5),))]]
    assert score_grounded(gold, half)["EEG"].f1 == 1 and score_grounded(gold, half, is_strict=True)["EEG"].f1 == 0


def test_eeg_asks_for_the_region_and_not_for_the_type() -> None:
    gold, other = [[Entity(0, 1, "PER", boxes=(WHOLE,))]], [[Entity(0, 1, "LOC", boxes=(WHOLE,))]]
    scores = {name: score.f1 for name, score in score_grounded(gold, other).items()}
    assert scores == {"GMNER": 0, "MNER": 0, "EEG": 1, "span": 1}


@given(
    st.lists(
        st.tuples(st.lists(ENTITY, max_size=2, unique_by=lambda r: r[:2]), st.lists(ENTITY, max_size=2)), max_size=5
    )
)
def test_tigers_fault_changes_precision_and_recall_but_not_f1(rows: list[tuple[list[Entity], list[Entity]]]) -> None:
    tokens = [["a", "b"]] * len(rows)
    gold, predicted = [row[0] for row in rows], [row[1] for row in rows]
    counts = score_tiger(tokens, gold, predicted).counts
    keys = [len({(row.start, row.fine or row.type, bool(row.boxes)) for row in part}) for part in gold + predicted]
    empty = sum(not part for part in predicted)
    assert counts.gold == sum(keys[: len(rows)]) - empty and counts.predicted == sum(keys[len(rows) :]) + empty
    assert counts.gold + counts.predicted == sum(keys)


def test_riveg_removes_a_gold_entity_once_it_is_used() -> None:
    row = RivegEntity("1.jpg", "Ann", "PER", "", False)
    assert score_riveg([row], [row, row]).counts == Counts(1, 2, 1)
    other = row._replace(image="2.jpg")
    assert score_riveg([row], [other]).counts == Counts(0, 1, 1), "another picture is another entity"


def test_riveg_counts_by_type_and_by_region_as_asked() -> None:
    gold = RivegEntity("1.jpg", "Ann", "PER", "", True, (WHOLE,))
    wrong_type, no_region = gold._replace(type="LOC"), gold._replace(is_groundable=False)
    found = {
        level: [
            score_riveg([gold], [row], lambda _: WHOLE, level).counts.right for row in (gold, wrong_type, no_region)
        ]
        for level in ((True, True), (True, False), (False, True))
    }
    assert found == {(True, True): [1, 0, 0], (True, False): [1, 0, 1], (False, True): [1, 1, 0]}


@pytest.mark.parametrize(
    "line",
    ["1.jpg###Ann###x###0", "1.jpg###Ann(PER)###x###1", "1.jpg###Ann(PER)###x", "1.jpg###Ann(PER)###x###2###&[1, 2]"],
)
def test_a_line_that_is_none_of_rivegs_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_text("1.jpg###Smith (Ann)(PER)###x###0\n" + line + "\n")
    with pytest.raises(InputError) as caught:
        list(read_riveg(TextFile(path)))
    assert caught.value.place == "line 2"


def test_e2e_matches_surfaces_wherever_they_stand() -> None:
    tokens = [["Ann", "and", "Ann"]]
    gold = [[Entity(0, 1, "PER", boxes=(WHOLE,)), Entity(2, 3, "PER")]]
    turned = [[Entity(2, 3, "PER", boxes=(WHOLE,)), Entity(0, 1, "PER")]]
    assert score_e2e(tokens, gold, turned).f1 == 1 and score_grounded(gold, turned)["GMNER"].f1 == 0


def test_joint_facts_need_types_and_direction_and_pairs_do_not_need_the_name() -> None:
    entities = (Entity(0, 1, "per"), Entity(2, 3, "per"))
    gold = (entities, (Relation(Span(0, 1), Span(2, 3), "parent"),))
    renamed = (entities, (Relation(Span(0, 1), Span(2, 3), "peer"),))
    retyped = ((entities[0]._replace(type="org"), entities[1]), gold[1])
    scores = {name: score.f1 for name, score in score_joint([gold], [renamed]).items()}
    assert scores == {"JMERE": 0, "entities": 1, "relations": 0, "pairs": 1}
    scores = {name: score.f1 for name, score in score_joint([gold], [retyped]).items()}
    assert scores == {"JMERE": 0, "entities": 0.5, "relations": 1, "pairs": 1}
    none = (entities, (Relation(Span(0, 1), Span(2, 3), "None"),))
    assert score_joint([gold], [none])["pairs"].counts == Counts(0, 0, 1), "None is no relation"
    with pytest.raises(ValueError, match="1 gold samples, of 0"):
        score_joint([gold], [])


def test_eega_merges_neighbours_in_gold_too() -> None:
    entities = (Entity(0, 1, "per"), Entity(1, 2, "loc"))
    merged = (Entity(0, 2, "per"),)
    assert score_eega([(entities, ())], [(merged, ())], [2], [])["MNER"].f1 == 1.0


@given(BOX, BOX)
def test_an_overlap_is_that_of_cells(one: Box, other: Box) -> None:
    grid = np.zeros((2, 12, 12), dtype=bool)
    for layer, box in zip(grid, (one, other), strict=True):
        layer[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = True
    assert box_overlap(one, other) == pytest.approx((grid[0] & grid[1]).sum() / (grid[0] | grid[1]).sum())


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(*[st.lists(FINITE, min_size=2, max_size=2, unique=True).map(sorted) for _ in range(4)])
def test_boxes_of_any_numbers_have_an_overlap(x: list[float], y: list[float], u: list[float], v: list[float]) -> None:
    one, other = Box(x[0], y[0], x[1], y[1]), Box(u[0], v[0], u[1], v[1])
    assert box_overlap(one, one) == 1.0 and 0.0 <= box_overlap(one, other) <= 1.0 + 1e-9
    assert box_overlap(one, other) == pytest.approx(box_overlap(other, one), abs=1e-12)
