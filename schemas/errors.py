"""The exception tree and the exit code of each branch.

    MieError                    1  a bug of ours, or an error that fits no other branch
    ├── UsageError              2  the command line or a setting is wrong
    ├── InputError              3  a dump, an image or a query cannot be used
    ├── StoreError              4  an index folder cannot be used
    │   ├── IndexNotFound       4  no finished index at this path
    │   ├── IndexMismatch       4  another encoder, schema version or configuration
    │   └── IndexCorrupt        4  bytes differ from the manifest
    └── MissingDependency       5  an optional package, a model or Java is not installed

An interrupt (Ctrl-C) ends a command with 130, as a shell counts it: 128 and the number of the signal.
"""

from __future__ import annotations

from os import PathLike

__all__ = [
    "EXIT_INTERRUPT",
    "IndexCorrupt",
    "IndexMismatch",
    "IndexNotFound",
    "InputError",
    "MieError",
    "MissingDependency",
    "StoreError",
    "UsageError",
]

EXIT_INTERRUPT = 130


class MieError(Exception):
    """An error that names the file, the place in it, and the remedy.

    Args:
        message: what is wrong; one sentence without a full stop.
        path: of the file or folder that it is about.
        place: where in the file: a byte offset, page title, line or table.
        remedy: what the user can do; one sentence.

    >>> print(InputError("the bz2 stream ends early", path="a.bz2", place="byte 12", remedy="fetch it again"))
    a.bz2, byte 12: the bz2 stream ends early. Remedy: fetch it again
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        path: str | PathLike[str] | None = None,
        place: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else str(path)
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.path, self.place) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}. Remedy: {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.path, self.place, self.remedy)


def _rebuild(kind: type[MieError], message: str, path: str | None, place: str | None, remedy: str | None) -> MieError:
    """Make an error again in another process: pickle itself passes no keyword arguments to an exception."""
    return kind(message, path=path, place=place, remedy=remedy)


class UsageError(MieError):
    """The command line or a setting is wrong."""

    exit_code = 2


class InputError(MieError):
    """A dump, an image or a query cannot be used."""

    exit_code = 3


class StoreError(MieError):
    """An index folder cannot be used."""

    exit_code = 4


class IndexNotFound(StoreError):
    """There is no finished index at this path."""


class IndexMismatch(StoreError):
    """The index was built with another encoder, schema version or configuration."""


class IndexCorrupt(StoreError):
    """The bytes of the index differ from its manifest."""


class MissingDependency(MieError):
    """An optional package, a model or Java is not installed."""

    exit_code = 5
