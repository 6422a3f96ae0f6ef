"""Reads the tables of names and words that stand beside the code as files, so that anybody can correct them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from schemas.errors import MieError

__all__ = ["DATA", "MAX_TABLE_BYTES", "read_table"]

Value = TypeVar("Value")

DATA = Path(__file__).parents[1] / "data"
"""The folder of the tables about templates. Each is read once, when the file that uses it is imported."""

MAX_TABLE_BYTES = 1_000_000
"""A larger file is not read: the largest table has 40 kB."""


def read_table(path: Path, columns: int, read_value: Callable[..., Value]) -> dict[str, Value]:
    """Read a table with one row a line and a tab between its columns.

    A line that begins with "# " is a comment, and an empty line means nothing. No column is empty or has blanks at its
    ends, which editors cut off without a trace: a blank that counts is written "␣".

    Args:
        path: a UTF-8 file.
        columns: how many columns each row has, 2 or more.
        read_value: makes a value from the columns after the first one, given as `str`; a ValueError or KeyError from
            it means that the row is wrong.

    Returns:
        The first column of each row -> the value of the row, in the order of the file.

    Raises:
        MieError: the file is too large or no UTF-8, or a row is wrong; it names the file and the line.
    """
    values: dict[str, Value] = {}
    for number, row in enumerate(_read_text(path).split("\n"), start=1):
        if not row or row.startswith("# "):
            continue
        try:
            key, *others = row.split("\t")
            if len(others) != columns - 1:
                raise ValueError(f"the row has {len(others) + 1} columns, not {columns}")
            if key in values:
                raise ValueError(f"{key!r} stands in an earlier row, too")
            values[key] = read_value(*others)
        except KeyError as error:
            raise MieError(f"{error} is unknown", path=path, place=f"line {number}") from error
        except ValueError as error:
            raise MieError(str(error), path=path, place=f"line {number}") from error
    return values


def _read_text(path: Path) -> str:
    """Read a table with its blanks, after a check that no column is empty or has unwritten blanks at its ends."""
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise MieError(f"the table is larger than {MAX_TABLE_BYTES} bytes", path=path)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise MieError(str(error), path=path, place=f"line {number}") from error
    # The whole text at once and not row by row: every process that reads pages begins by reading the tables.
    framed = f"\n{text}\n"
    for blank in ("\t\t", " \t", "\t ", "\n\t", "\t\n", "\n ", " \n"):
        if (at := framed.find(blank)) >= 0:
            number = framed.count("\n", 0, at + 1)
            raise MieError("a column is empty or has blanks at its ends", path=path, place=f"line {number}")
    return text.replace("␣", " ")
