"""Decisions of a grounder: their files, how they join predictions, and RiVEG's real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.commands.grounding_files import Decision, ground_answers, ground_entities, read_grounding
from trainer.inputs import Answer
from trainer.metrics import RivegEntity

BOX = Box(1.0, 2.0, 30.0, 40.0)
SAMPLE = Sample("a", ("Ann", "meets", "Ann", "in", "Rome"), "1.jpg")
ANSWER = Answer((Entity(0, 1, "PER"), Entity(2, 3, "PER", boxes=(BOX,)), Entity(4, 5, "LOC", boxes=(BOX,))))


def boxes_after(*decisions: Decision) -> list[tuple[Box, ...]]:
    return [row.boxes for row in ground_answers([SAMPLE], [ANSWER], decisions)[0][0].entities]


def test_a_span_comes_before_a_surface_and_a_type_before_none() -> None:
    other = Box(5.0, 5.0, 9.0, 9.0)
    by_surface = Decision("1.jpg", "Ann", None, None, True, (other,))
    assert boxes_after(by_surface) == [(other,), (other,), (BOX,)]
    by_span = Decision("1.jpg", "", Span(2, 3), None, False)
    assert boxes_after(by_surface, by_span) == [(other,), (), (BOX,)]
    typed = Decision("1.jpg", "Ann", None, "PER", True, (BOX,))
    assert boxes_after(by_surface, typed) == [(BOX,), (BOX,), (BOX,)]
    assert boxes_after(typed._replace(type="LOC"), typed._replace(image="2.jpg")) == [(), (BOX,), (BOX,)]


def test_what_nobody_decided_keeps_its_boxes_and_is_counted() -> None:
    shown = Decision("1.jpg", "Rome", None, None, True)
    relation = Relation(Span(0, 1), Span(2, 3), "peer")
    answer = ANSWER._replace(records=(*ANSWER.records, relation))
    found, counts = ground_answers([SAMPLE], [answer], [shown])
    assert found[0] == answer
    assert counts == {"by_span": 0, "by_surface": 1, "undecided": 2, "shown_without_box": 1}


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"image": "1.jpg", "surface": "Ann", "boxes": [list(BOX)]},
        {"image": "1.jpg", "start": 4, "end": 5, "type": "LOC", "groundable": False},
        {"image": "2.jpg", "surface": "Bo, Jr", "groundable": True},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "a.csv").write_text(
        "image,surface,start,end,type,groundable,x1,y1,x2,y2\n"
        '1.jpg,Ann,,,,yes,1,2,30,40\n1.jpg,,4,5,LOC,0,,,,\n2.jpg,"Bo, Jr",,,,1,,,,\n'
    )
    found = read_grounding(tmp_path / "a.jsonl")
    assert found == read_grounding(tmp_path / "a.csv")
    assert found[0] == Decision("1.jpg", "Ann", None, None, True, (BOX,))
    assert found[1] == Decision("1.jpg", "", Span(4, 5), "LOC", False)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.jsonl", "{", "not json"),
        ("a.jsonl", "[1]", "not a decision"),
        ("a.jsonl", '{"image": "1.jpg"}', "not a decision"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "colour": 1}', "not a decision"),
        ("a.jsonl", '{"image": "1.jpg", "start": 3, "end": 3}', "not a decision"),
        ("a.jsonl", '{"image": "1.jpg", "start": true, "end": 3}', "not a decision"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "groundable": "2"}', "not a decision"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "boxes": [[1, 2, 1, 4]]}', "without area"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "boxes": [[1, 2, NaN, 4]]}', "four numbers"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "boxes": 7}', "list of boxes"),
        ("a.jsonl", '{"image": "1.jpg", "surface": "a", "groundable": false, "boxes": [[1, 2, 3, 4]]}', "not shown"),
        ("a.csv", "image,surface\n1.jpg,a,b\n", "under its header"),
        ("a.csv", "image,surface,colour\n1.jpg,a,b\n", "under its header"),
        ("a.csv", "image,surface,groundable\n1.jpg,a,perhaps\n", "not a decision"),
        ("a.csv", "image,start,end\n1.jpg,x,2\n", "not a decision"),
        ("a.csv", 'image,surface\n1.jpg,"a\n', "CSV"),
        ("a.txt", "1.jpg###Ann\n", "RiVEG"),
    ],
)
def test_a_file_that_is_no_such_file_is_refused(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=fault):
        read_grounding(tmp_path / name)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file of decisions"):
        read_grounding(tmp_path / "a.xml")


def test_rivegs_files_ground_gold_mentions_by_their_surface(shared_data: Path) -> None:
    gold = read_grounding(shared_data / "riveg" / "GMNER_finall_label.txt")
    predicted = read_grounding(shared_data / "riveg" / "OFAVE_to_OFAREC_augment.txt")
    assert (len(gold), len(predicted)) == (2542, 2535)
    assert sum(row.is_groundable for row in predicted) == 1044 and not any(row.boxes for row in predicted)
    words = ("Angelina", "Jolie", "criticizes", "Donald", "Trump")
    answer = Answer((Entity(0, 2, "PER"), Entity(3, 5, "PER", boxes=(BOX,))))
    found, counts = ground_answers([Sample("a", words, "O_2371.jpg")], [answer], gold)
    assert [row.boxes for row in found[0].entities] == [(Box(296.0, 24.0, 600.0, 450.0),), ()]
    assert counts["by_surface"] == 2


def test_the_next_file_says_the_boxes_that_the_one_before_leaves_open() -> None:
    says_shown = [Decision("1.jpg", "Ann", None, "PER", True), Decision("1.jpg", "Rome", None, None, False)]
    other = Box(5.0, 5.0, 9.0, 9.0)
    says_where = [Decision("1.jpg", name, None, None, True, (other,)) for name in ("Ann", "Rome")]
    found, counts = ground_answers([SAMPLE], [ANSWER], says_shown, says_where)
    assert [row.boxes for row in found[0].entities] == [(other,), (other,), ()], "Rome was said not to be there"
    assert counts["shown_without_box"] == 0
    found = ground_answers([SAMPLE], [ANSWER], says_shown, ())[0]
    assert [row.boxes for row in found[0].entities] == [(), (BOX,), ()], "what no file says stays"


def test_entities_that_say_they_are_not_shown_keep_that() -> None:
    rows = [RivegEntity("1.jpg", "Ann", "PER", "", shown, (BOX,) * shown) for shown in (True, False)]
    given = [Decision("1.jpg", "Ann", None, None, True, (Box(5.0, 5.0, 9.0, 9.0),))]
    assert [row.boxes for row in ground_entities(rows, given)] == [given[0].boxes, ()]
    refused = ground_entities(rows, [Decision("1.jpg", "Ann", None, None, False)])
    assert not any(row.is_groundable or row.boxes for row in refused)
    assert ground_entities(rows) == rows
