"""A folder of pictures under their Commons names, flat or hashed: finds the file of a name, and reads it safely."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError
from schemas.titles import file_key, hashed_folder

__all__ = ["PictureFolder", "ReadFailure", "is_file_name", "names_by_key"]

_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why a picture could not be read.

    Args:
        reason: a short code that does not change between versions, such as not_found.
        detail: for people.
    """

    reason: str
    detail: str


class PictureFolder:
    """Pictures in a folder under their Commons names, or in hashed folders below it (a/a9/Example.jpg).

    Names are compared as MediaWiki does it: an underscore equals a blank, the first letter may be lower case, and an
    accent may be composed or decomposed. If two files have one canonical name, the file with exactly that name is
    taken, else the first in alphabetical order. In hashed folders a file must have its name as Commons writes it, with
    underscores or with blanks.

    No file outside of the folder is read, not even through a link. The folder is listed once, when it is opened.
    Hashed folders are not listed (Commons has millions of files): a name gives its path.

    Args:
        folder: that holds the pictures.
        max_bytes: size of the largest file that is read.

    Raises:
        InputError: the folder does not exist, or cannot be listed.
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

    def read(self, file: str) -> bytes | ReadFailure:
        """Read the file of a canonical name."""
        if not is_file_name(file):
            return ReadFailure("unsafe_name", f"{file!r} is no file name")
        for name in self._candidates(file):
            data = _read_inside(self._folder, name, self._max_bytes)
            if not isinstance(data, ReadFailure) or data.reason != "not_found":
                return data
        return ReadFailure("not_found", f"no file of this name in {self._folder}")

    def holds(self, file: str) -> bool:
        """Return whether there is a file of a canonical name. Reading it may fail all the same."""
        return is_file_name(file) and any((self._folder / name).is_file() for name in self._candidates(file))

    def _candidates(self, file: str) -> list[str]:
        key = file_key(file)
        found = [self._names[key]] if key in self._names else []
        if self._is_hashed and not found:
            found = [f"{hashed_folder(key)}/{name}" for name in (key.replace(" ", "_"), key)]
        return found


def is_file_name(file: str) -> bool:
    """Return whether a text is the name of a file: not a path, and not empty.

    >>> is_file_name("A.jpg"), is_file_name("../a.jpg"), is_file_name(" ")
    (True, False, False)
    """
    return not ("/" in file or "\\" in file or "\0" in file or file.strip() in ("", ".", ".."))


def names_by_key(names: Iterable[str]) -> dict[str, str]:
    """Map what MediaWiki compares (`file_key`) to the name of the file.

    If two names have one key, the name that equals the key is taken, else the first in alphabetical order.
    """
    by_key: dict[str, str] = {}
    for name in sorted(names):
        key = file_key(name)
        if name == key or key not in by_key:
            by_key[key] = name
    return by_key


def _read_inside(folder: Path, name: str, max_bytes: int) -> bytes | ReadFailure:
    """Read a plain file of at most max_bytes that is in the folder, not behind a link that leads out of it."""
    path = folder / name
    try:
        has_link = path.is_symlink() or ("/" in name and any(part.is_symlink() for part in list(path.parents)[:2]))
        if has_link and not path.resolve().is_relative_to(folder.resolve()):
            return ReadFailure("outside_folder", f"{name} links out of {folder}")
        # Opening a named pipe would wait until another process opens its other end; O_NONBLOCK does not wait.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return ReadFailure("not_a_file", f"{name} is not a plain file")
            data = file.read(max_bytes + 1)
            if len(data) > max_bytes:
                return ReadFailure("too_large", f"{status.st_size} bytes, at most {max_bytes}")
            return data
    except IsADirectoryError:
        return ReadFailure("not_a_file", f"{name} is a folder")
    except FileNotFoundError:
        return ReadFailure("not_found", f"{name} was listed and is gone, or links to nothing")
    except (OSError, RuntimeError) as error:
        return ReadFailure("unreadable", f"{name}: {error}")
