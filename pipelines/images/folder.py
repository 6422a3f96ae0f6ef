"""Pictures in a folder: flat, or in the hashed folders of Commons; here or below a URL. Matched as MediaWiki does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.images.source import MAX_IMAGE_BYTES, Missing
from pipelines.storage import Store
from schemas.errors import InputError, StoreError
from schemas.picture_folder import PictureFolder, ReadFailure, names_by_key
from schemas.titles import file_key

__all__ = ["FolderSource", "StoreSource", "digest_listing"]

_HEX = "0123456789abcdef"


def digest_listing(listing: list[tuple[str, int]]) -> dict[str, Any]:
    """Describe files by their names and sizes in bytes, in order.

    Reading the bytes of millions of pictures only to find that nothing is to be done would cost more than the build;
    dates change when a folder is copied.
    """
    digest = hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    return {"files": len(listing), "listing_sha256": digest}


@dataclass
class FolderSource:
    """Pictures that lie in one folder under their Commons names, or in its hashed folders (a/a9/Example.jpg).

    How names match, and what is not read: `schemas.picture_folder.PictureFolder`.

    Args:
        folder: the folder.
        max_bytes: largest file.
    """

    folder: str
    max_bytes: int = MAX_IMAGE_BYTES
    _pictures: PictureFolder | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        return f"dir:{self.folder}"

    def open(self) -> None:
        """List the folder once; hashed folders are not listed, but looked into.

        Raises:
            InputError: there is no such folder, or it cannot be listed.
        """
        self._pictures = PictureFolder(self.folder, self.max_bytes)

    def describe(self) -> dict[str, Any]:
        """Say which files lie there, by name and size."""
        return digest_listing(sorted(self._listing(Path(self.folder), 2)))

    def _listing(self, folder: Path, depth: int, before: str = "") -> Iterator[tuple[str, int]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    yield before + entry.name, entry.stat().st_size
                elif depth and _is_level(entry.name, before) and entry.is_dir():
                    yield from self._listing(folder / entry.name, depth - 1, f"{before}{entry.name}/")

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of this canonical name."""
        if self._pictures is None:
            self.open()
        assert self._pictures is not None
        data = self._pictures.read(file)
        return Missing(data.reason, data.detail) if isinstance(data, ReadFailure) else data

    def __getstate__(self) -> dict[str, object]:
        """Travel without the listing: each worker makes its own."""
        return {**self.__dict__, "_pictures": None}


def _is_level(name: str, before: str) -> bool:
    """Tell whether a folder is one of Commons' hashed folders: a, and a9 in it.

    >>> _is_level("a", ""), _is_level("a9", "a/"), _is_level("b9", "a/"), _is_level("old", "")
    (True, True, False, False)
    """
    level = before.rstrip("/")
    return len(name) == len(level) + 1 and name.startswith(level) and set(name) <= set(_HEX)


@dataclass
class StoreSource:
    """Pictures that lie below one URL (not in folders below it) under their Commons names; matched as in a folder.

    Args:
        url: s3://, gs:// or hdfs:// folder.
        max_bytes: largest file.
    """

    url: str
    max_bytes: int = MAX_IMAGE_BYTES
    _names: dict[str, str] | None = field(default=None, init=False, repr=False, compare=False)
    _sizes: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        return self.url

    def open(self) -> None:
        """List the folder once.

        Raises:
            InputError: nothing is there.
            StoreError: the store does not answer.
        """
        sizes = {name: size for name, size in Store(self.url).names().items() if "/" not in name}
        if not sizes:
            raise InputError("there is no picture here", path=self.url, remedy="give --images the URL of a folder")
        self._sizes, self._names = sizes, names_by_key(sizes)

    def describe(self) -> dict[str, Any]:
        """Say which files lie there, by name and size."""
        return digest_listing(sorted((self._sizes or {}).items()))

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of this canonical name."""
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
