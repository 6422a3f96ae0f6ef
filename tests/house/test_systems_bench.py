"""The benchmark of all systems: its calls are ones that the benchmarks take, and it goes on where it ended."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks import systems
from benchmarks.system_jobs import DATA, JOBS, Job, choose_jobs, make_command
from trainer.systems import read_systems

SLOW = "import time; time.sleep(60)"


@pytest.mark.parametrize("job", JOBS, ids=lambda job: f"{job.numbers[0]}-{job.data}-{job.script}")
def test_a_call_is_one_that_its_benchmark_takes(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    command = make_command(job, Path("work"), [1, 2])
    module = importlib.import_module(command[2])
    monkeypatch.setattr(sys, "argv", command[2:])
    given = module.parse_arguments()
    assert given.work == Path("work") / job.script
    assert hasattr(given, "index") or not job.needs_index


def test_calls_are_of_systems_in_the_table() -> None:
    assert {number for job in JOBS for number in job.numbers} <= {row.number for row in read_systems()}
    assert {"rocky", "t15", "mnre", "gmner"} <= set(DATA)
    assert choose_jobs([], []) == list(JOBS)
    assert {job.data for job in choose_jobs([3], ["rocky", "mnre"])} == {"rocky", "mnre"}


def test_a_row_is_named_by_its_number_or_name_and_a_set_by_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["systems", "--rows", "3,pgim", "--data", "t15,mnre", "--seeds", "5", "--list"])
    assert systems.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert all("--seeds 5" in line for line in lines)
    assert [line.split()[2] for line in lines] == [
        "benchmarks.twitter2015", "benchmarks.captions", "benchmarks.captions",
    ]  # fmt: skip
    for wrong in (["--rows", "hvpnot"], ["--data", "t17"]):
        monkeypatch.setattr(sys, "argv", ["systems", *wrong])
        with pytest.raises(SystemExit):
            systems.main()
    assert "did you mean HVPNeT" in capsys.readouterr().err


def test_a_system_without_a_benchmark_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    systems.tell_missing([22, 38, 3], choose_jobs([22, 38, 3], ["rocky"]))
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "system 22: no benchmark: see its row in docs/systems.md", "system 38: no benchmark on this data",
    ]  # fmt: skip


def _calls(monkeypatch: pytest.MonkeyPatch, log: Path, code: str) -> None:
    """Put a program in the place of the benchmarks, which notes what it was asked for."""
    program = f"import sys; open({str(log)!r}, 'a').write(sys.argv[1] + '\\n'); {code}"

    def make(job: Job, work: Path, seeds: list[int]) -> list[str]:
        return [sys.executable, "-c", program, f"{job.script} {seeds}"]

    monkeypatch.setattr(systems, "make_command", make)


def test_what_is_finished_is_not_done_again_and_what_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, log = [Job((1,), "x", "one", ""), Job((2,), "x", "two", "")], tmp_path / "log"
    _calls(monkeypatch, log, "sys.exit(sys.argv[1] == 'two [1]')")
    assert systems.run_jobs(jobs, [1, 2], tmp_path / "work", float("inf"))
    assert log.read_text().splitlines() == ["one [1]", "two [1]", "one [1, 2]"]
    _calls(monkeypatch, log, "sys.exit(sys.argv[1] == 'two [1]')")
    assert systems.run_jobs(jobs, [1, 2], tmp_path / "work", float("inf"))
    assert log.read_text().splitlines()[3:] == ["two [1]"]
    assert len(json.loads((tmp_path / "work" / "finished.json").read_text())) == 2


def test_a_spent_budget_ends_the_call_in_hand_and_begins_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, log = [Job((1,), "x", "one", ""), Job((2,), "x", "two", "")], tmp_path / "log"
    _calls(monkeypatch, log, SLOW)
    assert not systems.run_jobs(jobs, [1], tmp_path / "work", time.monotonic() + 1.0)
    assert not (tmp_path / "work" / "finished.json").exists()
    assert not log.exists() or log.read_text().splitlines() == ["one [1]"]
