"""Files of boxes: JSON lines, Pascal VOC, VinVL's arrays and the dictionaries of FocalMRE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from indexer.features.boxes import GivenBox, GivenBoxes
from indexer.features.members import Member, read_members
from indexer.features.npz import read_npz
from schemas.checked_json import read_checked_lines
from schemas.errors import InputError
from schemas.records import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RegionFiles", "read_region_files", "vinvl_boxes"]

_REMEDY = (
    "give a .jsonl file (image, boxes, width, height), a folder or archive of Pascal VOC .xml files, "
    "VinVL's .npz files, or the .pth dictionaries of FocalMRE"
)
_MOST_BYTES = 1 << 30
_SPLITS = {"train": "train", "dev": "dev", "val": "dev", "test": "test"}
_OF_PICTURE = re.compile(r"(?P<name>.+)_crop_\d+(?P<suffix>\.\w+)")
_OF_SAMPLE = re.compile(r"(?P<number>\d+)_pred_yolo_crop_(?P<order>\d+)\.\w+")
"""The keys of FocalMRE's dictionaries. Source: data/*.pth of github.com/honk2333/FocalMRE."""


@dataclass
class RegionFiles:
    """The boxes of many pictures.

    Args:
        of_picture: by the name of the picture, with or without its suffix.
        of_sample: by split and the number of the sample in it, from 0, where the boxes depend on its words.
        faults: (file, what is wrong) of files in a folder or archive that cannot be read.
    """

    of_picture: dict[str, list[GivenBoxes]] = field(default_factory=dict)
    of_sample: dict[tuple[str, int], list[GivenBoxes]] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def find(self, sample: Sample, number: int) -> list[GivenBoxes]:
        """Return the boxes of a sample with a picture: those of the picture, then its own.

        Args:
            sample: with an image.
            number: of the sample in its split, from 0.
        """
        name = self.find_name(sample.image or "")
        pictures = [] if name is None else self.of_picture[name]
        return [*pictures, *self.of_sample.get((sample.split, number), [])]

    def find_name(self, image: str) -> str | None:
        """Return the name under which the boxes of an image are: the whole name, the file's, or without its suffix."""
        path = PurePosixPath(image)
        return next((name for name in (image, path.name, path.stem) if name in self.of_picture), None)

    def add(self, name: str, boxes: GivenBoxes) -> None:
        """Add the boxes of a picture."""
        self.of_picture.setdefault(name, []).append(boxes)


@dataclass(frozen=True)
class _JsonRow:
    image: str
    boxes: list[list[float]]
    width: float | None = None
    height: float | None = None
    names: list[str] | None = None
    scores: list[float] | None = None


def read_region_files(paths: Iterable[Path]) -> RegionFiles:
    """Read files of boxes; the first bytes and the suffix tell the kind.

    Args:
        paths: of .jsonl files, and of folders and archives (.zip, .tar, .tar.gz) of .xml, .npz and .pth files.

    Raises:
        InputError: there is no such file, a line is not JSON, or nothing here has boxes.
    """
    found = RegionFiles()
    for path in paths:
        before = len(found.of_picture) + len(found.of_sample) + len(found.faults)
        if path.suffix == ".jsonl":
            _read_json_lines(path, found)
        else:
            for member in read_members(path, (".xml", ".npz", ".pth"), _REMEDY):
                _read_member(member, found)
        if len(found.of_picture) + len(found.of_sample) + len(found.faults) == before:
            raise InputError("no file of boxes here", path=path, remedy=_REMEDY)
    return found


def _read_json_lines(path: Path, found: RegionFiles) -> None:
    for number, row in read_checked_lines(path, _JsonRow, limit=_MOST_BYTES, remedy=_REMEDY):
        names = [""] * len(row.boxes) if row.names is None else row.names
        scores = [float("nan")] * len(row.boxes) if row.scores is None else row.scores
        size = None if row.width is None or row.height is None else (row.width, row.height)
        is_right = len(row.boxes) == len(names) == len(scores) and all(len(box) == 4 for box in row.boxes)
        if not is_right or (size is not None and min(size) <= 0):
            fault = "boxes must have four numbers each, as many names and scores as boxes, and a size above 0"
            raise InputError(fault, path=path, place=f"line {number}", remedy=_REMEDY)
        found.add(row.image, GivenBoxes(_given(row.boxes, names, scores), size))


def _given(boxes: Sequence[Sequence[float]], names: Sequence[str], scores: Sequence[float]) -> tuple[GivenBox, ...]:
    rows = zip(boxes, names, scores, strict=True)
    return tuple(GivenBox((box[0], box[1], box[2], box[3]), name, score) for box, name, score in rows)


def _read_member(member: Member, found: RegionFiles) -> None:
    """Read one file; a damaged one is a fault, and the others are read all the same."""
    name = PurePosixPath(member.name)
    try:
        if name.suffix == ".xml":
            found.add(name.stem, _read_voc(member.data))
        elif name.suffix == ".npz":
            found.add(name.name.removesuffix(".npz"), vinvl_boxes(read_npz(member.data)))
        else:
            _read_focal(member, found)
    except (ValueError, KeyError, InputError) as error:
        found.faults.append((member.name, str(error)))


def _read_voc(data: bytes) -> GivenBoxes:
    """Read a file of Pascal VOC. Names are left out: in sets for grounding they are the answers."""
    from xml.etree import ElementTree as Xml

    if b"<!" in data.replace(b"<!--", b""):  # a document type can define entities that grow to gigabytes
        raise ValueError("a document type, which an annotation has not")
    try:
        root = Xml.fromstring(data)  # noqa: S314 - without a document type there is nothing to expand
    except Xml.ParseError as error:
        raise ValueError(f"not XML ({error})") from error
    boxes = [
        tuple(float(node.findtext(f"bndbox/{corner}") or "nan") for corner in ("xmin", "ymin", "xmax", "ymax"))
        for node in root.iter("object")
    ]
    width, height = (float(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    # One box may stand there several times, under several names.
    different = dict.fromkeys((box[0], box[1], box[2], box[3]) for box in boxes)
    return GivenBoxes(tuple(map(GivenBox, different)), (width, height) if width > 0 and height > 0 else None)


def vinvl_boxes(arrays: Mapping[str, NDArray[Any]]) -> GivenBoxes:
    """Return the boxes of a picture in VinVL's arrays, the surest first, as they stand there.

    Raises:
        ValueError: the arrays have other shapes.
        KeyError: there are no bounding_boxes.
    """
    boxes = arrays["bounding_boxes"].astype(float)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"bounding_boxes of the shape {boxes.shape}, not [K, 4]")
    names = [str(name) for name in arrays["objects"]] if "objects" in arrays else [""] * len(boxes)
    scores = arrays["scores"].astype(float).tolist() if "scores" in arrays else [float("nan")] * len(boxes)
    width, height = (float(arrays[name]) if name in arrays else 0.0 for name in ("image_w", "image_h"))
    return GivenBoxes(_given(boxes.tolist(), names, scores), (width, height) if min(width, height) > 0 else None)


def _read_focal(member: Member, found: RegionFiles) -> None:
    """Read a dictionary of FocalMRE: key -> centre x and y, width, height and area, as shares of the picture."""
    rows = _load_dictionary(member.data)
    name = PurePosixPath(member.name).stem.partition("_")[0].lower()
    numbered = sorted(_numbered(rows), key=lambda row: row[:2])
    for number, _, values in numbered:
        if name not in _SPLITS:
            raise ValueError("the file's name does not begin with its split: train, dev, val or test")
        found.of_sample.setdefault((_SPLITS[name], number), []).append(_from_centre(values))
    of_pictures = ((match, values) for key, values in rows.items() if (match := _OF_PICTURE.fullmatch(str(key))))
    for match, values in of_pictures:
        if not _OF_SAMPLE.fullmatch(match.string):
            found.add(match["name"] + match["suffix"], _from_centre(values))
    if not rows or not (numbered or any(_OF_PICTURE.fullmatch(str(key)) for key in rows)):
        raise ValueError("no keys such as PICTURE_crop_0.jpg or 0_pred_yolo_crop_0.png")


def _numbered(rows: dict[Any, Any]) -> Iterator[tuple[int, int, Any]]:
    for key, values in rows.items():
        if match := _OF_SAMPLE.fullmatch(str(key)):
            yield int(match["number"]), int(match["order"]), values


def _from_centre(values: Any) -> GivenBoxes:
    x, y, width, height = (float(value) for value in list(values)[:4])
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return GivenBoxes((GivenBox(corners),), (1.0, 1.0))


def _load_dictionary(data: bytes) -> dict[Any, Any]:
    """Load a dictionary of plain values; torch refuses a file with anything else in it."""
    import io

    import torch

    try:
        rows = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises its own kinds for each damage, and for code in the file
        raise ValueError(f"not a file of plain values ({type(error).__name__})") from error
    if not isinstance(rows, dict):
        raise ValueError("not a dictionary")
    return rows
