"""The installed command `beam`: help, exit codes, dry run, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from schemas.manifest import read_manifest, sha256_file
from schemas.tables import TABLES
from tests.support.dumps import DumpPage, write_dump

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
PAGES = [
    DumpPage(f"Page {number}", f"This is page {number}. It links to [[Page {number + 1}]].") for number in range(60)
]
JOB = ("run", "build_wiki_index")


def beam(*words: str | Path, program: str = "beam", timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)


def hashes(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output).as_posix(): sha256_file(path)
        for table in TABLES
        for path in (output / table).glob("*.parquet")
    }


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dump(tmp_path_factory.mktemp("dump"), PAGES, pages_per_stream=5)


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), (*JOB, "--help")])
def test_help_is_fast_and_loads_no_backend(words: tuple[str, ...]) -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(sorted({'apache_beam', 'torch', 'pyarrow', 'faiss'} & set(sys.modules))))\n"
        "from pipelines.cli import main; main()"
    )
    started = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    assert "Usage" in shown.stdout, shown.stderr
    assert shown.stdout.rstrip().endswith("[]")
    assert seconds < 3  # about 0.3 on an idle machine
    assert shown.returncode == 0


def test_every_option_of_the_job_has_help() -> None:
    lines = beam(*JOB, "--help").stdout.splitlines()
    options = [line for line in lines if line.startswith("  --")]
    assert len(options) >= 16
    for line in options:
        after = lines[lines.index(line) + 1]
        assert line[33:].strip() or after[33:].strip(), f"no help: {line}"


def test_without_a_job_the_help_is_shown() -> None:
    shown = beam()
    assert shown.returncode == 2
    assert "Usage" in shown.stdout + shown.stderr


@pytest.mark.parametrize("program", ["beam", "mie-beam"])
def test_the_version_is_that_of_the_package(program: str) -> None:
    assert beam("--version", program=program).stdout == f"mie-context {metadata.version('mie-context')}\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "Missing option"),
        (("--dump", "absent.xml.bz2", "--output", "OUT"), 3, "absent.xml.bz2: there is no such file"),
        (("--dump", "DUMP", "--output", "OUT", "--limit-pages", "0"), 2, "limit-pages"),
        (("--dump", "DUMP", "--output", "OUT", "--images", "ftp:x"), 2, "image source"),
        (("--dump", "DUMP", "--output", "OUT", "--bm25-preset", "lucene"), 2, "bm25-preset"),
        (("--dump", "DUMP", "--output", "OUT", "--wikitext-parser", "regex"), 2, "wikitext-parser"),
        (("--dump", "DUMP", "--output", "OUT", "stray"), 2, "stray"),
    ],
)
def test_a_wrong_command_line_ends_with_its_code_and_message(
    words: tuple[str, ...], code: int, message: str, dump: Path, tmp_path: Path
) -> None:
    output = tmp_path / "index"
    run = beam(*JOB, *(str(dump) if word == "DUMP" else str(output) if word == "OUT" else word for word in words))
    assert run.returncode == code, run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    assert not output.exists()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(dump: Path, tmp_path: Path) -> None:
    words = (*JOB, "--dump", dump, "--output", tmp_path / "index", "--dry-run")
    plan = json.loads(beam(*words, "--json").stdout)
    assert (plan["streams"], plan["status"], plan["output_state"]) == (13, "dry_run", "new")
    assert plan["inputs"] == [{"path": str(dump), "size_bytes": dump.stat().st_size}]
    assert [stage["stage"] for stage in plan["stages"]] == ["parse", "finish", "bm25"]
    text = beam(*words).stdout
    assert "13 in" in text and "nothing was built" in text
    assert list(tmp_path.iterdir()) == []


def test_the_parser_of_wikitext_is_an_option(dump: Path, tmp_path: Path) -> None:
    words = (
        "--dump",
        dump,
        "--output",
        tmp_path / "index",
        "--wikitext-parser",
        "mwparserfromhell",
        "--dry-run",
        "--json",
    )
    assert json.loads(beam(*JOB, *words).stdout)["settings"]["rules"]["wikitext_parser"] == "mwparserfromhell"


def test_a_build_prints_a_table_or_one_json_object(dump: Path, tmp_path: Path) -> None:
    words = (*JOB, "--dump", dump, "--output", tmp_path / "index", "--workers", "1")
    first = beam(*words)
    assert first.returncode == 0, first.stderr
    assert "pages read" in first.stdout and "is built" in first.stdout
    assert "parse" in first.stderr and "60 pages" in first.stderr
    second = beam(*words, "--json")
    summary = json.loads(second.stdout)
    assert (summary["status"], summary["pages_read"], summary["counts"]["kept"]) == ("up_to_date", 60, 60)
    assert "parse" not in second.stderr


def test_a_truncated_dump_ends_with_3_and_no_index(dump: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml.bz2"
    cut.write_bytes(dump.read_bytes()[:-400])
    run = beam(*JOB, "--dump", cut, "--output", tmp_path / "index", "--workers", "2")
    assert run.returncode == 3
    assert run.stderr.splitlines()[-1].startswith(f"error: {cut}, stream at byte")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "index" / "manifest.json").exists()


def start_until_parsed(
    words: tuple[str | Path, ...], output: Path, shards: int, on_interrupt: signal.Handlers = signal.SIG_DFL
) -> subprocess.Popen[str]:
    """Start a build and wait until a number of shards is parsed; on_interrupt is set, because children inherit it."""
    results = output / ".work" / "results" / "parse"
    process = subprocess.Popen(
        [str(BIN / "beam"), *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, on_interrupt),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if len(list(results.glob("*.json"))) >= shards:
            return process
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"no shard was parsed: {process.communicate()}")


@pytest.fixture(scope="module")
def slow_dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of 13 shards that take a good part of a second each."""
    pages = [
        DumpPage(f"Page {number}", f"Page {number}. " + "A [[word]] and {{a|b}}. " * 15_000) for number in range(13)
    ]
    return write_dump(tmp_path_factory.mktemp("slow"), pages, pages_per_stream=1)


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_the_same(slow_dump: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole", tmp_path / "index"
    words = (*JOB, "--dump", slow_dump, "--workers", "1", "--output")
    assert beam(*words, whole).returncode == 0
    process = start_until_parsed((*words, output), output, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (output / "manifest.json").exists()
    parsed = {path: path.stat().st_mtime_ns for path in (output / ".work" / "results" / "parse").glob("*.json")}
    assert 2 <= len(parsed) < 13
    second = start_until_parsed((*words, output), output, len(parsed) + 1)
    assert {path: path.stat().st_mtime_ns for path in parsed} == parsed
    _, talk = second.communicate(timeout=120)
    assert second.returncode == 0, talk
    assert "going on with an unfinished build" in talk
    assert hashes(output) == hashes(whole)
    assert read_manifest(output).counts == read_manifest(whole).counts


def test_an_interrupt_ends_with_130_and_no_process_stays(slow_dump: Path, tmp_path: Path) -> None:
    words = (*JOB, "--dump", slow_dump, "--workers", "2", "--output", tmp_path / "index")
    process = start_until_parsed(words, tmp_path / "index", 1)
    workers = workers_of(process.pid)
    assert len(workers) == 2
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 130, talk
    assert "Traceback" not in talk
    assert all_end(workers)


def test_a_killed_build_takes_its_workers_with_it(slow_dump: Path, tmp_path: Path) -> None:
    words = (*JOB, "--dump", slow_dump, "--workers", "2", "--output", tmp_path / "index")
    process = start_until_parsed(words, tmp_path / "index", 1)
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    assert len(workers) == 2
    assert all_end(workers)


@pytest.mark.parametrize("on_interrupt", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_worker_that_is_killed_ends_the_build_with_a_message(
    slow_dump: Path, tmp_path: Path, on_interrupt: signal.Handlers
) -> None:
    """Also where interrupts are ignored, as in the background of a script."""
    words = (*JOB, "--dump", slow_dump, "--workers", "2", "--output", tmp_path / "index")
    process = start_until_parsed(words, tmp_path / "index", 1, on_interrupt)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 1, talk
    assert "a worker process was ended from outside" in talk.splitlines()[-1]


def workers_of(pid: int) -> list[int]:
    """Find the worker processes of a build on Linux: children of the process that they are forked from."""
    return [worker for spawner in children(pid) for worker in children(spawner)]


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            words = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"pipelines.beam.worker_process" in words:
            found.append(int(path.parent.name))
    return found


def all_end(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.1)
    return False


def test_a_dump_of_another_wiki_is_refused_by_name_and_read_with_any_wiki(tmp_path: Path) -> None:
    dump = tmp_path / "dewiki-20251101-pages-articles.xml"
    text = write_dump(tmp_path, [DumpPage("Tee", "Tee ist z. B. heiß.")], "xml").read_text()
    dump.write_text(text.replace("<dbname>enwiki<", "<dbname>dewiki<").replace('xml:lang="en"', 'xml:lang="de"'))
    refused = beam(*JOB, "--dump", dump, "--output", tmp_path / "index")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "a dump of dewiki" in refused.stderr and "--any-wiki" in refused.stderr
    built = beam(*JOB, "--dump", dump, "--output", tmp_path / "index", "--any-wiki", "--json")
    assert built.returncode == 0, built.stderr
    summary = json.loads(built.stdout)
    assert (summary["wiki"], summary["counters"]["sentences"]) == ("dewiki", 1)
    assert "dewiki is not English Wikipedia" in summary["notes"][0]
    assert "its own templates" in built.stderr
