"""Tar shards (WebDataset): which members are pictures, under which names, and their bytes; nothing is extracted."""

from __future__ import annotations

import json
import posixpath
import tarfile
import weakref
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pipelines.images.source import Missing
from pipelines.storage import open_file
from schemas.errors import InputError

__all__ = ["TarShard", "name_in_address", "name_of_sample"]

_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".svg", ".tif", ".tiff", ".img", ".image")
_NAME_KEYS = ("file", "file_name", "filename", "image_url", "url")
_MAX_JSON_BYTES = 1_000_000


class TarShard:
    """One tar file, not compressed: a member's bytes are read where they lie.

    A member's name is its own without folders. Where the sample has a JSON member that tells a file name or address
    (`file`, `file_name`, `image_url`, `url`: writers of web data sets number their members), that is its name.
    Links, devices and sparse members are no pictures.

    Args:
        path: or URL.

    Raises:
        InputError: it is no tar file, or a compressed one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._file = open_file(path)
            head = self._file.read(6)
        except OSError as error:
            raise InputError(f"the tar file cannot be read ({error})", path=path, remedy="check it") from error
        weakref.finalize(self, self._file.close)
        if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
            raise InputError(
                "a compressed tar file has to be read from its start for each picture",
                path=path,
                remedy="uncompress it (pictures are compressed already)",
            )

    def names(self) -> Iterator[tuple[str, int, int, int]]:
        """Return name, rank, offset and size of each picture.

        Raises:
            InputError: the file is damaged or ends early.
        """
        told: dict[str, str] = {}
        pictures: list[tuple[str, int, int]] = []
        last = ""
        for member in self._members():
            sample = _sample_of(member.name)
            if sample != last:
                yield from _named(pictures, told)
                last, told, pictures = sample, {}, []
            suffix = posixpath.splitext(member.name)[1].lower()
            if suffix in _PICTURES:
                pictures.append((member.name, member.offset_data, member.size))
            elif suffix == ".json" and member.size <= _MAX_JSON_BYTES:
                self._file.seek(member.offset_data)
                told[sample] = name_of_sample(self._file.read(member.size)) or ""
        yield from _named(pictures, told)

    def _members(self) -> Iterator[tarfile.TarInfo]:
        self._file.seek(0)
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                while (member := tar.next()) is not None:
                    setattr(tar, "members", [])  # noqa: B010  # else it keeps every member
                    if member.isreg() and not member.issparse():
                        yield member
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise InputError(
                f"the tar file is damaged or ends early ({error})", path=self._path, remedy="fetch it again"
            ) from error

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:
        """Return the bytes at an offset."""
        if second > max_bytes:
            return Missing("too_large", f"{second} bytes, at most {max_bytes}")
        self._file.seek(first)
        data = self._file.read(second)
        return data if len(data) == second else Missing("unreadable", f"{self._path} ends within the picture")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _named(pictures: list[tuple[str, int, int]], told: dict[str, str]) -> Iterator[tuple[str, int, int, int]]:
    for member, offset, size in pictures:
        name = told.get(_sample_of(member)) or posixpath.basename(member)
        yield name, 0, offset, size


def _sample_of(member: str) -> str:
    """Return the key of a member's sample: its path up to the first dot of its name. Source: WebDataset's format.

    >>> _sample_of("0001/000012.jpg"), _sample_of("0001/000012.meta.json")
    ('0001/000012', '0001/000012')
    """
    folder, name = posixpath.split(member)
    return posixpath.join(folder, name.partition(".")[0])


def name_of_sample(data: bytes) -> str | None:
    """Find a file's name in the JSON of its sample; an address gives its last part.

    >>> name_of_sample(b'{"url": "https://upload.wikimedia.org/wikipedia/commons/a/a9/Old_%C3%A9.jpg"}')
    'Old_é.jpg'
    """
    try:
        values = json.loads(data)
    except ValueError:
        return None
    if not isinstance(values, dict):
        return None
    told = next((values[key] for key in _NAME_KEYS if isinstance(values.get(key), str) and values[key]), None)
    return None if told is None else name_in_address(told)


def name_in_address(text: str) -> str:
    """Return the file's name of an address on a MediaWiki, of its thumbnail too; a plain name stays as it is.

    >>> name_in_address("https://upload.wikimedia.org/wikipedia/commons/thumb/a/a9/A%2Bb.svg/330px-A%2Bb.svg.png")
    'A+b.svg'
    >>> name_in_address("File:100% A.jpg")
    'File:100% A.jpg'
    """
    if "://" not in text:
        return text
    parts = urlsplit(text).path.rstrip("/").split("/")
    is_thumbnail = "thumb" in parts and len(parts) > 2 and "px-" in parts[-1]
    return unquote(parts[-2] if is_thumbnail else parts[-1])
