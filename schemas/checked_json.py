"""JSON files from elsewhere: read only up to a size, and only if every value has its declared type."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from schemas.errors import IndexCorrupt, InputError, MieError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["read_bounded", "read_checked", "read_checked_lines"]

T = TypeVar("T")


def read_bounded(path: Path, limit: int, remedy: str) -> bytes:
    """Read a whole file.

    Args:
        path: of the file.
        limit: largest size in bytes.
        remedy: of the errors.

    Raises:
        InputError: the file does not exist.
        IndexCorrupt: the file cannot be read, or is larger than the limit.
    """
    if not path.is_file():
        raise InputError("there is no such file", path=path, remedy=remedy)
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)  # not the size from the file system: the file may be growing
    except OSError as error:
        raise IndexCorrupt(f"cannot be read ({error.strerror})", path=path, remedy=remedy) from error
    if len(data) > limit:
        raise IndexCorrupt(f"more than {limit:,} bytes", path=path, remedy=remedy)
    return data


def read_checked(path: Path, shape: type[T], *, limit: int, remedy: str) -> T:
    """Read a JSON file as a value of a type: a dataclass, or a collection of dataclasses.

    Keys that the dataclass lacks are ignored, so that a newer version of the program may write more. Types are strict:
    the text "1" is not read as a number.

    Args:
        path: of the file.
        shape: the type of its value.
        limit: largest size in bytes.
        remedy: of the errors.

    Raises:
        InputError: the file does not exist.
        IndexCorrupt: the file is larger than the limit, is not JSON, or a value has another type.
    """
    return _checked(read_bounded(path, limit, remedy), shape, IndexCorrupt, path, "", remedy)


def read_checked_lines(
    path: Path, shape: type[T], *, limit: int, remedy: str, is_growing: bool = False
) -> Iterator[tuple[int, T]]:
    """Read a file of one JSON value a line; empty lines are skipped.

    Memory is that of the file's bytes and of one value.

    Args:
        path: of the file.
        shape: the type of the value of each line.
        limit: largest size in bytes.
        remedy: of the errors.
        is_growing: another process may be writing the file: a last line without its line end is skipped.

    Yields:
        The line's number, from 1, and its value.

    Raises:
        InputError: the file does not exist, a line is not JSON, or a value has another type; names the line.
        IndexCorrupt: the file is larger than the limit.
    """
    # What follows the last line end is empty, or a line that is only half written.
    lines = read_bounded(path, limit, remedy).split(b"\n")
    for number, line in enumerate(lines[:-1] if is_growing else lines, start=1):
        if line.strip():
            yield number, _checked(line, shape, InputError, path, f"line {number}", remedy)


def _checked(data: bytes, shape: type[T], error: type[MieError], path: Path, place: str, remedy: str) -> T:
    """Parse JSON as a value of a type, or raise the error with the first fault that pydantic found."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(cast("Hashable", shape)).validate_json(data, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        keys = ".".join(str(key) for key in first["loc"])[:200]
        where = ", ".join(part for part in (place, keys) if part) or None
        raise error(_to_message(first["msg"]), path=path, place=where, remedy=remedy) from fault
    return value


def _to_message(message: str) -> str:
    """Turn pydantic's words into ours.

    >>> _to_message("Invalid JSON: EOF while parsing"), _to_message("Input should be a valid string")
    ('not JSON (EOF while parsing)', 'should be a valid string')
    """
    kind, _, detail = message.partition("Invalid JSON: ")
    return f"not JSON ({detail})" if detail and not kind else message.removeprefix("Input ").rstrip(".")


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    """Return pydantic's reader of a type; making one takes longer than reading most files."""
    from pydantic import TypeAdapter

    return TypeAdapter(shape)
