"""The leak test: real fields that give the label away, honest ones that do not, and where values belong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.dataset import read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.text_files import find_split_files
from trainer.commands import data_commands
from trainer.data import convert_files, read_fields
from trainer.data.leaks import probe_field
from trainer.data.record_checks import check_boxes, check_leaks, check_order
from trainer.metrics import label_by_order


@pytest.fixture(scope="module")
def mnre2(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnre2") / "set"
    convert_files(find_split_files(shared_data / "mnre"), folder, name="mnre2")
    return folder


@pytest.fixture(scope="module")
def samples(mnre2: Path) -> dict[str, list[Sample]]:
    return {split: read_samples(mnre2, split) for split in ("train", "dev", "test")}


def pair(number: int, relation: str, is_turned: bool = False) -> Sample:
    head, tail = (Span(2, 3), Span(0, 1)) if is_turned else (Span(0, 1), Span(2, 3))
    return Sample(f"test-{number}", ("A", "of", "B"), f"{number}.jpg", head=head, tail=tail, relation=relation)


def test_tmrs_phrases_give_the_label_away_to_a_table(samples: dict[str, list[Sample]], shared_data: Path) -> None:
    fields = read_fields(f"{shared_data / 'tmr' / 'mnre.zip'}!phrase_text", samples)
    leak = probe_field("phrases", samples, fields["phrase_text"])
    assert leak.is_leak and round(100 * leak.test_f1, 2) == 86.57
    assert set(leak.words) == {"person", "location", "organization"} and leak.text_f1 < 0.1


def test_known_types_of_mqa_leak_and_predicted_ones_do_not(samples: dict[str, list[Sample]], shared_data: Path) -> None:
    fields = read_fields(str(shared_data / "mqa" / "mnre2_test_type.json"), samples)
    leaks = {row.message.split("'")[1] for row in check_leaks(samples, fields) if row.is_warning}
    assert leaks == {"known_h", "known_t", "known_*"}
    assert "relation" not in fields, "the gold label itself is no field"


@pytest.mark.parametrize("captioner", ["BLIP", "minicpm"])
def test_captions_do_not_leak(captioner: str, samples: dict[str, list[Sample]], shared_data: Path) -> None:
    fields = read_fields(str(shared_data / "mnre_captions" / f"{captioner}.zip"), samples)
    assert not [row for row in check_leaks(samples, fields) if row.is_warning]


def test_the_order_of_entities_and_types_in_names_are_reported(samples: dict[str, list[Sample]]) -> None:
    found = {(row.split, row.kind): row for row in check_order(samples)}
    assert found["test", "order"].message.endswith("F1 20.61") and found["train", "order"].count == 1397
    assert "F1 87.81" in found["all", "types_in_names"].message
    assert not any(row.is_warning for row in found.values())


def test_the_check_command_warns_of_a_leak(mnre2: Path, shared_data: Path) -> None:
    field = f"{shared_data / 'tmr' / 'mnre.zip'}!phrase_text"
    done = CliRunner().invoke(data_commands, ["check", str(mnre2), "--field", field, "--json"])
    leaks = [row for row in json.loads(done.stdout)["findings"] if row["kind"] == "leak"]
    assert len(leaks) == 1 and leaks[0]["is_warning"] and "86.57" in leaks[0]["message"]


def test_a_field_that_repeats_the_text_is_no_leak() -> None:
    rows = [Sample(str(i), ("A", word), head=Span(0, 1), tail=Span(1, 2), relation=kind)
            for i in range(40) for word, kind in (("wed", "couple"), ("beat", "None"))]  # fmt: skip
    rows = [Sample(f"{row.sample_id}-{n}", row.tokens, head=row.head, tail=row.tail, relation=row.relation)
            for n, row in enumerate(rows)]  # fmt: skip
    leak = probe_field("copy", {"train": rows, "test": rows}, {"train": ["A wed"] * 80, "test": ["A beat"] * 80})
    assert leak.text_f1 == 1.0 and not leak.is_leak


def test_a_field_that_tells_training_labels_alone_is_no_leak() -> None:
    kinds = ["peer", "None"] * 20
    rows = [pair(i, kind) for i, kind in enumerate(kinds)]
    hints = ["yes" if kind == "peer" else "no" for kind in kinds]
    leak = probe_field("hint", {"train": rows, "test": rows}, {"train": hints, "test": hints[1:] + hints[:1]})
    assert leak.train_f1 == 1.0 and leak.test_f1 == 0.0 and not leak.is_leak


def test_types_of_entities_and_relations_as_records_leak_too() -> None:
    kinds = ["PER", "LOC"] * 20
    tagged = [Sample(str(i), ("x",), tags=(f"B-{kind}",)) for i, kind in enumerate(kinds)]
    entities = [Sample(str(i), ("x",), entities=(Entity(0, 1, kind),)) for i, kind in enumerate(kinds)]
    joint = [Sample(str(i), ("x", "y"), relations=(Relation(Span(0, 1), Span(1, 2), k),)) for i, k in enumerate(kinds)]
    for rows in (tagged, entities, joint):
        assert probe_field("kind", {"train": rows, "test": rows}, {"train": kinds, "test": kinds}).is_leak
        assert not probe_field(
            "none", {"train": rows, "test": rows}, {"train": [None] * 40, "test": [None] * 40}
        ).is_leak


def test_values_belong_to_samples_by_row_id_picture_or_pair(tmp_path: Path) -> None:
    rows = {"test": [pair(1, "peer"), pair(2, "None", is_turned=True)]}
    forms = {
        "rows": ["a", "b"],
        "numbers": {"0": "a", "1": "b"},
        "ids": {"test-1": "a", "test-2": "b"},
        "short_ids": {"2": "b", "1": "a", "3": "c"},
        "images": {"1.jpg": "a", "2.jpg": "b", "9.jpg": "c"},
        "objects": [{"id": 2, "x": "b"}, {"id": 1, "x": "a"}, {"id": 3, "x": "c"}],
        "pictures": [{"img_id": "2.jpg", "x": "b"}, {"img_id": "1.jpg", "x": "a"}, {"img_id": "3.jpg", "x": "c"}],
        "pairs": [
            {"text": "A of B", "head": "B", "tail": "A", "x": "b"},
            {"text": "Aof B", "head": "A", "tail": "B", "x": "a"},
        ],
    }  # fmt: skip
    for name, value in forms.items():
        (tmp_path / f"{name}_test.json").write_text(json.dumps(value))
        fields = read_fields(str(tmp_path / f"{name}_test.json"), rows)
        assert fields.get("x", fields.get(name)) == {"test": ["a", "b"]}, name
    (tmp_path / "test.txt").write_text(
        "{'img_id': '2.jpg', 'x': 'b'}\n\n{'img_id': '1.jpg', 'x': ['a', None]}\n{'img_id': '0'}\n"
    )
    assert read_fields(str(tmp_path / "test.txt"), rows)["x"] == {"test": ["a", "b"]}


def test_fields_that_fit_no_sample_are_refused(tmp_path: Path) -> None:
    rows = {"test": [pair(1, "peer"), pair(2, "None")], "train": [pair(3, "peer")]}
    for name, value, error in (
        ("test.json", ["a"], InputError), ("test.json", {"x": "a"}, InputError), ("other.json", ["a", "b"], UsageError)
    ):  # fmt: skip
        (tmp_path / name).write_text(json.dumps(value))
        with pytest.raises(error):
            read_fields(str(tmp_path / name), rows)
    (tmp_path / "test.txt").write_text("{'a': open('x')}\n")
    with pytest.raises(InputError, match=re.escape("neither JSON nor a literal")) as caught:
        read_fields(str(tmp_path / "test.txt"), rows)
    assert caught.value.place == "line 1"


def test_an_order_that_train_has_not_says_none() -> None:
    train = [pair(1, "peer"), pair(2, "peer"), pair(3, "None")]
    assert label_by_order(train, [pair(4, "x"), pair(5, "x", is_turned=True)]) == ["peer", "None"]


def test_boxes_beyond_the_pictures_file_are_found(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 10)).save(tmp_path / "1.jpg")
    inside, outside = Box(0, 0, 20, 10), Box(0, 0, 21, 10)
    fractions = (Box(0, 0, 1, 1), Box(0, 0, 0.5, 1))
    for boxes, count in (((inside,), 0), ((inside, outside), 1), (fractions, 0), ((Box(-0.5, 0, 1, 1),), 1)):
        rows = [Sample("test-1", ("a",), "1.jpg", entities=(Entity(0, 1, "A", boxes=boxes),))]
        assert sum(row.count for row in check_boxes("test", rows, tmp_path)) == count
