"""Pictures in a folder of this machine or below a URL; their names are compared as MediaWiki compares names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pipelines.images.source import MAX_IMAGE_BYTES, Missing
from pipelines.storage import Store
from schemas.errors import InputError, StoreError
from schemas.picture_folder import PictureFolder, ReadFailure, names_by_key
from schemas.titles import file_key

__all__ = ["FolderSource", "StoreSource", "digest_listing"]

_HEX = "0123456789abcdef"


def digest_listing(listing: list[tuple[str, int]]) -> dict[str, Any]:
    """Describe files by their number and a hash of their names and sizes in bytes.

    The bytes are not read: that would cost more than a build, only to find that nothing has changed. Dates are left
    out because they change when a folder is copied.

    Args:
        listing: name and size of each file, in a fixed order.
    """
    digest = hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    return {"files": len(listing), "listing_sha256": digest}


@dataclass
class FolderSource:
    """Pictures in one folder under their Commons names, or in hashed folders in it, as on Commons (a/a9/Example.jpg).

    `schemas.picture_folder.PictureFolder` decides which names match and which files are not read.

    Args:
        folder: the folder.
        max_bytes: largest file.
    """

    folder: str
    max_bytes: int = MAX_IMAGE_BYTES
    _pictures: PictureFolder | None = field(default=None, init=False, repr=False, compare=False)

    reads_containers: ClassVar[bool] = False
    is_for_one_machine: ClassVar[bool] = False

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        return f"dir:{self.folder}"

    def open(self) -> None:
        """List the folder once. Hashed folders are not listed: a file's path in them follows from its name.

        Raises:
            InputError: there is no such folder, or it cannot be listed.
        """
        self._pictures = PictureFolder(self.folder, self.max_bytes)

    def describe(self) -> dict[str, Any]:
        """Return which files lie there, by name and size."""
        return digest_listing(sorted(self._listing(Path(self.folder), 2)))

    def _listing(self, folder: Path, depth: int, before: str = "") -> Iterator[tuple[str, int]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    yield before + entry.name, entry.stat().st_size
                elif depth and _is_level(entry.name, before) and entry.is_dir():
                    yield from self._listing(folder / entry.name, depth - 1, f"{before}{entry.name}/")

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of a canonical name."""
        if self._pictures is None:
            self.open()
        assert self._pictures is not None
        data = self._pictures.read(file)
        return Missing(data.reason, data.detail) if isinstance(data, ReadFailure) else data

    def __getstate__(self) -> dict[str, object]:
        """Travel without the listing: each worker makes its own."""
        return {**self.__dict__, "_pictures": None}


def _is_level(name: str, before: str) -> bool:
    """Return whether a folder is one of Commons' hashed folders: a, and a9 in it.

    >>> _is_level("a", ""), _is_level("a9", "a/"), _is_level("b9", "a/"), _is_level("old", "")
    (True, True, False, False)
    """
    level = before.rstrip("/")
    return len(name) == len(level) + 1 and name.startswith(level) and set(name) <= set(_HEX)


@dataclass
class StoreSource:
    """Pictures directly below one URL (not in folders below it) under their Commons names.

    Args:
        url: s3://, gs:// or hdfs:// folder.
        max_bytes: largest file.
    """

    url: str
    max_bytes: int = MAX_IMAGE_BYTES
    _names: dict[str, str] | None = field(default=None, init=False, repr=False, compare=False)
    _sizes: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    reads_containers: ClassVar[bool] = False
    is_for_one_machine: ClassVar[bool] = False

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        return self.url

    def open(self) -> None:
        """List the folder once.

        Raises:
            InputError: nothing is there.
            StoreError: the store does not answer.
        """
        # One listing instead of a request for each of millions of names that mostly are not there.
        sizes = {name: size for name, size in Store(self.url).names().items() if "/" not in name}
        if not sizes:
            raise InputError("there is no picture here", path=self.url, remedy="give --images the URL of a folder")
        self._sizes, self._names = sizes, names_by_key(sizes)

    def describe(self) -> dict[str, Any]:
        """Return which files lie there, by name and size."""
        return digest_listing(sorted((self._sizes or {}).items()))

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of a canonical name."""
        if self._names is None or self._sizes is None:
            self.open()
        assert self._names is not None
        assert self._sizes is not None
        name = self._names.get(file_key(file))
        if name is None:
            return Missing("not_found", f"no file of this name in {self.url}")
        if self._sizes[name] > self.max_bytes:
            return Missing("too_large", f"{self._sizes[name]} bytes, at most {self.max_bytes}")
        try:
            data = Store(self.url).read(name)
        except StoreError as error:
            return Missing("unreadable", f"{name}: {error.message}")
        return Missing("not_found", f"{name} was listed and is gone") if data is None else data

    def __getstate__(self) -> dict[str, object]:
        """Travel without the listing: each worker makes its own."""
        return {**self.__dict__, "_names": None, "_sizes": None}
