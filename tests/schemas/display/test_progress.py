"""Progress lines: on a pipe one at the end of a stage; rates are those of this run."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from schemas.display import Progress, ProgressStatus
from schemas.display.progress import _to_line


def test_a_pipe_gets_one_line_for_each_short_stage() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    with progress.stage("hash"):
        pass
    with progress.stage("parse", lambda: ProgressStatus(2, 2, "2/2 shards", (("pages", 10),))):
        pass
    first, second = stream.getvalue().splitlines()
    assert first.startswith("hash     done in 0.0 s")
    assert second.startswith("parse    2/2 shards  10 pages (0/s)  done in")
    assert list(progress.seconds) == ["hash", "parse"]


def test_a_stage_that_fails_is_said_to_have_stopped() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyError), Progress(stream).stage("parse", lambda: ProgressStatus(1, 2)):
        raise KeyError
    assert stream.getvalue().startswith("parse    stopped in")


def test_work_of_an_earlier_run_does_not_count_for_the_rates() -> None:
    first = ProgressStatus(50, 100, counts=(("pages", 1000),))
    line = _to_line("parse", ProgressStatus(75, 100, "3/4 shards", (("pages", 1100),)), first, 10.0)
    assert line == "parse     75 %  3/4 shards  1,100 pages (10/s)  10 s to go"


def test_a_quiet_progress_writes_notes_alone() -> None:
    stream = io.StringIO()
    progress = Progress(stream, is_quiet=True)
    with progress.stage("parse", lambda: ProgressStatus(1, 2)):
        progress.note("going on")
    assert stream.getvalue() == "going on\n"


def test_rich_is_not_loaded_to_write_to_a_pipe() -> None:
    code = (
        "import io, sys; from schemas.display import Progress, shown_steps, tell\n"
        "with shown_steps(io.StringIO()): tell('read', 1, 2, 'samples')\n"
        "with Progress(io.StringIO()).stage('hash'): pass\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
