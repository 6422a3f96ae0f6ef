"""The table of systems: its figures stand in the results, its presets are shipped, and its command lists it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.errors import UsageError
from trainer.cli import app
from trainer.config import load_config, preset_names
from trainer.systems import Control, Figure, find_systems, read_systems

ROOT = Path(__file__).resolve().parents[2]
RESULTS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "benchmarks" / "results").glob("*.md"))]
KEYS = {"number", "name", "paper", "kind", "parts", "presets", "departures", "figures"}


def cell(row: Figure | Control) -> str:
    return f"| {row.value:.2f} ± {row.spread or 0:.2f} |"


def test_the_systems_stand_in_the_order_of_their_numbers() -> None:
    numbers = [system.number for system in read_systems()]
    assert numbers == sorted(set(numbers)) and {1, 2, 17, 37} <= set(numbers)


def test_a_part_that_names_a_fusion_is_the_one_of_the_presets() -> None:
    for system in read_systems():
        fusions = {part.split()[1] for part in system.parts if part.startswith("fusion ")}
        used = [load_config(name, is_complete=False).model.fusion for name in system.presets]
        assert {row.kind for row in used if row is not None} == fusions, system.name


def test_each_figure_stands_in_a_result_file_under_its_command() -> None:
    for system in read_systems():
        for figure in system.figures:
            parts = [part for text in RESULTS for part in text.split("\n    python -m ")[1:]]
            printed = [part for part in parts if f"python -m {part.splitlines()[0]}" == figure.command]
            assert printed, f"{system.name}: no result file has the command {figure.command}"
            for row in (figure, figure.control):
                assert row is None or any(cell(row) in part for part in printed), f"{system.name}: {row}"
            assert f"seeds {','.join(map(str, figure.seeds))}" in printed[0]


def test_each_preset_is_shipped_and_has_the_objectives_that_the_parts_name() -> None:
    for system in read_systems():
        assert set(system.presets) <= set(preset_names())
    for name in find_systems("CLNER")[0].presets:
        assert [row.kind for row in load_config(name, is_complete=False).model.objectives] == ["two_view_kl"]


def test_the_command_prints_a_list_of_objects() -> None:
    rows = json.loads(CliRunner().invoke(app, ["systems", "--json"]).stdout)
    assert all(set(row) == KEYS for row in rows)
    assert set(rows[0]["figures"][0]) == {"data", "metric", "value", "spread", "seeds", "control", "command"}
    (one,) = json.loads(CliRunner().invoke(app, ["systems", "pgim", "--json"]).stdout)
    assert one["number"] == 17 and one["figures"][0]["value"] == 74.95 and one["figures"][0]["spread"] is None
    shown = CliRunner().invoke(app, ["systems", "37"]).stdout
    assert shown.startswith("37  CLNER (Wang et al., ACL 2021)") and "objective two_view_kl" in shown


def test_an_unknown_system_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no system 'pigm', did you mean PGIM"):
        find_systems("pigm")
