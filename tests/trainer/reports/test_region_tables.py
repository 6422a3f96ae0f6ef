"""Tables of regions in reports, by hand: what was found, where, and how much of a box."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer.reports.test_run_report import score
from trainer.reports import name_runs, report_run, report_to_page
from trainer.reports.regions import region_rows


def write_run(folder: Path, *, has_boxes: bool = True) -> Path:
    """Write predictions of three samples: a right region, a wrong one beside a missed entity, a box for none."""
    box, half, far = [0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]
    gold = [
        [{"start": 0, "end": 1, "type": "PER", "boxes": [box]}],
        [
            {"start": 0, "end": 1, "type": "PER", "boxes": [box, [20, 20, 30, 30]]},
            {"start": 1, "end": 2, "type": "MISC", "boxes": [box]},
        ],
        [{"start": 0, "end": 1, "type": "LOC"}, {"start": 1, "end": 2, "type": "LOC"}],
    ]
    said: list[list[dict[str, Any]]] = [
        [{"start": 0, "end": 1, "type": "PER", "text": "x", "boxes": [half]}],
        [{"start": 0, "end": 1, "type": "PER", "text": "x", "boxes": [far]}],
        [
            {"start": 0, "end": 1, "type": "LOC", "text": "x"},
            {"start": 1, "end": 2, "type": "LOC", "text": "x", "boxes": [box]},
        ],
    ]
    rows = []
    for number, (right, found) in enumerate(zip(gold, said, strict=True)):
        entities = found if has_boxes else [{**row, "boxes": []} for row in found]
        row = {"sample_id": f"test-{number}", "tokens": ["x", "y"], "tags": ["O", "O"], "entities": entities}
        rows.append(json.dumps(row | {"gold": ["O", "O"], "gold_entities": right}))
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "test.jsonl").write_text("\n".join(rows) + "\n")
    values = {"GMNER": score(2, 4, 5, by_class={"PER": score(1, 2, 2)})}
    (folder / "predictions" / "test.scores.json").write_text(json.dumps(values))
    (folder / "predictions" / "test.scores.md").write_text("| test | F1 |\n")
    for name, text in (("config.toml", ""), ("metrics.jsonl", ""), ("run.json", "{}")):
        (folder / name).write_text(text)
    return folder


def test_regions_are_counted_by_type_and_by_the_boxes_of_gold(tmp_path: Path) -> None:
    assert region_rows(write_run(tmp_path / "run"), "test") == [
        ["all", "5", "4", "2", "50.00", "2", "0", "0.25"],
        ["in the picture", "3", "2", "1", "50.00", "1", "0", "0.25"],
        ["in the picture, one box", "2", "1", "1", "100.00", "0", "0", "0.50"],
        ["in the picture, several boxes", "1", "1", "0", "0.00", "1", "0", "0.00"],
        ["not in the picture", "2", "2", "1", "50.00", "1", "0", ""],
        ["MISC in the picture", "1", "0", "0", "", "0", "0", ""],
        ["PER in the picture", "2", "2", "1", "50.00", "1", "0", "0.25"],
    ]


def test_a_box_that_is_wrong_is_told_from_none(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    path = run / "predictions" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["entities"][0]["boxes"] = []
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = {row[0]: row[3:7] for row in region_rows(run, "test")}
    assert found["in the picture"] == ["1", "50.00", "0", "1"] and found["not in the picture"][2:] == ["1", "0"]


def test_a_run_without_boxes_and_a_split_without_predictions_have_no_table(tmp_path: Path) -> None:
    assert region_rows(write_run(tmp_path / "run", has_boxes=False), "test") == []
    assert region_rows(tmp_path / "run", "dev") == []


def test_the_table_stands_in_the_report_and_on_its_page(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    text = report_run(run)
    assert "### Regions on test" in text and "| in the picture, several boxes |" in text
    assert "Regions on test" in report_to_page(name_runs([run]))
