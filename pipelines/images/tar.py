"""Tar files of pictures (WebDataset): which members are pictures, under which names, and their bytes."""

from __future__ import annotations

import json
import posixpath
import tarfile
import weakref
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pipelines.images.name_index import IndexedName
from pipelines.images.source import Missing
from pipelines.storage import open_file
from schemas.errors import InputError

__all__ = ["TarContainer", "name_in_address", "name_of_sample"]

_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".svg", ".tif", ".tiff", ".img", ".image")
_NAME_KEYS = ("file", "file_name", "filename", "image_url", "url")
_MAX_JSON_BYTES = 1_000_000
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, bzip2, xz and zstd."""


class TarContainer:
    """One tar file, not compressed. Nothing is extracted: a member's bytes are read where they lie.

    Writers of WebDataset shards number their members and put the real name into a JSON member of the same sample
    (`file`, `file_name`, `image_url` or `url`); that name is used where there is one, else the member's own without
    its folders. Links, devices and sparse members are no pictures.

    Args:
        path: path or URL.

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
        weakref.finalize(
            self, self._file.close
        )  # also where nobody calls close: after an error below, and in a worker that ends
        if head.startswith(_COMPRESSED):
            raise InputError(
                "a compressed tar file has to be read from its start for each picture",
                path=path,
                remedy="uncompress it (pictures are compressed already)",
            )

    def names(self) -> Iterator[IndexedName]:
        """Yield name, rank, offset and size of each picture.

        The members of a sample follow each other, and its JSON may come after its picture: so a sample is yielded
        when the next one begins.

        Raises:
            InputError: the file is damaged or ends early.
        """
        json_name = sample = ""
        pictures: list[tuple[str, int, int]] = []
        for member in self._members():
            if _sample_of(member.name) != sample:
                yield from _with_names(pictures, json_name)
                sample, json_name, pictures = _sample_of(member.name), "", []
            suffix = posixpath.splitext(member.name)[1].lower()
            if suffix in _PICTURES:
                pictures.append((member.name, member.offset_data, member.size))
            elif suffix == ".json" and member.size <= _MAX_JSON_BYTES:
                self._file.seek(member.offset_data)
                json_name = name_of_sample(self._file.read(member.size)) or ""
        yield from _with_names(pictures, json_name)

    def _members(self) -> Iterator[tarfile.TarInfo]:
        self._file.seek(0)
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                while (member := tar.next()) is not None:
                    setattr(tar, "members", [])  # noqa: B010  # tarfile keeps every member, a gigabyte for millions
                    if member.isreg() and not member.issparse():
                        yield member
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise InputError(
                f"the tar file is damaged or ends early ({error})", path=self._path, remedy="fetch it again"
            ) from error

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:
        """Return the bytes of the picture at an offset (`first`) and of a size (`second`)."""
        if second > max_bytes:
            return Missing("too_large", f"{second} bytes, at most {max_bytes}")
        self._file.seek(first)
        data = self._file.read(second)
        return data if len(data) == second else Missing("unreadable", f"{self._path} ends within the picture")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _with_names(pictures: list[tuple[str, int, int]], json_name: str) -> Iterator[IndexedName]:
    """Yield the pictures of a sample (member, offset, size) under the name in its JSON, or else their own."""
    for member, offset, size in pictures:
        yield json_name or posixpath.basename(member), 0, offset, size


def _sample_of(member: str) -> str:
    """Return the key of a member's sample: its path up to the first dot of its name. Source: WebDataset's format.

    >>> _sample_of("0001/000012.jpg"), _sample_of("0001/000012.meta.json")
    ('0001/000012', '0001/000012')
    """
    folder, name = posixpath.split(member)
    return posixpath.join(folder, name.partition(".")[0])


def name_of_sample(data: bytes) -> str | None:
    """Return the file name in the JSON of a sample; of an address, the name at its end; None if there is none.

    >>> name_of_sample(b'{"url": "https://upload.wikimedia.org/wikipedia/commons/a/a9/Old_%C3%A9.jpg"}')
    'Old_é.jpg'
    """
    try:
        values = json.loads(data)
    except ValueError:
        return None
    if not isinstance(values, dict):
        return None
    text = next((values[key] for key in _NAME_KEYS if isinstance(values.get(key), str) and values[key]), None)
    return None if text is None else name_in_address(text)


def name_in_address(text: str) -> str:
    """Return the file name in the address of a picture or thumbnail of a MediaWiki; a plain name stays as it is.

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
