"""Every benchmark that `make bench` lists starts, and says what it measures and with which options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.list import find_benchmarks

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(find_benchmarks())
RUN_ALL = """
import contextlib, io, json, runpy, sys, traceback

told = {}
path = list(sys.path)
for name in sys.argv[1:]:
    sys.argv, sys.path[:] = [name, "--help"], path
    for module in [module for module in sys.modules if module.startswith("benchmarks.")]:
        del sys.modules[module]
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        try:
            runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
            code = "no options: it ran"
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            code = traceback.format_exc()
    told[name] = [code, shown.getvalue()]
print(json.dumps(told))
"""
"""As `python -m benchmarks.NAME --help` from the root, but in one process: what is imported is imported once."""


@pytest.fixture(scope="module")
def helps() -> dict[str, tuple[object, str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", RUN_ALL, *NAMES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, tuple[object, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_there_are_benchmarks() -> None:
    assert len(NAMES) > 20 and "image_classes" in NAMES and "list" not in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_starts_and_shows_its_options(name: str, helps: dict[str, tuple[object, str]]) -> None:
    code, shown = helps[name]
    assert code == 0, code
    assert shown.startswith("usage:") and "options:" in shown
