"""Files of boxes: each kind, damaged ones among sound ones, and nothing that runs code or grows without bound."""

from __future__ import annotations

import io
import json
import math
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.features.region_files import read_region_files
from schemas.errors import InputError
from schemas.records import Sample

VOC = """<annotation><filename>other.jpg</filename><size><width>{width}</width><height>50</height></size>
{boxes}</annotation>"""
BOX = "<object><name>Rocky</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"


def test_lines_of_json_give_boxes_with_size_names_and_scores(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    rows = [
        {"image": "a.jpg", "width": 100, "height": 50, "boxes": [[1, 2, 3, 4]], "names": ["dog"], "scores": [0.5]},
        {"image": "b.jpg", "boxes": []},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_region_files([path])
    only = found.find(Sample("x", ("a",), "a.jpg"), 0)[0]
    assert only.size == (100.0, 50.0)
    assert only.boxes[0] == ((1.0, 2.0, 3.0, 4.0), "dog", 0.5)
    assert found.find(Sample("x", ("a",), "b.jpg"), 0)[0].boxes == ()
    assert found.find(Sample("x", ("a",), "c.jpg"), 0) == []


@pytest.mark.parametrize(
    "row",
    [
        {"image": "a.jpg", "boxes": [[1, 2, 3]]},
        {"image": "a.jpg", "boxes": [[1, 2, 3, 4]], "names": []},
        {"image": "a.jpg", "boxes": [[1, 2, 3, 4]], "scores": [0.1, 0.2]},
        {"image": "a.jpg", "boxes": [], "width": 0, "height": 10},
        {"image": "a.jpg", "boxes": [["1", 2, 3, 4]]},
        {"boxes": []},
        [],
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, row: object) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text('{"image": "z.jpg", "boxes": []}\n' + json.dumps(row))
    with pytest.raises(InputError, match="line 2"):
        read_region_files([path])


@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_voc_files_give_each_box_once_and_never_its_name(tmp_path: Path, kind: str) -> None:
    files = {
        "xml/a.xml": VOC.format(width=100, boxes=BOX + BOX.replace("Rocky", "Balboa")),
        "xml/none.xml": VOC.format(width=100, boxes=""),
        "xml/bad.xml": "<annotation>",
        "xml/bomb.xml": '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
        "xml/words.xml": VOC.format(width=100, boxes=BOX.replace("30", "thirty")),
        "notes.txt": "no boxes",
    }
    path = pack(tmp_path, kind, {name: text.encode() for name, text in files.items()})
    found = read_region_files([path])
    group = found.find(Sample("x", ("a",), "a.jpg"), 0)[0]
    assert group.size == (100.0, 50.0)
    assert [(box.corners, box.name) for box in group.boxes] == [((1.0, 2.0, 30.0, 40.0), "")]
    assert found.of_picture["none"][0].boxes == ()
    assert sorted(name.rpartition("/")[2] for name, _ in found.faults) == ["bad.xml", "bomb.xml", "words.xml"]


def test_vinvl_arrays_give_names_and_scores(tmp_path: Path) -> None:
    boxes = np.array([[1, 2, 3, 4], [0, 0, 9, 9]], np.float32)
    arrays = {"bounding_boxes": boxes, "objects": ["dog", "sky"], "scores": [0.9, 0.25], "image_w": 90, "image_h": 60}
    np.savez(tmp_path / "a.jpg.npz", **arrays)  # type: ignore[arg-type]
    np.savez(tmp_path / "odd.jpg.npz", bounding_boxes=np.zeros((2, 3)))
    np.savez(tmp_path / "code.jpg.npz", bounding_boxes=np.array([Path()], object))
    (tmp_path / "cut.jpg.npz").write_bytes((tmp_path / "a.jpg.npz").read_bytes()[:100])
    found = read_region_files([tmp_path])
    group = found.find(Sample("x", ("a",), "folder/a.jpg"), 0)[0]
    assert group.size == (90.0, 60.0)
    assert [(box.name, box.score) for box in group.boxes] == [("dog", 0.9), ("sky", 0.25)]
    assert len(found.faults) == 3


def test_dictionaries_of_focalmre_give_boxes_of_pictures_and_of_samples(tmp_path: Path) -> None:
    torch.save({"p_1_crop_0.jpg": (0.5, 0.5, 0.5, 1.0, 0.5)}, tmp_path / "test_detect.pth")
    numbered = {"1_pred_yolo_crop_7.png": (0.25, 0.5, 0.5, 0.5, 0.25), "1_pred_yolo_crop_3.png": (0.5, 0.5, 1, 1, 1)}
    torch.save(numbered, tmp_path / "val_vg.pth")
    found = read_region_files([tmp_path])
    sample = Sample("dev-2", ("a",), "p_1.jpg", split="dev")
    groups = found.find(sample, 1)
    assert [box.corners for group in groups for box in group.boxes] == [
        (0.25, 0.0, 0.75, 1.0),
        (0.0, 0.0, 1.0, 1.0),
        (0.0, 0.25, 0.5, 0.75),
    ]
    assert {group.size for group in groups} == {(1.0, 1.0)}
    assert len(found.find(sample, 0)) == 1


def test_code_in_a_dictionary_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path(tmp_path / "run").touch, ())

    (tmp_path / "test_vg.pth").write_bytes(pickle.dumps({"0_pred_yolo_crop_0.png": Evil()}))
    found = read_region_files([tmp_path])
    assert not (tmp_path / "run").exists()
    assert len(found.faults) == 1


def test_what_holds_no_boxes_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "boxes.csv"
    text.write_text("a,b")
    for path in (empty, text, tmp_path / "absent.jsonl", tmp_path / "absent"):
        with pytest.raises(InputError):
            read_region_files([path])


def test_the_boxes_of_mnre_and_gmner_and_vinvl_are_read(shared_data: Path) -> None:
    mnre = read_region_files([shared_data / "mnre_boxes" / "mnre_boxes.zip"])
    assert sum(len(groups) for (split, _), groups in mnre.of_sample.items() if split == "test") == 4373
    assert len(mnre.of_sample) == 12247 + 1624 + 1614
    assert sum(len(groups) for groups in mnre.of_picture.values()) == 20885 + 2614 + 2597
    assert not mnre.faults
    vinvl = read_region_files([shared_data / "vinvl"])
    assert len(vinvl.of_picture) == 6
    assert vinvl.of_picture["111254.jpg"][0].boxes[0].name == "mouse"


def test_a_name_with_and_without_its_suffix_and_folder_is_found(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text('{"image": "a", "boxes": []}\n{"image": "f/b.jpg", "boxes": [[0, 0, 1, 1]]}')
    found = read_region_files([path])
    assert found.find_name("x/a.png") == "a"
    assert found.find_name("f/b.jpg") == "f/b.jpg"
    assert found.find_name("b.jpg") is None
    assert math.isnan(found.of_picture["f/b.jpg"][0].boxes[0].score)


def pack(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    """Write files into a folder or an archive."""
    path = folder / f"boxes.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    elif kind == "tar":
        with tarfile.open(path, "w:gz") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    else:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path
