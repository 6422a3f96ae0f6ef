"""Evidence for each of the 39 systems: a preset that can be run, tests that hold its parts, and a figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.result_files import read_results
from benchmarks.rocky_plot import PICTURE, draw, read_bars
from benchmarks.system_jobs import JOBS
from benchmarks.systems_page import ASKED_FIRST, README, with_short_table
from trainer.config import load_config
from trainer.systems import System, read_systems

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = {system.number: system for system in read_systems()}
WITHOUT_PRESET = {22}
"""Rows that are answers of other programs, written, read and scored: nothing of them is trained here."""
WITHOUT_BENCHMARK = {22}
"""Rows that `benchmarks.systems` cannot measure."""


def test_all_systems_of_the_field_stand_in_the_table() -> None:
    assert sorted(SYSTEMS) == list(range(1, 40))


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.name)
def test_a_system_has_a_preset_whose_settings_are_whole_but_for_its_data(system: System) -> None:
    assert bool(system.presets) == (system.number not in WITHOUT_PRESET)
    for name in system.presets:
        assert load_config(name, ["data.samples=set"], is_complete=False).data.samples == "set"


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.name)
def test_a_system_has_tests_and_says_where_it_departs(system: System) -> None:
    assert system.tests and all((ROOT / name).is_file() for name in system.tests)
    assert system.departures and system.kind and system.paper


def test_each_system_has_a_figure_and_a_result_file_holds_it() -> None:
    measured = {result.number for result in read_results() if result.figures}
    shown = {number for number, system in SYSTEMS.items() if system.figures}
    assert shown == measured == set(SYSTEMS)


def test_a_system_can_be_measured_again_or_is_listed_as_without() -> None:
    assert set(SYSTEMS) - {number for job in JOBS for number in job.numbers} == WITHOUT_BENCHMARK


def test_the_readme_has_the_short_table_of_the_packaged_systems() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == with_short_table(text, read_systems()), "write it again: python -m benchmarks.systems_page"
    assert len(ASKED_FIRST) == 10


def test_the_picture_is_that_of_the_result_files() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    assert picture == draw(read_bars(read_results())), "draw it again: python -m benchmarks.systems_page"


def test_the_best_fusion_is_chosen_on_dev_and_not_on_test() -> None:
    results = read_results()
    bars = read_bars(results)
    files = [
        json.loads(path.read_text()) for path in (ROOT / "benchmarks" / "results" / "systems").glob("*-rocky.json")
    ]
    dev = {
        row["number"]: sum(row["detail"]["F1 on dev by seed"].values()) / len(row["detail"]["F1 on dev by seed"])
        for row in files
        if row["number"] != 2 and "F1 on dev by seed" in row["detail"]
    }
    best = max(dev, key=lambda number: dev[number])
    assert bars[-1].name == f"{SYSTEMS[best].name}, the best fusion on dev"
    assert bars[0].name == "words alone" and not bars[0].other
    assert all(40 < value <= 100 for bar in bars for value in (*bar.own, *bar.other))
