"""Tables of names and words: the files beside the code can be read, and a wrong row is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.templates import LANGUAGE_NAMES, is_disambiguation, render
from pipelines.templates.rules import _PARTS, _RULES
from pipelines.templates.tables import DATA, MAX_TABLE_BYTES, read_table
from pipelines.templates.units import _DEFAULTS, _REDIRECTS, _UNITS, find_unit
from schemas.errors import MieError

ROOT = Path(__file__).resolve().parents[3]
TABLES = sorted(ROOT.glob("pipelines/*/data/*.tsv"))


def write(folder: Path, text: str) -> Path:
    path = folder / "words.tsv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def row_value(*columns: str) -> tuple[str, ...]:
    return columns


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


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_every_table_says_what_its_columns_are_and_has_no_name_twice(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("# ")]
    columns = next(line for line in lines if not line.startswith("# ")).count("\t") + 1
    assert lines[: len(comments)] == comments, "comments stand at the top"
    assert any(line.count(" | ") == columns - 1 for line in comments)
    assert any("Source: " in line for line in comments)
    assert len(read_table(path, columns, row_value)) == len(lines) - len(comments)


def test_every_table_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("pipelines/*/*.py"))
    assert [path.name for path in TABLES if f'"{path.name}"' not in code] == []


def test_no_template_has_two_rules_and_no_redirect_leads_to_another_one() -> None:
    redirects = read_table(DATA / "redirects.tsv", 2, str)
    assert set(redirects) & set(redirects.values()) == set()
    assert all(_RULES[name] is _RULES[target] for name, target in redirects.items())
    assert sum(map(len, [*_PARTS, redirects])) == len(_RULES)


def test_every_unit_leads_to_units_of_its_kind() -> None:
    for code, unit in _UNITS.items():
        for default in unit.defaults.split():
            beside = find_unit(default)
            assert beside is not None, (code, default)
            assert beside.kind == unit.kind
    for code, default in _DEFAULTS.items():
        numbered, beside = find_unit(code), find_unit(default)
        assert numbered is not None
        assert beside is not None
        assert numbered.kind == beside.kind
    assert set(_REDIRECTS) & set(_UNITS) == set()


@pytest.mark.parametrize(
    ("code", "scale", "symbol"),
    [("sqmi", 1609.344**2, "sq mi"), ("acre", 4046.8564224, "acres"), ("psi", 4.4482216152605 / 6.4516e-4, "psi")],
)
def test_sizes_are_those_of_the_definitions(code: str, scale: float, symbol: str) -> None:
    assert (_UNITS[code].scale, _UNITS[code].symbol) == (scale, symbol)


def test_the_tables_reach_what_is_shown() -> None:
    assert LANGUAGE_NAMES["grc"] == "Ancient Greek"
    assert render("chf", {"1": "5000"}) == "CHF 5,000"
    assert render("railgauge", {"1": "1676mm"}) == "1,676 mm (5 ft 6 in)"
    assert render("aus", {}) == "Australia"
    assert render("and", {}) is None
    assert is_disambiguation("mathdab")
    assert not is_disambiguation("surname")
