"""The reader of tables: comments and blanks, and a wrong row named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.templates.words.tables import MAX_TABLE_BYTES, read_table
from schemas.errors import MieError


def write(folder: Path, text: str) -> Path:
    path = folder / "words.tsv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_a_table_is_read_in_its_order_without_comments_and_empty_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "# code | name\nfr\tFrench\n\n#\thash\nde\tGerman\n")
    assert list(read_table(path, 2, str).items()) == [("fr", "French"), ("#", "hash"), ("de", "German")]


def test_an_open_box_is_a_blank(tmp_path: Path) -> None:
    path = write(tmp_path, "chf\tCHF␣\nsnd\t␣–␣\n_\t␣\n")
    assert read_table(path, 2, str) == {"chf": "CHF ", "snd": " – ", "_": " "}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("fr", "1 columns, not 2"),
        ("fr\tFrench\tx", "3 columns, not 2"),
        ("fr\t", "empty"),
        ("fr\tFrench ", "blanks at its ends"),
        (" fr\tFrench", "blanks at its ends"),
        ("en\tanything", "'en' stands in an earlier row"),
        ("fr\t\udcff", "utf-8"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path, f"# code | name\nen\tEnglish\n{row}\n")
    with pytest.raises(MieError) as caught:
        read_table(path, 2, str)
    assert f"{path}, line 3: " in str(caught.value)
    assert message in str(caught.value)


def test_a_value_that_cannot_be_read_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, "m\t1\nft\tlong\n")
    with pytest.raises(MieError, match="line 2: could not convert"):
        read_table(path, 2, float)
    with pytest.raises(MieError, match="line 2: 'long' is unknown"):
        read_table(path, 2, {"1": 1}.__getitem__)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(MieError, match="larger than"):
        read_table(write(tmp_path, "#" * (MAX_TABLE_BYTES + 1)), 2, str)
