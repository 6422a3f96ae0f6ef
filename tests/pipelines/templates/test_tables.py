"""Tables of names and words: each says what it holds, is read and used, and reaches what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.templates import is_disambiguation, render
from pipelines.templates.rules import _PARTS, _RULES
from pipelines.templates.words import DATA, LANGUAGE_NAMES, read_table

ROOT = Path(__file__).resolve().parents[3]
TABLES = sorted(ROOT.glob("pipelines/*/data/*.tsv"))


def row_value(*columns: str) -> tuple[str, ...]:
    return columns


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
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("pipelines/**/*.py"))
    assert [path.name for path in TABLES if f'"{path.name}"' not in code] == []


def test_no_template_has_two_rules_and_no_redirect_leads_to_another_one() -> None:
    redirects = read_table(DATA / "redirects.tsv", 2, str)
    assert set(redirects) & set(redirects.values()) == set()
    assert all(_RULES[name] is _RULES[target] for name, target in redirects.items())
    assert sum(map(len, [*_PARTS, redirects])) == len(_RULES)


def test_the_tables_reach_what_is_shown() -> None:
    assert LANGUAGE_NAMES["grc"] == "Ancient Greek"
    assert render("chf", {"1": "5000"}) == "CHF 5,000"
    assert render("railgauge", {"1": "1676mm"}) == "1,676 mm (5 ft 6 in)"
    assert render("aus", {}) == "Australia"
    assert render("and", {}) is None
    assert is_disambiguation("mathdab")
    assert not is_disambiguation("surname")
