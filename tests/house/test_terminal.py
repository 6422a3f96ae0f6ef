"""What a terminal sees, and what a pipe, a dumb terminal and one without colours see instead; completion of words."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

import indexer.cli
import pipelines.cli
import trainer.cli
from indexer.report import print_answers
from indexer.search import Answer
from schemas.display import Progress, ProgressStatus, note, shown_steps, tell
from schemas.manifest import Manifest, write_manifest
from schemas.tables import TABLES
from tests.support.index_folders import Page, to_shard, write_rows

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
CONTROL = re.compile(r"\x1b\[\?25[lh]|\x1b\[(\d*)([AK])|\r\n|[\r\n]")
"""What a progress line is redrawn with: the cursor hidden and shown, a line up, a line erased, and line ends."""


def drawn_lines(output: str) -> list[str]:
    """Return the lines that were drawn one after another, each once, whether they stay or not."""
    lines = [line for line in re.split(r"\x1b\[[?\d]*[A-Za-z]|[\r\n]+", output) if line]
    return [line for place, line in enumerate(lines) if place == 0 or line != lines[place - 1]]


def last_screen(output: str) -> list[str]:
    """Return the lines that stand on the terminal in the end."""
    lines, row, column, place = [""], 0, 0, 0
    for control in CONTROL.finditer(output + "\r"):
        text = output[place : control.start()]
        lines[row] = lines[row][:column] + text + lines[row][column + len(text) :]
        column, place = column + len(text), control.end()
        if control[2] == "A":
            row -= int(control[1] or 1)
        elif control[2] == "K":
            lines[row] = "" if control[1] == "2" else lines[row][:column]
        elif control[0] in ("\r", "\n", "\r\n"):
            column = 0
            if "\n" in control[0]:
                row += 1
                lines += [""] * (row == len(lines))
    return [line for line in lines if line]


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
                data = stream.read(4096)
            except OSError:  # that is how Linux tells that the other end is closed
                break
            if not data:
                break
            seen += data
    return seen.decode().replace("\r\n", "\n")


def three_steps(stream: TextIO) -> None:
    with shown_steps(stream):
        for done in (0, 5, 10):
            tell("read", done, 10, "samples")
        note("half way")
        tell("decode", 0, 0, "samples")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that progress lines see, in seconds, one after another."""
    times: list[float] = []
    # Not time.monotonic itself, which others read, too.
    monkeypatch.setattr("schemas.display.progress.time", SimpleNamespace(monotonic=lambda: times.pop(0)))
    return times


def test_a_step_shows_share_rate_and_time_to_go_on_one_line(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    clock[:] = [0.0, 2.0, 4.0, 4.0]
    seen = on_terminal(three_steps, monkeypatch)
    assert drawn_lines(seen) == [
        "read       0 %  0 samples (0/s)",
        "read      50 %  5 samples (2.5/s)  2 s to go",
        "read     100 %  10 samples (2.5/s)  0 s to go",
        "half way",
        "decode   0 samples (0/s)",
    ]
    assert last_screen(seen) == ["half way"]


def test_a_dumb_terminal_and_a_pipe_get_whole_lines_now_and_then(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    clock[:] = [0.0, 10.0, 20.0, 20.0]
    shown = on_terminal(three_steps, monkeypatch, TERM="dumb")
    assert shown == "read     100 %  10 samples (0.5/s)  0 s to go\nhalf way\n"
    clock[:] = [0.0, 10.0, 20.0, 20.0]
    stream = io.StringIO()
    three_steps(stream)
    assert stream.getvalue() == shown


def test_a_pipe_is_not_redrawn_even_where_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    three_steps(stream)
    assert stream.getvalue() == "half way\n"


def test_a_line_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(stream: TextIO) -> None:
        with shown_steps(stream):
            tell("a very long name of a step indeed", 0, 10, "samples")

    assert drawn_lines(on_terminal(write, monkeypatch, COLUMNS="30")) == ["a very long name of a step ind"]


def test_a_killed_command_leaves_the_cursor_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = on_terminal(three_steps, monkeypatch)
    hidden = seen.split("\x1b[?25l")[1:]
    assert hidden
    assert all(rest.startswith("\x1b[?25h") for rest in hidden)


def test_stages_of_a_build_are_redrawn_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(stream: TextIO) -> None:
        progress = Progress(stream)
        with progress.stage("hash", lambda: ProgressStatus(1, 1)):
            progress.note("a note")

    seen = on_terminal(build, monkeypatch)
    assert drawn_lines(seen)[0] == "hash     ..."
    note_line, stage_line = last_screen(seen)
    assert note_line == "a note"
    assert stage_line.startswith("hash     done in")
    assert on_terminal(build, monkeypatch, TERM="dumb").startswith("a note\nhash     done in")


def test_a_stage_that_takes_long_is_drawn_again_with_its_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.display.progress._TERMINAL_S", 0.01)
    looks = threading.Event()
    numbers = count()

    def read() -> ProgressStatus:
        number = next(numbers)
        if number > 2:
            looks.set()
        return ProgressStatus(number, 100, f"{number}/100 shards")

    def build(stream: TextIO) -> None:
        with Progress(stream).stage("parse", read):
            assert looks.wait(10)

    seen = on_terminal(build, monkeypatch)
    assert any(re.fullmatch(r"parse +1 %  1/100 shards  .* to go", line) for line in drawn_lines(seen))
    assert len(last_screen(seen)) == 1


def test_nothing_is_written_where_no_command_shows_steps() -> None:
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
    assert last_screen(shown) == ["checking files", "checking paragraphs and sentences", "sound"]
    assert "files      0 %  0.0 MB (0.0 MB/s)" in drawn_lines(shown)
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
