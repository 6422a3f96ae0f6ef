"""Boxes that annotators drew in pictures: Pascal VOC files in a folder, a zip or a tar archive."""

from __future__ import annotations

import math
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

from schemas.errors import InputError, UsageError
from schemas.records import Box

__all__ = ["NamedBox", "PictureBoxes", "find_boxes", "read_boxes", "to_box"]

_MAX_BYTES = 4 * 1024 * 1024
"""Of one file; those of GMNER have at most 20,000."""
_PLACES = ("xml", "xml.tar.gz", "xml.tar", "xml.tgz", "xml.zip")
_REMEDY = "draw or export it again, or leave it out"


class NamedBox(NamedTuple):
    """A box and the name that the annotator gave to what it shows."""

    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class PictureBoxes:
    """What was drawn in one picture, of width x height pixels (0 x 0 where the file does not say)."""

    width: int
    height: int
    boxes: tuple[NamedBox, ...]

    def outside(self) -> int:
        """Count the boxes that reach beyond the picture; 0 where its size is unknown.

        >>> PictureBoxes(10, 10, (NamedBox("a", Box(0, 0, 10, 10)), NamedBox("b", Box(5, 5, 11, 9)))).outside()
        1
        """
        if not self.width or not self.height:
            return 0
        return sum(min(box[:2]) < 0 or box.x2 > self.width or box.y2 > self.height for _, box in self.boxes)


def find_boxes(beside: Path) -> Path | None:
    """Return the folder or archive `xml` that stands beside a file, as GMNER is published; None if there is none."""
    places = (beside.parent / name for name in _PLACES)
    return next((place for place in places if place.exists()), None)


def read_boxes(source: Path) -> dict[str, PictureBoxes]:
    """Read all boxes of a source by the stem of their file, which is that of the picture: `123.xml`, `123.jpg`.

    The name of a picture within a file is not used: in 765 of GMNER's 5,612 files it names another.

    Args:
        source: a folder of Pascal VOC files, or a zip or tar archive of them.

    Raises:
        UsageError: there is no such source, or it holds no such file.
        InputError: a file is damaged, two have one stem, or a box has no area; with file and place.
    """
    found: dict[str, PictureBoxes] = {}
    with _open_files(source) as files:
        for name, data in files:
            stem = PurePosixPath(name).stem
            if stem in found:
                raise InputError(f"two files for the picture {stem!r}", path=f"{source}!{name}", remedy=_REMEDY)
            found[stem] = _parse(data, f"{source}!{name}")
    if not found:
        raise UsageError("no .xml file here", path=source, remedy="name the folder or archive of Pascal VOC files")
    return found


@contextmanager
def _open_files(source: Path) -> Iterator[Iterator[tuple[str, bytes]]]:
    """Open a source, and hand out the name and the bytes of each of its files."""
    try:
        if source.is_dir():
            paths = sorted(source.rglob("*.xml"))
            names = (str(path.relative_to(source)) for path in paths)
            yield zip(names, (_read_limited(path.stat().st_size, path.read_bytes) for path in paths), strict=True)
        elif not source.is_file():
            raise UsageError("there is no such folder or archive of boxes", path=source)
        elif zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                rows = [row for row in archive.infolist() if _is_voc(row.filename)]
                yield ((row.filename, _read_limited(row.file_size, partial(archive.read, row))) for row in rows)
        else:
            with tarfile.open(source) as tar:
                yield (
                    (row.name, _read_limited(row.size, partial(_read_member, tar, row)))
                    for row in tar
                    if row.isfile() and _is_voc(row.name)
                )
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(f"damaged or unreadable ({error})", path=source) from error


def _is_voc(name: str) -> bool:
    return name.endswith(".xml") and not name.startswith("__MACOSX/") and not PurePosixPath(name).name.startswith("._")


def _read_member(tar: tarfile.TarFile, row: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(row)
    return b"" if stream is None else stream.read()


def _read_limited(size: int, read: Callable[[], bytes]) -> bytes:
    if size > _MAX_BYTES:
        raise OSError(f"a file of {size:,} bytes, more than {_MAX_BYTES:,}")
    return read()


def _parse(data: bytes, path: str) -> PictureBoxes:
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:  # entities can unpack to far more than they weigh
        raise InputError("XML with a document type, which Pascal VOC has not", path=path, remedy=_REMEDY)
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities to attack with
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"not XML ({error})", path=path, remedy=_REMEDY) from error
    boxes = [_parse_object(row, path, f"object {number}") for number, row in enumerate(root.iter("object"), start=1)]
    width, height = (_size(root.findtext(f"size/{name}")) for name in ("width", "height"))
    return PictureBoxes(width, height, tuple(boxes))


def _parse_object(row: ElementTree.Element, path: str, place: str) -> NamedBox:
    texts = [row.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
    name = row.findtext("name")
    if not name or not name.strip():
        raise InputError("an object without a name", path=path, place=place, remedy=_REMEDY)
    return NamedBox(name.strip(), to_box(texts, path, place))


def to_box(values: Sequence[object], path: str, place: str) -> Box:
    """Return the box of four numbers x1, y1, x2, y2.

    Raises:
        InputError: they are not four finite numbers, or the box has no area; with path and place.
    """
    try:
        numbers = [float(value) for value in values if not isinstance(value, bool)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise InputError(f"not a box of four numbers: {list(values)!r:.80}", path=path, place=place, remedy=_REMEDY)
    box = Box(*numbers)
    if box.x1 >= box.x2 or box.y1 >= box.y2:
        raise InputError(f"a box without area: {tuple(box)}", path=path, place=place, remedy=_REMEDY)
    return box


def _size(text: str | None) -> int:
    return int(text) if text is not None and text.strip().isdecimal() else 0
