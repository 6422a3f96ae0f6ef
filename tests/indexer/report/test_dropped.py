"""What the cleaning left out, as `mie-index info --dropped` lists it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indexer.cli import app
from indexer.report import list_dropped
from schemas.errors import UsageError
from schemas.manifest import Manifest, write_manifest

COUNTERS = {
    "dropped_in_prose": {"known": 7, "unknown": 3},
    "dropped_known_in_prose": {"citation needed": 5},
    "dropped_unknown_in_prose": {"zword": 3},
    "dropped_templates": {"zword": 4, "zbox": 2},
    "dropped_templates_sum": 6,
    "shown_by_argument": {"zstn": 8},
    "shown_by_argument_sum": 8,
    "template_examples": {"zword": "Tea: It is {{zword}} \x1b[31mold.", "zstn": "Tea: To {{zstn|Hub}} and back."},
    "references": 9,
    "tables": 0,
}
MANIFEST = Manifest({}, "f", (), 1, {"kept": 1}, COUNTERS, (), None, None, {}, "2026-01-01")


def test_every_kind_is_listed_by_number_and_those_without_a_name_are_summed() -> None:
    rows = [(row["kind"], row["name"], row["number"], bool(row["example"])) for row in list_dropped(MANIFEST)]
    assert rows == [
        ("known", "citation needed", 5, False),
        ("known", "(others)", 2, False),
        ("unknown", "zword", 3, True),
        ("shown", "zstn", 8, True),
        ("elsewhere", "zbox", 2, False),
        ("elsewhere", "zword", 1, False),
        ("markup", "references", 9, False),
    ]


def test_the_command_prints_tabs_or_json_and_nothing_that_steers_a_terminal(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    lines = CliRunner().invoke(app, ["info", str(tmp_path), "--dropped"]).stdout.splitlines()
    assert lines[2] == "unknown\tzword\t3\tTea: It is {{zword}} ?[31mold."
    rows = CliRunner().invoke(app, ["info", str(tmp_path), "--dropped", "--json"]).stdout.splitlines()
    assert json.loads(rows[3]) == {
        "kind": "shown", "name": "zstn", "number": 8, "example": "Tea: To {{zstn|Hub}} and back.",
    }  # fmt: skip
    shown = CliRunner().invoke(app, ["info", str(tmp_path)]).stdout
    assert "7 known and 3 unknown templates dropped" in shown and "descriptions" in shown


@pytest.mark.parametrize("other", [["--rejects", "dump"], ["--html", "a.html"]])
def test_two_lists_at_once_are_refused(tmp_path: Path, other: list[str]) -> None:
    write_manifest(tmp_path, MANIFEST)
    result = CliRunner().invoke(app, ["info", str(tmp_path), "--dropped", *other])
    assert isinstance(result.exception, UsageError)
