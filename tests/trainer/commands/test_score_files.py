"""Scores of files: RiVEG's released predictions by every command that a user gives, and small cases by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.errors import InputError, UsageError
from schemas.text_files import TextFile
from trainer.cli import app
from trainer.commands.score_files import COUNTINGS, score_files, write_bound
from trainer.data import convert_files

ROWS: list[dict[str, Any]] = [
    {"id": 1, "tokens": ["Ann", "met", "Bo"], "image": "1.jpg", "entities": [
        {"start": 0, "end": 1, "type": "PER", "boxes": [[0, 0, 10, 10]]}, {"start": 2, "end": 3, "type": "PER"}]},
    {"id": 2, "tokens": ["Rome"], "image": "2.jpg", "entities": [{"start": 0, "end": 1, "type": "LOC"}]},
]  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    convert_files({"test": TextFile(tmp_path / "posts.jsonl")}, tmp_path / "set", name="small", format="jsonl")
    return tmp_path


def predictions(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "said.jsonl"
    path.write_text("".join(json.dumps({"tags": ["O"] * len(row["tokens"])} | row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def gmner(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gmner") / "set"
    file = TextFile(shared_data / "gmner" / "test.txt")
    convert_files({"test": file}, folder, name="gmner", boxes=shared_data / "gmner" / "xml.tar.gz")
    return folder


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "gmner_f1", "eeg_f1"), [("gold", 73.00, 77.53), ("whole", 52.31, 56.06), ("useless", 42.39, 46.01)]
)
def test_commands_give_the_published_scores_of_rivegs_predictions(
    answer: str, gmner_f1: float, eeg_f1: float, gmner: Path, shared_data: Path, tmp_path: Path
) -> None:
    riveg, boxes = shared_data / "riveg", tmp_path / "boxes.jsonl"
    bound = ["bound", str(gmner), "--answer", answer, "--boxes", str(shared_data / "gmner" / "xml.tar.gz")]
    assert CliRunner().invoke(app, [*bound, "--out", str(boxes)]).exit_code == 0
    files = [str(riveg / "GMNER_finall_label.txt"), str(riveg / "OFAVE_to_OFAREC_augment.txt")]
    command = ["score", *files, "--grounding", str(boxes), "--counting", "riveg", "--json"]
    found = json.loads(CliRunner().invoke(app, command).stdout)
    assert {name: round(100 * score["f1"], 2) for name, score in found.items()} == {
        "GMNER": gmner_f1, "MNER": 86.15, "EEG": eeg_f1
    }  # fmt: skip
    assert (found["GMNER"]["predicted"], found["GMNER"]["gold"]) == (2535, 2542)


@pytest.mark.integration
def test_gold_boxes_on_rivegs_entailment_are_counted_by_span_and_by_matching(gmner: Path, shared_data: Path) -> None:
    write_bound(gmner, gmner.parent / "gold.jsonl", "gold")
    said, told = shared_data / "riveg" / "OFAVE_to_OFAREC_augment.txt", list[str]()
    ours = score_files(gmner, said, grounding=[gmner.parent / "gold.jsonl"], talk=told.append)
    assert round(100 * ours["GMNER"].f1, 2) == 73.13 and round(100 * ours["groundable"].f1, 2) == 74.57
    assert told == ["10 of 2535 predicted entities stand nowhere in their post, and are left out"]
    e2e = score_files(gmner, said, grounding=[gmner.parent / "gold.jsonl"], counting="e2e")
    assert e2e["GMNER"].counts == ours["GMNER"].counts


def test_predictions_are_scored_by_sample_and_absent_ones_are_missed(small: Path) -> None:
    boxed = {"start": 0, "end": 1, "type": "PER", "text": "Ann", "boxes": [[0, 0, 10, 9]]}
    said = predictions(small, {"sample_id": "test-1", "tokens": ROWS[0]["tokens"], "entities": [boxed]})
    scores = score_files(small / "set", said)
    assert list(scores["GMNER"].counts) == [1, 1, 3] and list(scores["ungroundable"].counts) == [0, 0, 2]
    strict = score_files(small / "set", said, is_strict=True)
    assert strict["GMNER"].counts.right == 1
    for counting in COUNTINGS[1:-1]:
        right = next(iter(score_files(small / "set", said, counting=counting).values())).counts.right
        assert right == 1, counting


def test_a_region_of_just_half_is_right_unless_strict(small: Path) -> None:
    half = {"start": 0, "end": 1, "type": "PER", "text": "Ann", "boxes": [[0, 0, 10, 5]]}
    said = predictions(small, {"sample_id": "test-1", "tokens": ROWS[0]["tokens"], "entities": [half]})
    right = [score_files(small / "set", said, is_strict=strict)["GMNER"].counts.right for strict in (False, True)]
    assert right == [1, 0]


def test_gold_tags_are_entities_and_without_boxes_no_region_is_scored(small: Path) -> None:
    (small / "tags.txt").write_text("Ann\tB-PER\nLee\tI-PER\nsings\tO\n\nRome\tB-LOC\n")
    convert_files({"test": TextFile(small / "tags.txt")}, small / "tags", name="small", format="conll")
    ann = {"start": 0, "end": 2, "type": "PER", "text": "Ann Lee"}
    said = predictions(small, {"sample_id": "test-1", "tokens": ["Ann", "Lee", "sings"], "entities": [ann]})
    scores = score_files(small / "tags", said)
    assert list(scores) == ["MNER", "span"] and list(scores["MNER"].counts) == [1, 1, 2]


def test_a_bound_stands_in_for_a_grounder(small: Path) -> None:
    plain = [{"start": i, "end": i + 1, "type": "PER", "text": ROWS[0]["tokens"][i]} for i in (0, 2)]
    said = predictions(small, {"sample_id": "test-1", "tokens": ROWS[0]["tokens"], "image": "1.jpg", "entities": plain})
    right = {}
    for name in ("gold", "useless"):
        lines = write_bound(small / "set", small / name, name)
        (small / name).rename(small / f"{name}.jsonl")
        right[name] = lines, score_files(small / "set", said, grounding=[small / f"{name}.jsonl"])["GMNER"].counts.right
    assert right == {"gold": (1, 2), "useless": (3, 0)}
    with pytest.raises(UsageError, match="how large"):
        write_bound(small / "set", small / "whole.jsonl", "whole")
    with pytest.raises(UsageError, match="a file already"):
        write_bound(small / "set", small / "gold.jsonl", "gold")


def test_scores_of_files_refuse_what_does_not_fit(small: Path) -> None:
    said = predictions(small, {"sample_id": "test-9", "tokens": ["Ann"]})
    with pytest.raises(InputError, match="not in the data set: test-9"):
        score_files(small / "set", said)
    said = predictions(small, {"sample_id": "test-1", "tokens": ["Ann"]})
    with pytest.raises(InputError, match="other tokens"):
        score_files(small / "set", said)
    with pytest.raises(UsageError, match="no counting 'best'"):
        score_files(small / "set", said, counting="best")  # type: ignore[arg-type]
    (small / "gold.txt").write_text("1.jpg###Ann(PER)###x###0\n")
    with pytest.raises(UsageError, match="needs a data set"):
        score_files(small / "gold.txt", said)
    with pytest.raises(UsageError, match="its own overlap"):
        score_files(small / "gold.txt", said, counting="riveg", is_strict=True)
    assert list(score_files(small / "gold.txt", said, counting="riveg")["MNER"].counts) == [0, 0, 1]


def test_joint_predictions_are_scored_with_their_direction_and_without(small: Path) -> None:
    entities = [{"start": i, "end": i + 1, "type": "per"} for i in (0, 2)]
    relation = {"head": [0, 1], "tail": [2, 3], "type": "peer"}
    row = {"id": 1, "tokens": ["Ann", "met", "Bo"], "entities": entities, "relations": [relation]}
    (small / "joint.jsonl").write_text(json.dumps(row) + "\n")
    convert_files({"test": TextFile(small / "joint.jsonl")}, small / "joint", name="small", format="jsonl")
    turned = [{**relation, "head": [2, 3], "tail": [0, 1]}]
    named = [{**part, "text": str(part["start"])} for part in entities]
    said = small / "said.jsonl"
    answer = {"sample_id": "test-1", "tokens": row["tokens"], "entities": named, "relations": turned}
    said.write_text(json.dumps(answer) + "\n")
    assert score_files(small / "joint", said)["JMERE"].f1 == 0
    assert score_files(small / "joint", said, counting="eega")["JMERE"].f1 == 1
