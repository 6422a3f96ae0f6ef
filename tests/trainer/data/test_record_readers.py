"""Readers of entities with boxes, of relations and of forms: the real files, small ones by hand, and faulty ones."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.text_files import TextFile, find_split_files
from trainer.data import READERS, check_dataset, convert_files, count_split
from trainer.data.readers.boxes import read_boxes
from trainer.data.readers.gmner import COARSE_TYPES

VOC = "<annotation><size><width>100</width><height>50</height></size>{}</annotation>"
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
POST = "IMGID:7\nAnn\tB-PER\nSmith\tI-PER\nmeets\tO\nAnn\tB-PER\nSmith\tI-PER\n"
PAIR = {
    "token": ["A", "of", "B"],
    "h": {"name": "A", "pos": [0, 1]},
    "t": {"name": "B", "pos": [2, 3]},
    "img_id": "x.jpg",
}


def read(
    tmp_path: Path, form: str, text: str, labels: Sequence[str] | None = None
) -> tuple[list[Sample], Counter[str]]:
    path = tmp_path / "test.txt"
    path.write_text(text, encoding="utf-8")
    counters: Counter[str] = Counter()
    return list(READERS[form](TextFile(path), "test", labels, counters)), counters


def write_boxes(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, objects in files.items():
        (folder / f"{name}.xml").write_text(VOC.format(objects), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def gmner(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gmner") / "set"
    files = {split: TextFile(shared_data / "gmner" / f"{split}.txt") for split in ("train", "dev", "test")}
    convert_files(files, folder, name="gmner")
    return folder


def test_gmner_has_the_published_counts_and_its_version(gmner: Path) -> None:
    dataset = read_dataset(gmner)
    samples = {split: read_samples(gmner, split) for split in dataset.splits}
    assert dataset.task == "ner" and dataset.labels == ("PER", "LOC", "ORG", "OTHER")
    findings = check_dataset(dataset, samples)
    assert not [row.message for row in findings if row.is_warning]
    found = {(row.split, row.kind): row for row in findings}
    published = {"train": (7000, 11779, 4733, 5652), "dev": (1500, 2450, 991, 1164), "test": (1500, 2543, 1046, 1242)}
    for split, counts in published.items():
        assert (
            tuple(found[split, f"count_{name}"].count for name in ("samples", "entities", "groundable", "boxes"))
            == counts
        )
        assert found[split, "version"].message == "version: gmner, v2"
    assert [found[split, "shared_surfaces"].count for split in published] == [75, 12, 14]
    assert len({row.image for part in samples.values() for row in part}) == 10_000


def test_gmners_shown_entities_have_the_published_types_and_numbers_of_boxes(gmner: Path) -> None:
    shown = [entity for row in read_samples(gmner, "test") for entity in row.entities or () if entity.boxes]
    assert Counter(entity.type for entity in shown) == {"PER": 711, "ORG": 181, "OTHER": 114, "LOC": 40}
    numbers = Counter(len(entity.boxes) for entity in shown)
    assert [numbers[n] for n in range(1, 7)] == [943, 69, 12, 9, 4, 4] and sum(numbers.values()) == 1046


def test_version_1_of_gmner_is_told_apart(shared_data: Path, tmp_path: Path) -> None:
    file = {"test": TextFile(shared_data / "gmner" / "v1_test.txt")}
    convert_files(file, tmp_path / "as_v2", name="gmner")
    samples = {"test": read_samples(tmp_path / "as_v2", "test")}
    found = {row.kind: row for row in check_dataset(read_dataset(tmp_path / "as_v2"), samples)}
    assert found["version"].message == "version: gmner-v1, v1" and found["orphan_tags"].is_warning
    assert found["names_without_entity"].count == 1
    convert_files(file, tmp_path / "as_v1", name="gmner-v1")
    found = {row.kind: row for row in check_dataset(read_dataset(tmp_path / "as_v1"), samples)}
    assert not found["orphan_tags"].is_warning and not found["count_entities"].is_warning


def test_fmnergs_fine_types_are_functions_to_gmners(gmner: Path, shared_data: Path, tmp_path: Path) -> None:
    files = find_split_files(shared_data / "fmnerg" / "fmnerg.zip")
    convert_files(files, tmp_path / "set", name="fmnerg", boxes=shared_data / "gmner" / "xml.tar.gz")
    fine_to_coarse: dict[str, set[str]] = {}
    total = 0
    for split in ("train", "dev", "test"):
        kinds = set()
        for one, other in zip(read_samples(tmp_path / "set", split), read_samples(gmner, split), strict=True):
            assert (one.tokens, one.image) == (other.tokens, other.image)
            for row, plain in zip(one.entities or (), other.entities or (), strict=True):
                assert row[:2] == plain[:2] and row.boxes == plain.boxes
                assert COARSE_TYPES[row.type] == plain.type and row.fine is not None
                fine_to_coarse.setdefault(row.fine, set()).add(row.type)
                kinds.add(row.fine)
                total += 1
        assert len(kinds) == 51
    assert total == 16_772 and all(len(types) == 1 for types in fine_to_coarse.values())


def test_two_entities_of_one_surface_share_their_boxes(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(POST)
    write_boxes(tmp_path / "xml", {"7": OBJECT.format("Ann Smith", 1, 2, 30, 40) + OBJECT.format("Bob", 5, 5, 200, 9)})
    dataset = convert_files({"test": TextFile(tmp_path / "test.txt")}, tmp_path / "set", name="own", format="gmner")
    row = read_samples(tmp_path / "set", "test")[0]
    box = (Box(1, 2, 30, 40),)
    assert row.entities == (Entity(0, 2, "PER", boxes=box), Entity(3, 5, "PER", boxes=box)) and row.image == "7.jpg"
    assert dataset.counters == {
        "test_boxes": 1, "test_boxes_outside": 1, "test_names_without_entity": 1, "test_shared_surfaces": 1
    }  # fmt: skip
    assert [row.path for row in dataset.inputs] == ["test.txt", "7.xml"]
    found = {row.kind: row for row in check_dataset(dataset, {"test": [row]})}
    assert found["boxes_outside"].is_warning and found["names_without_entity"].is_warning
    assert count_split([row])["entities_with_box"] == 2


def test_boxes_are_read_alike_from_a_folder_a_zip_and_a_tar_archive(tmp_path: Path) -> None:
    folder = write_boxes(tmp_path / "xml", {"7": OBJECT.format("Ann", 1, 2, 3, 4), "8": ""})
    with zipfile.ZipFile(tmp_path / "xml.zip", "w") as archive, tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for path in folder.iterdir():
            archive.write(path, f"xml/{path.name}")
            tar.add(path, f"xml/{path.name}")
        tar.addfile(tarfile.TarInfo("xml/._7.xml"), io.BytesIO())
    read_three = [read_boxes(path) for path in (folder, tmp_path / "xml.zip", tmp_path / "a.tar.gz")]
    assert read_three[0] == read_three[1] == read_three[2] and set(read_three[0]) == {"7", "8"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>", "not XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "document type"),
        (VOC.format(OBJECT.format("a", 5, 1, 5, 9)), "a box without area"),
        (VOC.format(OBJECT.format("a", 5, 9, 7, 9)), "a box without area"),
        (VOC.format(OBJECT.format("a", "x", 1, 5, 9)), "not a box of four numbers"),
        (VOC.format(OBJECT.format("a", "nan", 1, 5, 9)), "not a box of four numbers"),
        (VOC.format(OBJECT.format(" ", 1, 1, 5, 9)), "an object without a name"),
        (VOC.format("<object><name>a</name></object>"), "not a box of four numbers"),
    ],
)
def test_faulty_boxes_are_refused_with_their_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_boxes(tmp_path)
    assert "1.xml" in str(caught.value.path)


def test_sources_without_boxes_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError):
            read_boxes(path)
    (tmp_path / "a.tar").write_bytes(b"no archive")
    with pytest.raises(InputError, match="damaged"):
        read_boxes(tmp_path / "a.tar")
    (tmp_path / "x").mkdir()
    (tmp_path / "test.txt").write_text("a\tO\n")
    with pytest.raises(UsageError, match="has no files of boxes"):
        convert_files(
            {"test": TextFile(tmp_path / "test.txt")}, tmp_path / "o", name="a", format="conll", boxes=tmp_path
        )


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("IMGID:1\nAnn\tB-PER\tB-actor\nx\tO\n", "3 columns", "line 3"),
        ("IMGID:1\nAnn B-PER\n", "2 or 3 columns", "line 2"),
        ("IMGID:1\n\nAnn\tB-PER\n", "a picture without a sentence", "line 1"),
        ("IMGID:1\nAnn\tPER\n", "not a tag", "line 2"),
        ("Ann\tB-person\tB-actor\nLee\tI-person\tB-actor\n", "other bounds", "line 1"),
        ("Ann\tB-person\tB-actor\nx\tO\tB-city\n", "an entity more", "line 2"),
    ],
)
def test_faulty_columns_are_refused_with_their_line(text: str, message: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, "gmner", text)
    assert caught.value.place == place


def test_jmere_is_rebuilt_with_the_measured_counts(shared_data: Path, tmp_path: Path) -> None:
    dataset = convert_files(find_split_files(shared_data / "mnre"), tmp_path / "set", name="jmere")
    assert dataset.task == "joint" and len(dataset.labels) == 25
    samples = {split: read_samples(tmp_path / "set", split) for split in dataset.splits}
    counts = {
        split: (len(rows), sum(len(row.relations or ()) for row in rows), sum(len(row.entities or ()) for row in rows))
        for split, rows in samples.items()
    }
    assert counts == {"train": (3618, 4503, 7765), "dev": (496, 624, 1069), "test": (475, 640, 1041)}
    assert not [row.message for row in check_dataset(dataset, samples) if row.is_warning]
    turned = [sum(r.head[0] > r.tail[0] for row in rows for r in row.relations or ()) for rows in samples.values()]
    assert turned == [1375, 196, 211]
    labels = count_split(samples["test"])["labels"]
    assert len(set(labels) - {"per", "org", "loc", "misc"}) == 19


def test_a_pair_without_a_relation_ends_a_sample_of_jmere(tmp_path: Path) -> None:
    one = {**PAIR, "relation": "/per/loc/place_of_birth"}
    none, other = {**PAIR, "relation": "None"}, {**PAIR, "relation": "/per/loc/place_of_residence"}
    rows, counters = read(tmp_path, "jmere", "\n".join(map(repr, [one, other, none, one, one])))
    assert [len(row.relations or ()) for row in rows] == [2, 1]
    assert rows[0].entities == (Entity(0, 1, "per"), Entity(2, 3, "loc")) and rows[0].image == "x.jpg"
    assert counters == {"pairs_without_relation": 1, "repeated_relations": 1}


def test_the_authors_form_of_jmere_gives_the_same_samples(tmp_path: Path) -> None:
    fact = {
        "beg_ent": {"name": "A", "pos": [0, 1], "tags": "per"},
        "sec_ent": {"name": "B", "pos": [2, 3], "tags": "loc"},
        "relation": "place_of_birth",
    }
    listed = json.dumps([{"token": PAIR["token"], "img_id": "x.jpg", "label_list": [[fact]]}])
    ours, _ = read(tmp_path, "jmere", repr({**PAIR, "relation": "/per/loc/place_of_birth"}))
    theirs, _ = read(tmp_path, "jmere", listed)
    assert ours == theirs
    for faulty in ({**fact, "relation": None}, {**fact, "beg_ent": {"pos": [0, 1]}}, 3):
        with pytest.raises(InputError) as caught:
            read(tmp_path, "jmere", json.dumps([{"token": ["A", "of", "B"], "label_list": [[faulty]]}]))
        assert caught.value.place == "entry 1"


def test_more_joins_a_span_with_a_box(tmp_path: Path) -> None:
    row: dict[str, Any] = {**PAIR, "t": {"name": "o1", "box": (0.5, 0.5, 0.5, 0.25)}, "relation": "none"}
    other = {**row, "relation": "load", "t": {"name": "o2", "box": [0.9, 0.5, 0.4, 0.2]}}
    rows, counters = read(tmp_path, "more", "\n".join(map(repr, [row, other])))
    assert rows[0].relations == (Relation(Span(0, 1), Box(0.25, 0.375, 0.75, 0.625), "None"),)
    assert counters == {"boxes_in_fractions": 2, "boxes_outside": 1}
    for faulty in ({"name": "o1"}, {"box": [1, 2, 3]}, {"box": [10, 20, 300, 40]}, {"box": [0.5, 0.5, 0, 0.5]}):
        with pytest.raises(InputError):
            read(tmp_path, "more", repr({**row, "t": faulty}))


def test_cmner_has_the_published_posts(shared_data: Path, tmp_path: Path) -> None:
    dataset = convert_files(find_split_files(shared_data / "cmner" / "cmner.zip"), tmp_path / "set", name="cmner")
    samples = {split: read_samples(tmp_path / "set", split) for split in dataset.splits}
    assert not [row.message for row in check_dataset(dataset, samples) if row.is_warning]
    assert samples["dev"][0].image == "LmQ1sizor.jpg" and len(samples["dev"]) == 1000
    assert all(len(token) == 1 for row in samples["dev"] for token in row.tokens)


@pytest.mark.parametrize(("name", "rows", "relations"), [("RTK", 1327, 11), ("JW", 2383, 9)])
def test_flmsre_has_the_published_rows(name: str, rows: int, relations: int, shared_data: Path, tmp_path: Path) -> None:
    file = TextFile(shared_data / "flmsre" / f"{name}.csv")
    dataset = convert_files({"train": file}, tmp_path / "set", name=name, format="flmsre")
    samples = read_samples(tmp_path / "set", "train")
    assert (len(samples), len(dataset.labels) - 1, dataset.task) == (rows, relations, "re")
    assert all(row.group for row in samples) and not any("<" in row.tokens for row in samples)


def test_flmsre_marks_are_head_and_tail(tmp_path: Path) -> None:
    header = "marked,head_id,tail_id,relation\n"
    rows, _ = read(tmp_path, "flmsre", header + '"<tail>木叉</tail>道<head>王</head>",1,2,father\n')
    assert (rows[0].tokens, rows[0].tail, rows[0].head) == (("木", "叉", "道", "王"), Span(0, 2), Span(3, 4))
    assert (rows[0].relation, rows[0].group) == ("father", "1 2")
    for text in ("marked,relation\na,b\n", header + "<head>a</head>,1,2,x\n", header + "<head>a</head>\n"):
        with pytest.raises(InputError):
            read(tmp_path, "flmsre", text)


def field(number: int, label: str, text: str, links: list[list[object]]) -> dict[str, object]:
    words = [{"text": word, "box": [0, 0, 1, 1]} for word in text.split(" ")]
    return {"id": number, "label": label, "box": [0, number, 9, number + 1], "words": words, "linking": links}


def test_the_links_of_a_form_are_relations_each_once(tmp_path: Path) -> None:
    fields = [
        field(1, "question", "Name :", [[1, 2]]), field(2, "answer", "Ann", [[1, 2], [1, 9]]),
        field(3, "other", "", []), field(4, "header", "Form", [[4, 1, "HEADER-OF"]]),
    ]  # fmt: skip
    rows, counters = read(tmp_path, "forms", json.dumps({"form": fields}))
    assert rows[0].tokens == ("Name", ":", "Ann", "Form") and rows[0].image == "test.png"
    assert rows[0].entities is not None and rows[0].entities[0] == Entity(0, 2, "QUESTION", boxes=(Box(0, 1, 9, 2),))
    assert set(rows[0].relations or ()) == {
        Relation(Span(0, 2), Span(2, 3), "QUESTION-ANSWER"), Relation(Span(3, 4), Span(0, 2), "HEADER-OF")
    }  # fmt: skip
    assert counters == {"empty_words": 1, "empty_fields": 1, "links_to_nothing": 1, "repeated_links": 0}
    for faulty in ({}, {"form": [{"id": 1}]}, {"form": [field(1, "", "a", [])]}, {"form": [field(1, "a", "a", [[1]])]}):
        with pytest.raises(InputError):
            read(tmp_path, "forms", json.dumps(faulty))


def test_a_folder_of_forms_is_a_split(tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    for name in ("b", "a"):
        (tmp_path / "forms" / f"{name}.json").write_text(json.dumps({"form": [field(1, "answer", name, [])]}))
    dataset = convert_files({"test": TextFile(tmp_path / "forms")}, tmp_path / "set", name="forms", format="forms")
    assert [row.sample_id for row in read_samples(tmp_path / "set", "test")] == ["test-a", "test-b"]
    assert dataset.task == "joint" and [row.path for row in dataset.inputs] == ["a.json", "b.json"]


def test_the_real_form_has_its_questions_and_answers(shared_data: Path, tmp_path: Path) -> None:
    file = {"test": TextFile(shared_data / "forms" / "50-135_1.2.json")}
    convert_files(file, tmp_path / "set", name="form", format="forms")
    row = read_samples(tmp_path / "set", "test")[0]
    kinds = Counter(entity.type for entity in row.entities or ())
    assert kinds["QUESTION"] == 23 and kinds["ANSWER"] == 27 and row.relations == ()


def test_json_lines_take_entities_with_boxes_and_make_their_tags(tmp_path: Path) -> None:
    line = {
        "tokens": ["Ann", "Lee", "in", "Rome"], "image": "a.jpg", "group": "a", "step": 1,
        "entities": [
            {"start": 0, "end": 2, "type": "PER", "fine": "actor", "boxes": [[0, 1, 2.5, 3]]},
            {"start": 3, "end": 4, "type": "LOC"},
        ],
    }  # fmt: skip
    rows, counters = read(tmp_path, "jsonl", json.dumps(line))
    assert rows[0].tags == ("B-PER", "I-PER", "O", "B-LOC") and (rows[0].group, rows[0].step) == ("a", 1)
    assert rows[0].entities == (Entity(0, 2, "PER", "actor", (Box(0, 1, 2.5, 3),)), Entity(3, 4, "LOC"))
    assert counters["tags_from_entities"] == 1


def test_json_lines_take_relations_between_spans_and_boxes(tmp_path: Path) -> None:
    relations = [
        {"head": [0, 1], "tail": [1, 2], "type": "of"},
        {"head": [0, 1], "tail": [0, 0, 5, 5], "relation": "in", "score": 0.5},
    ]
    rows, _ = read(tmp_path, "jsonl", json.dumps({"tokens": ["a", "b"], "relations": relations}))
    assert rows[0].relations == (
        Relation(Span(0, 1), Span(1, 2), "of"), Relation(Span(0, 1), Box(0, 0, 5, 5), "in", 0.5)
    )  # fmt: skip
    files = {"test": TextFile(tmp_path / "test.txt")}
    dataset = convert_files(files, tmp_path / "set", name="own", format="jsonl")
    assert (dataset.task, dataset.labels) == ("joint", ("in", "of"))
    assert read_samples(tmp_path / "set", "test") == rows


def test_entities_that_overlap_are_kept_without_tags(tmp_path: Path) -> None:
    entities = [{"start": 0, "end": 2, "type": "A"}, {"start": 1, "end": 2, "type": "B"}]
    rows, counters = read(tmp_path, "jsonl", json.dumps({"tokens": ["a", "b"], "entities": entities}))
    assert rows[0].tags is None and len(rows[0].entities or ()) == 2 and counters["entities_that_overlap"] == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"entities": [{"start": 0, "end": 3, "type": "A"}]}, "entity 1 [0, 3) is not a span"),
        ({"entities": [{"start": 0, "end": True, "type": "A"}]}, "'start, end' must be"),
        ({"entities": [{"start": 0, "end": 1}]}, "'type' must be a string"),
        ({"entities": [{"start": 0, "end": 1, "type": "Z"}]}, "unknown type 'Z'"),
        ({"entities": [{"start": 0, "end": 1, "type": "A", "box": []}]}, "unknown key 'box'"),
        ({"entities": [{"start": 0, "end": 1, "type": "A", "boxes": [[1, 1, 1, 2]]}]}, "a box without area"),
        ({"entities": [{"start": 0, "end": 1, "type": "A", "boxes": [[1, 1, 2]]}]}, "not a box of four numbers"),
        ({"entities": [{"start": 0, "end": 1, "type": "A", "score": 2}]}, "'score' must be"),
        ({"entities": {"start": 0}}, "'entities' must be a list of objects"),
        ({"entities": [{"start": 0, "end": 1, "type": "A"}], "tags": ["O", "O"]}, "tags and entities say different"),
        ({"relations": [{"head": [0, 1], "type": "A"}]}, "a relation needs 'tail'"),
        ({"relations": [{"head": [0, 1], "tail": [1, 9], "type": "A"}]}, "tail of relation 1 [1, 9) is not"),
        ({"relations": [{"head": [0, 1], "tail": [1, 2], "type": "A", "relation": "A"}]}, "the same field twice"),
        ({"step": "1"}, "'step' must be a whole number"),
        ({"group": 1}, "'group' must be a string"),
    ],
)
def test_faulty_records_in_json_are_refused_with_their_line(
    more: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(tmp_path, "jsonl", json.dumps({"tokens": ["a", "b"], **more}), ("A",))
    assert str(caught.value.place).startswith("line 1")


def test_empty_words_of_rivegs_contexts_are_left_out(tmp_path: Path) -> None:
    rows, counters = read(tmp_path, "conll", "a\tO\r\n<EOS>\tX\r\n\tX\r\nb\tX\r\n\r\nc\tO\r\n")
    assert [row.tokens for row in rows] == [("a",), ("c",)] and counters["contexts_left_out"] == 1
    with pytest.raises(InputError, match="token and a tag"):
        read(tmp_path, "conll", "a\tO\n\tO\n")


def test_rivegs_knowledge_has_the_tokens_and_tags_of_gmner(gmner: Path, shared_data: Path, tmp_path: Path) -> None:
    files = find_split_files(shared_data / "riveg" / "Twitter10000_noaugment.zip")
    convert_files(files, tmp_path / "set", name="riveg", format="conll")
    for split in ("train", "dev", "test"):
        pairs = zip(read_samples(tmp_path / "set", split), read_samples(gmner, split), strict=True)
        assert all(one.tags == other.tags for one, other in pairs)
