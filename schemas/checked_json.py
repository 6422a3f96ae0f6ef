"""JSON files that may come from elsewhere: bounded in size, every value of its declared type, or an error."""

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
    """Read a whole file of at most limit bytes.

    Raises:
        InputError: it is not there.
        IndexCorrupt: it cannot be read, or is larger.
    """
    if not path.is_file():
        raise InputError("there is no such file", path=path, remedy=remedy)
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise IndexCorrupt(f"cannot be read ({error.strerror})", path=path, remedy=remedy) from error
    if len(data) > limit:
        raise IndexCorrupt(f"more than {limit:,} bytes", path=path, remedy=remedy)
    return data


def read_checked(path: Path, shape: type[T], *, limit: int, remedy: str) -> T:
    """Read a JSON file as a value of a shape: a dataclass, or a collection of some.

    Keys that the shape does not know are left out. Types are strict: no text stands for a number.

    Raises:
        InputError: it is not there.
        IndexCorrupt: it is larger than limit bytes, is not JSON, or a value has another type.
    """
    return _checked(read_bounded(path, limit, remedy), shape, IndexCorrupt, path, "", remedy)


def read_checked_lines(
    path: Path, shape: type[T], *, limit: int, remedy: str, is_growing: bool = False
) -> Iterator[tuple[int, T]]:
    """Return (line number, value) of each line that is not empty; memory is that of the file and of one value.

    Args:
        path: of the file.
        shape: of each line.
        limit: bytes.
        remedy: of the errors.
        is_growing: someone may be writing: a last line without its end is left out.

    Raises:
        InputError: the file is not there, a line is not JSON, or a value has another type; with the line.
        IndexCorrupt: the file is larger than limit bytes.
    """
    lines = read_bounded(path, limit, remedy).split(b"\n")
    for number, line in enumerate(lines[:-1] if is_growing else lines, start=1):
        if line.strip():
            yield number, _checked(line, shape, InputError, path, f"line {number}", remedy)


def _checked(data: bytes, shape: type[T], error: type[MieError], path: Path, place: str, remedy: str) -> T:
    from pydantic import ValidationError

    try:
        value: T = _adapter(cast("Hashable", shape)).validate_json(data, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        keys = ".".join(str(key) for key in first["loc"])[:200]
        where = ", ".join(part for part in (place, keys) if part) or None
        raise error(_said(first["msg"]), path=path, place=where, remedy=remedy) from fault
    return value


def _said(message: str) -> str:
    """Put a fault in our words.

    >>> _said("Invalid JSON: EOF while parsing"), _said("Input should be a valid string")
    ('not JSON (EOF while parsing)', 'should be a valid string')
    """
    kind, _, detail = message.partition("Invalid JSON: ")
    return f"not JSON ({detail})" if detail and not kind else message.removeprefix("Input ").rstrip(".")


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)
