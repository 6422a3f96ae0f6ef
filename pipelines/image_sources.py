"""Where the bytes of an article's picture come from: canonical Commons name -> bytes, or why there are none."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipelines.file_store import STORES, Store
from schemas.errors import InputError, StoreError, UsageError
from schemas.titles import canonical_file

__all__ = ["SCHEMES", "FolderSource", "ImageSource", "Missing", "StoreSource", "open_image_source"]

SCHEMES = ("dir",)
"""What may stand before the colon of `--images SCHEME:WHERE`; a bare path means dir."""

MAX_IMAGE_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there are no bytes.

    reason: not_found, unsafe_name, outside_folder, not_a_file, unreadable or too_large; detail: for people.
    """

    reason: str
    detail: str


class ImageSource(Protocol):
    """Anything that gives the bytes of a file by its canonical name.

    A source is made where the job is described and travels to the workers by pickle: making one touches nothing.
    """

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        ...

    def open(self) -> None:
        """Make ready to fetch, in the worker; raise InputError if that cannot be."""
        ...

    def fetch(self, file: str) -> bytes | Missing:
        """Give the file's bytes, or the reason why there are none; never raises for a bad file."""
        ...


@dataclass
class FolderSource:
    """Pictures that lie in one folder (not in folders below it) under their Commons names.

    Names match as MediaWiki compares them: underscores are blanks, the first letter may be lower case; accents
    match composed or decomposed. Of two files with one canonical name, that named exactly so wins, else the
    first by name. Nothing outside the folder is read, not even through a link.

    Args:
        folder: the folder.
        max_bytes: largest file.
    """

    folder: str
    max_bytes: int = MAX_IMAGE_BYTES
    _names: dict[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        return f"dir:{self.folder}"

    def open(self) -> None:
        """List the folder once.

        Raises:
            InputError: there is no such folder, or it cannot be listed.
        """
        try:
            self._names = _by_key(os.listdir(self.folder))  # noqa: PTH208
        except OSError as error:
            raise InputError(
                f"the folder of images cannot be listed ({error.strerror})",
                path=self.folder,
                remedy="give a folder that holds the image files under their Commons names",
            ) from error

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of this canonical name."""
        if self._names is None:
            self.open()
        if "/" in file or "\\" in file or "\0" in file or file.strip() in ("", ".", ".."):
            return Missing("unsafe_name", f"{file!r} is no file name")
        name = (self._names or {}).get(_key(file))
        if name is None:
            return Missing("not_found", f"no file of this name in {self.folder}")
        return _read_inside(Path(self.folder), name, self.max_bytes)

    def __getstate__(self) -> dict[str, object]:
        """Travel without the listing: each worker makes its own."""
        return {"folder": self.folder, "max_bytes": self.max_bytes, "_names": None}


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
        self._sizes, self._names = sizes, _by_key(sizes)

    def listing(self) -> list[tuple[str, int]]:
        """Give names and sizes in bytes, in order."""
        return sorted((self._sizes or {}).items())

    def fetch(self, file: str) -> bytes | Missing:
        """Read the file of this canonical name."""
        if self._names is None or self._sizes is None:
            self.open()
        assert self._names is not None
        assert self._sizes is not None
        name = self._names.get(_key(file))
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
        return {"url": self.url, "max_bytes": self.max_bytes, "_names": None, "_sizes": None}


def open_image_source(spec: str) -> ImageSource:
    """Make the source that `--images` names; nothing is opened yet.

    Args:
        spec: `DIR`, `dir:DIR` or a URL.

    Raises:
        UsageError: an unknown scheme, or nothing after it.

    >>> open_image_source("dir:photos").spec
    'dir:photos'
    """
    if spec.partition("://")[0] in STORES and "://" in spec:
        return StoreSource(spec.rstrip("/"))
    scheme, colon, rest = spec.partition(":")
    if colon and scheme == "dir":
        folder = rest
    elif colon and scheme.isalnum() and len(scheme) > 1 and not Path(spec).exists():
        raise UsageError(
            f"there is no image source {scheme!r}; those that exist: {', '.join(SCHEMES)}",
            remedy="give --images DIR or --images dir:DIR",
        )
    else:
        folder = spec
    if not folder:
        raise UsageError("the image source names no folder", remedy="give --images DIR or --images dir:DIR")
    return FolderSource(folder)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """Find names by what MediaWiki compares; of two with one key that named exactly so wins, else the first."""
    by_key: dict[str, str] = {}
    for name in sorted(names):
        if name == _key(name) or _key(name) not in by_key:
            by_key[_key(name)] = name
    return by_key


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", canonical_file(unicodedata.normalize("NFC", name)))


def _read_inside(folder: Path, name: str, max_bytes: int) -> bytes | Missing:
    """Read folder/name, which was listed: a plain file, at most max_bytes, that does not link out of the folder."""
    path = folder / name
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            return Missing("outside_folder", f"{name} links out of {folder}")
        # Opening a pipe would wait for its other end; O_NONBLOCK does not.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Missing("not_a_file", f"{name} is not a plain file")
            data = file.read(max_bytes + 1)
            if len(data) > max_bytes:
                return Missing("too_large", f"{status.st_size} bytes, at most {max_bytes}")
            return data
    except IsADirectoryError:
        return Missing("not_a_file", f"{name} is a folder")
    except FileNotFoundError:
        return Missing("not_found", f"{name} was listed and is gone, or links to nothing")
    except (OSError, RuntimeError) as error:
        return Missing("unreadable", f"{name}: {error}")
