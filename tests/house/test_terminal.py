"""What a terminal sees, and what a pipe, a dumb terminal and one without colours see instead; completion of words."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

import indexer.cli
import pipelines.cli
import trainer.cli
from indexer.report import print_answers
from indexer.search import Answer
from schemas.display import Progress, Status, note, progress, shown_steps, tell
from schemas.display.progress import Steps
from schemas.manifest import Manifest, write_manifest
from schemas.tables import TABLES
from tests.support.index_folders import Page, to_shard, write_rows

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
LINE = "\r\x1b[K"


def on_terminal(write: Callable[[TextIO], object], monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """What a terminal with these variables gets."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", **variables}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        write(stream)
    return read_all(ours)


def read_all(terminal: int) -> str:
    """Read what a terminal was given, until the other end is closed."""
    seen = b""
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        while True:
            try:
                some = stream.read(4096)
            except OSError:  # that is how Linux tells that the other end is closed
                break
            if not some:
                break
            seen += some
    return seen.decode().replace("\r\n", "\n")


def three_steps(stream: TextIO) -> None:
    with shown_steps(stream):
        for done in (0, 5, 10):
            tell("read", done, 10, "samples")
        note("half way")
        tell("decode", 0, 0, "samples")


def test_a_step_shows_share_rate_and_time_to_go_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0.0, 2.0, 4.0, 4.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    assert on_terminal(three_steps, monkeypatch).split(LINE) == [
        "",
        "read       0 %  0 samples (0/s)",
        "read      50 %  5 samples (2.5/s)  2 s to go",
        "read     100 %  10 samples (2.5/s)  0 s to go",
        "half way\n",
        "decode   0 samples (0/s)",
        "",
    ]


def test_a_dumb_terminal_and_a_pipe_get_whole_lines_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [0.0, 10.0, 20.0, 20.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times.pop(0))
    shown = on_terminal(three_steps, monkeypatch, TERM="dumb")
    assert shown == "read     100 %  10 samples (0.5/s)  0 s to go\nhalf way\n"
    times[:] = [0.0, 10.0, 20.0, 20.0]
    stream = io.StringIO()
    three_steps(stream)
    assert stream.getvalue() == shown


def test_a_line_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(stream: TextIO) -> None:
        Steps(stream).tell("a very long name of a step indeed", 0, 10, "samples")

    assert on_terminal(write, monkeypatch, COLUMNS="30") == LINE + "a very long name of a step in"


def test_stages_of_a_build_are_redrawn_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(stream: TextIO) -> None:
        with Progress(stream).stage("hash", lambda: Status(1, 1)):
            pass

    assert on_terminal(build, monkeypatch).startswith(f"{LINE}hash     ...{LINE}hash     done in")
    assert on_terminal(build, monkeypatch, TERM="dumb").startswith("hash     done in")


def test_nothing_is_told_where_no_command_shows_it() -> None:
    tell("read", 1, 2, "samples")
    note("nobody reads this")


def answers(stream: TextIO) -> None:
    answer = Answer("text", 1, 2.5, "7#0", "Tea", "Tea is hot.", "Tea is hot. So it is.")
    print_answers(
        Console(file=stream, highlight=False), [answer], tokenize=lambda word: [word] * (word == "Tea"), is_whole=False
    )


def test_matched_words_stand_out_on_a_terminal_and_colours_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in on_terminal(answers, monkeypatch)
    assert not COLOUR.search(on_terminal(answers, monkeypatch, NO_COLOR="1"))
    assert "\x1b[" not in on_terminal(answers, monkeypatch, TERM="dumb")
    stream = io.StringIO()
    answers(stream)
    assert "\x1b[" not in stream.getvalue()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    page = Page(1, "Tea", [["Tea is hot."]])
    for table, schema in TABLES.items():
        write_rows(tmp_path / table / "part-00000.parquet", schema, page.rows()[table])
    values: dict[str, Any] = {"config": {}, "fingerprint": "0" * 64, "inputs": (), "counters": {}, "versions": {}}
    shards = tuple(to_shard(tmp_path, path) for path in sorted(tmp_path.rglob("*.parquet")))
    write_manifest(
        tmp_path,
        Manifest(
            **values, pages_read=1, counts={"kept": 1}, shards=shards, text_index=None, image_index=None, created="now"
        ),
    )
    return tmp_path


def test_verify_shows_its_steps_on_a_terminal_and_leaves_its_notes(index: Path) -> None:
    code, shown = run_on_terminal(["mie-index", "verify", str(index)], TERM="xterm", NO_COLOR="1")
    assert code == 0
    kept = [line.rpartition(LINE)[2] for line in shown.rstrip("\n").split("\n")]
    assert kept == ["checking files", "checking paragraphs and sentences", "sound"]
    assert f"{LINE}files      0 %  0.0 MB (0.0 MB/s)" in shown
    assert not COLOUR.search(shown)


def run_on_terminal(command: list[str], **variables: str) -> tuple[int, str]:
    """The exit code of an installed command, and all that it writes to its terminal."""
    program = Path(sys.executable).with_name(command[0])
    ours, theirs = pty.openpty()
    variables = {"COLUMNS": "80", **{name: os.environ[name] for name in ("PATH", "HOME")}, **variables}
    running = subprocess.Popen([program, *command[1:]], stdin=theirs, stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    seen = read_all(ours)
    return running.wait(timeout=60), seen


@pytest.mark.parametrize(
    ("app", "words", "found"),
    [
        (indexer.cli.app, "mie-index qu", "query"),
        (indexer.cli.app, "mie-index contexts im", "import"),
        (trainer.cli.app, "mie-train data co", "convert"),
        (pipelines.cli.app, "beam run build_wiki_index --bm", "--bm25-preset"),
    ],
)
def test_the_shell_completes_commands_and_options(app: Any, words: str, found: str) -> None:
    name, *rest = words.split()
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(rest))}
    variables[f"_{name.upper().replace('-', '_')}_COMPLETE"] = "complete_bash"
    assert CliRunner().invoke(app, [], prog_name=name, env=variables).stdout.split() == [found]
