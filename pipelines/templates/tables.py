"""Reads the tables of names and words that stand beside the code as files, so that anybody can correct them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from schemas.errors import MieError

__all__ = ["DATA", "MAX_TABLE_BYTES", "read_table"]

Value = TypeVar("Value")

DATA = Path(__file__).with_name("data")
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
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise MieError(f"the table is larger than {MAX_TABLE_BYTES} bytes", path=path)
    values: dict[str, Value] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            text = line.decode("utf-8")
            if text and not text.startswith("# "):
                key, *rest = _split_row(text, columns)
                if key in values:
                    raise ValueError(f"{key!r} stands in an earlier row, too")
                values[key] = read_value(*rest)
        except KeyError as error:
            raise MieError(f"{error} is unknown", path=path, place=f"line {number}") from error
        except ValueError as error:
            raise MieError(str(error), path=path, place=f"line {number}") from error
    return values


def _split_row(text: str, columns: int) -> list[str]:
    r"""Split a row into its columns.

    >>> _split_row("chf\tCHF␣", 2)
    ['chf', 'CHF ']
    """
    row = text.split("\t")
    if len(row) != columns:
        raise ValueError(f"the row has {len(row)} columns, not {columns}")
    for column in row:
        if not column or column != column.strip():
            raise ValueError("a column is empty or has blanks at its ends")
    return [column.replace("␣", " ") for column in row]
