"""A folder of pictures under their Commons names, flat or hashed: which file a name means, and its bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError
from schemas.titles import file_key, hashed_folder

__all__ = ["PictureFolder", "Unread", "is_file_name", "names_by_key"]

_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Unread:
    """Why there are no bytes. reason: a short stable code, such as not_found; detail: for people."""

    reason: str
    detail: str


class PictureFolder:
    """Pictures that lie in one folder under their Commons names, or in its hashed folders (a/a9/Example.jpg).

    Names match as MediaWiki compares them: underscores are blanks, the first letter may be lower case; accents
    match composed or decomposed. Of two files with one canonical name, that named exactly so wins, else the
    first by name. In hashed folders a file has its name as Commons writes it, with underscores or with blanks.
    Nothing outside the folder is read, not even through a link. The folder is listed once; hashed folders are not
    listed, but looked into.

    Args:
        folder: the folder.
        max_bytes: largest file.

    Raises:
        InputError: there is no such folder, or it cannot be listed.
    """

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = Path(folder), max_bytes
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except OSError as error:
            raise InputError(
                f"the folder of images cannot be listed ({error.strerror})",
                path=folder,
                remedy="give a folder that holds the image files under their Commons names",
            ) from error
        self._names = names_by_key(names)
        self._is_hashed = any(len(name) == 1 and name in _HEX for name in names)

    def read(self, file: str) -> bytes | Unread:
        """Read the file of this canonical name."""
        if not is_file_name(file):
            return Unread("unsafe_name", f"{file!r} is no file name")
        for name in self._candidates(file):
            data = _read_inside(self._folder, name, self._max_bytes)
            if not isinstance(data, Unread) or data.reason != "not_found":
                return data
        return Unread("not_found", f"no file of this name in {self._folder}")

    def holds(self, file: str) -> bool:
        """Tell whether there is a file of this canonical name; it may be unreadable all the same."""
        return is_file_name(file) and any((self._folder / name).is_file() for name in self._candidates(file))

    def _candidates(self, file: str) -> list[str]:
        key = file_key(file)
        found = [self._names[key]] if key in self._names else []
        if self._is_hashed and not found:
            found = [f"{hashed_folder(key)}/{name}" for name in (key.replace(" ", "_"), key)]
        return found


def is_file_name(file: str) -> bool:
    """Tell a file's name from a path, or from nothing.

    >>> is_file_name("A.jpg"), is_file_name("../a.jpg"), is_file_name(" ")
    (True, False, False)
    """
    return not ("/" in file or "\\" in file or "\0" in file or file.strip() in ("", ".", ".."))


def names_by_key(names: Iterable[str]) -> dict[str, str]:
    """Find names by what MediaWiki compares; of two with one key that named exactly so wins, else the first."""
    by_key: dict[str, str] = {}
    for name in sorted(names):
        key = file_key(name)
        if name == key or key not in by_key:
            by_key[key] = name
    return by_key


def _read_inside(folder: Path, name: str, max_bytes: int) -> bytes | Unread:
    """Read folder/name: a plain file, at most max_bytes, that does not link out of the folder."""
    path = folder / name
    try:
        has_link = path.is_symlink() or ("/" in name and any(part.is_symlink() for part in list(path.parents)[:2]))
        if has_link and not path.resolve().is_relative_to(folder.resolve()):
            return Unread("outside_folder", f"{name} links out of {folder}")
        # Opening a pipe would wait for its other end; O_NONBLOCK does not.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Unread("not_a_file", f"{name} is not a plain file")
            data = file.read(max_bytes + 1)
            if len(data) > max_bytes:
                return Unread("too_large", f"{status.st_size} bytes, at most {max_bytes}")
            return data
    except IsADirectoryError:
        return Unread("not_a_file", f"{name} is a folder")
    except FileNotFoundError:
        return Unread("not_found", f"{name} was listed and is gone, or links to nothing")
    except (OSError, RuntimeError) as error:
        return Unread("unreadable", f"{name}: {error}")
