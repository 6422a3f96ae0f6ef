"""The forms in which captions circulate, and lines of none of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from indexer.contexts.caption_forms import read_captions
from indexer.contexts.imported import import_captions
from schemas.context_cache import read_context_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile


def read(folder: Path, text: str | bytes, name: str = "captions.txt") -> list[tuple[str, str]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_captions(TextFile(path)))


def data_set(folder: Path, *images: str | None) -> Path:
    rows = [Sample(f"test-{number}", ("x", str(number)), image) for number, image in enumerate(images, start=1)]
    write_dataset(folder / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    return folder / "set"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1.jpg :a dog : asleep", [("1.jpg", "a dog : asleep")]),
        ("1.jpg\ta dog :asleep", [("1.jpg", "a dog :asleep")]),
        ("1.jpg#0\ta dog", [("1.jpg", "a dog")]),
        ('{"image_id": "1.jpg", "caption": "a dog"}', [("1.jpg", "a dog")]),
        ('{"image_id": 71044, "caption": "a dog"}', [("71044", "a dog")]),
        ('{"file_name": "1.jpg", "captions": ["a dog", "a bed"]}', [("1.jpg", "a dog"), ("1.jpg", "a bed")]),
        ("{'img_id': '1.jpg', 'text': \"a dog's bed\"}", [("1.jpg", "a dog's bed")]),
        (r"{'img_id': '1.jpg', 'text': 'a \d b'}", [("1.jpg", r"a \d b")]),
        ("{'img_id': '1.jpg', 'text': '\\nA dog.'}", [("1.jpg", "A dog.")]),
        ('{"1.jpg": "a dog", "2.jpg": ["a cat"]}', [("1.jpg", "a dog"), ("2.jpg", "a cat")]),
    ],
)
def test_each_form_of_a_line_is_read(tmp_path: Path, line: str, found: list[tuple[str, str]]) -> None:
    assert read(tmp_path, f"\n{line}\r\n\n") == found


def test_blocks_have_captions_of_several_lines_with_colons_and_tabs_in_them(tmp_path: Path) -> None:
    text = "imgid:71044###A room :\n\nIt has\ta door.\nimgid:O_2###\nImageId: 3.jpg###Last"
    assert read(tmp_path, text) == [("71044", "A room : It has a door."), ("O_2", ""), ("3.jpg", "Last")]


def test_a_json_file_is_one_value_or_lines(tmp_path: Path) -> None:
    assert read(tmp_path, '[\n {"image": "1.jpg",\n "caption": "a"}\n]', "c.json") == [("1.jpg", "a")]
    assert read(tmp_path, '{\n "1.jpg": "a",\n "2.jpg": "b"\n}', "c.json") == [("1.jpg", "a"), ("2.jpg", "b")]
    lines = '{"image": "1.jpg", "caption": "a"}\n{"image": "2.jpg", "caption": "b"}\n'
    assert read(tmp_path, lines, "c.json") == [("1.jpg", "a"), ("2.jpg", "b")]


@pytest.mark.parametrize(
    "line",
    [
        "1.jpg a dog",
        " :a dog",
        "{'img_id': '1.jpg'}",
        "{'img_id': '1.jpg', 'text': None}",
        "{'img_id': True, 'text': 'a'}",
        r"{'img_id': '1.jpg', 'text': '\ud800'}",
        r'{"image": "\ud800.jpg", "caption": "a"}',
        "{'img_id': '1.jpg', 'text': __import__('os').getcwd()}",
        "{'img_id': '1.jpg', 'text': 'cut",
        "{'a', 'b'}",
        "{}",
        "{" * 5000,
        "{'a': " + "[" * 3000 + "]" * 3000 + "}",
        '{"image": ' + "[" * 100_000,
        "{'img_id': '1.jpg', 'text': '" + "a" * (1 << 20) + "'}",
    ],
)
def test_a_line_of_no_form_is_refused_with_file_line_and_remedy(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "1.jpg :x\n" + line + "\n")
    assert caught.value.place == "line 2" and "captions.txt" in str(caught.value.path)
    assert "imgid:ID###" in str(caught.value.remedy)


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        read(tmp_path, b"1.jpg :x\n2.jpg :\xff\n")


def test_an_archive_with_a_file_for_each_split_is_one_source(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "BLIP.zip", "w") as archive:
        archive.writestr("BLIP_train.txt", "{'img_id': '1.jpg', 'text': 'a dog'}\n")
        archive.writestr("BLIP_test.txt", "{'img_id': '2.jpg', 'text': 'a cat'}\n{'img_id': '9.jpg', 'text': 'x'}\n")
        archive.writestr("picture.png", b"\x89PNG")
    samples = data_set(tmp_path, "1.jpg", "2.jpg", None, "1.jpg")
    info = import_captions(tmp_path / "BLIP.zip", samples, tmp_path / "out", "blip")
    rows = [(row.sample_id, row.text, row.matched) for row in read_context_rows(tmp_path / "out")]
    assert rows == [("test-1", "a dog", "1.jpg"), ("test-2", "a cat", "2.jpg"), ("test-4", "a dog", "1.jpg")]
    assert info.parameters["unmatched_images"] == 1
    assert list(info.parameters["files"]) == ["BLIP.zip"]


def test_a_picture_is_found_by_a_shorter_name_only_where_one_has_it(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("imgid:1###one\nimgid:2###two\nimgid:a/2.jpg###its own\n")
    samples = data_set(tmp_path, "1.jpg", "a/2.jpg", "b/2.jpg")
    info = import_captions(tmp_path / "c.txt", samples, tmp_path / "out")
    assert [(row.sample_id, row.text) for row in read_context_rows(tmp_path / "out")] == [
        ("test-1", "one"),
        ("test-2", "its own"),
    ]
    assert info.parameters["unmatched_images"] == 1


def test_captions_of_other_pictures_and_damaged_archives_are_refused(tmp_path: Path) -> None:
    samples = data_set(tmp_path, "1.jpg")
    (tmp_path / "c.txt").write_text("7.jpg :x\n")
    with pytest.raises(InputError, match="no caption is of a picture") as caught:
        import_captions(tmp_path / "c.txt", samples, tmp_path / "out")
    assert caught.value.place == "the first is of 7.jpg"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no caption is of a picture"):
        import_captions(tmp_path / "empty", samples, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a_test.txt", "1.jpg :" + "x" * 2000)
    data = (tmp_path / "c.zip").read_bytes()
    (tmp_path / "c.zip").write_bytes(data[:45] + b"\0\0\0\0" + data[49:])
    with pytest.raises(InputError):
        import_captions(tmp_path / "c.zip", samples, tmp_path / "out")


@pytest.mark.integration
@pytest.mark.parametrize("captioner", ["BLIP", "instruct", "llavanext", "caption", "cogvlm", "minicpm"])
def test_a_real_captioner_covers_every_picture_of_mnre(shared_data: Path, captioner: str) -> None:
    archive = shared_data / "mnre_captions" / f"{captioner}.zip"
    counts = {}
    for split in ("train", "val", "test"):
        found = list(read_captions(TextFile(archive, f"{captioner}_{split}.txt")))
        counts[split] = len({image for image, _ in found} - {"inf.png"})  # the authors' stand-in for a missing picture
    assert counts == {"train": 7356, "val": 931, "test": 914}


@pytest.mark.integration
def test_the_real_blocks_of_gmner_are_read_whole(shared_data: Path) -> None:
    archive = TextFile(shared_data / "riveg" / "owl_captions.zip", "owltestcaption_1.txt")
    found = list(read_captions(archive))
    assert len(found) == 1499 and found[0][0] == "71044"
    assert found[0][1].startswith("The image depicts an indoor greenhouse") and "\n" not in found[0][1]
    assert found[0][1].endswith("serenity of the greenhouse.")
