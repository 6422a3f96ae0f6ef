"""The table of systems: its figures are those of the result files, its presets are shipped, its command lists it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.collect_figures import collect_figures
from benchmarks.result_files import SystemResult, make_control, make_figure, read_results, write_result
from benchmarks.systems_page import make_page
from schemas.errors import UsageError
from trainer.cli import app
from trainer.config import load_config, preset_names
from trainer.systems import find_systems, read_systems

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"number", "name", "paper", "kind", "parts", "presets", "departures", "tests", "figures"}


def test_the_systems_stand_in_the_order_of_their_numbers() -> None:
    numbers = [system.number for system in read_systems()]
    assert numbers == sorted(set(numbers)) and {1, 2, 17, 37} <= set(numbers)


def test_a_part_that_names_a_fusion_is_the_one_of_the_presets() -> None:
    for system in read_systems():
        fusions = {part.split()[1] for part in system.parts if part.startswith("fusion ")}
        used = [load_config(name, is_complete=False).model.fusion for name in system.presets]
        assert {row.kind for row in used if row is not None} == fusions, system.name


def test_the_figures_are_those_of_the_result_files() -> None:
    packaged = json.loads((ROOT / "trainer" / "figures.json").read_text(encoding="utf-8"))
    assert packaged == json.loads(json.dumps(collect_figures())), "collect them: python -m benchmarks.collect_figures"
    assert set(packaged) <= {str(system.number) for system in read_systems()}


def test_each_figure_names_a_benchmark_that_is_there() -> None:
    for system in read_systems():
        for figure in system.figures:
            module = figure.command.split()[2]
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{system.name}: {figure.command}"
            assert figure.seeds and (figure.spread is None) == (len(figure.seeds) == 1), f"{system.name}: {figure}"


def test_the_page_is_that_of_the_table() -> None:
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    assert page == make_page(read_systems()), "write it again: python -m benchmarks.systems_page"


def test_each_test_file_that_a_system_names_is_there() -> None:
    named = [name for system in read_systems() for name in system.tests]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_result_is_written_and_read_again(tmp_path: Path) -> None:
    control = make_control("shuffled photos", [0.5, 0.6])
    figure = make_figure("rocky", "f1", {1: 0.9, 2: 0.8}, "python -m benchmarks.rocky", control)
    assert (figure.value, figure.spread, control.value) == (85.0, 7.07, 55.0)
    result = SystemResult(3, "hvpnet", "rocky, 2 seeds", (figure,), {"PER": [0.5]})
    path = write_result(result, tmp_path)
    assert path.name == "03-hvpnet-rocky-2-seeds.json" and read_results(tmp_path) == [result]


def test_each_preset_is_shipped_and_has_the_objectives_that_the_parts_name() -> None:
    for system in read_systems():
        assert set(system.presets) <= set(preset_names())
        named = {part.split()[1] for part in system.parts if part.startswith("objective ")}
        used = [load_config(name, is_complete=False).model.objectives for name in system.presets]
        assert {row.kind for rows in used for row in rows} <= named or not named, system.name
        assert named <= {row.kind for rows in used for row in rows}, system.name


def test_the_command_prints_a_list_of_objects() -> None:
    rows = json.loads(CliRunner().invoke(app, ["systems", "--json"]).stdout)
    assert all(set(row) == KEYS for row in rows)
    assert set(rows[0]["figures"][0]) == {"data", "metric", "value", "spread", "seeds", "control", "command"}
    (one,) = json.loads(CliRunner().invoke(app, ["systems", "pgim", "--json"]).stdout)
    whole = one["figures"][-1]
    assert one["number"] == 17 and whole["value"] == 74.95 and whole["spread"] is None
    shown = CliRunner().invoke(app, ["systems", "37"]).stdout
    assert shown.startswith("37  CLNER (Wang et al., ACL 2021)") and "objective two_view_kl" in shown


def test_an_unknown_system_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no system 'pigm', did you mean PGIM"):
        find_systems("pigm")
