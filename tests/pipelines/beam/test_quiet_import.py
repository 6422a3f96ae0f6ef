"""Importing the job prints nothing, and only the one known warning of Beam is suppressed."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.beam.quiet_import import _is_other

pytestmark = pytest.mark.integration


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("root", logging.WARNING, "beam.py", 1, message, None, None)


def test_importing_the_job_prints_nothing() -> None:
    command = [sys.executable, "-c", "import pipelines.build_wiki_index"]
    imported = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (imported.stdout, imported.stderr) == ("", "")


def test_a_dry_run_prints_its_plan_alone(gensim_slice: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("beam")), "run", "build_wiki_index", "--dry-run"]
    command += ["--dump", str(gensim_slice), "--output", str(tmp_path / "index")]
    described = subprocess.run(command, capture_output=True, text=True, check=True)
    assert described.stderr == ""
    assert "nothing was built (--dry-run)" in described.stdout


def test_one_message_is_suppressed_during_the_import_and_none_afterwards() -> None:
    assert not _is_other(record("apitools not found, and bigquery client libraries are not available"))
    assert _is_other(record("another warning of Beam"))
    assert _is_other not in logging.getLogger().filters
