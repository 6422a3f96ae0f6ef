"""Cold start: wall time and peak memory of one text query in a process of its own; under 1.5 s and 500 MB."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TEXT = "Which animal eats termites?"
MAX_WALL_S = 1.5
MAX_RSS_MB = 500.0


@dataclass(frozen=True)
class Run:
    """What a process took: seconds on the clock, seconds of processor, megabytes at most."""

    wall_s: float
    cpu_s: float
    peak_rss_mb: float


def measure(command: list[str]) -> Run:
    """Run a command to its end; its peak is that of the process itself."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    bytes_a_unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * bytes_a_unit / 1e6)


def median(runs: list[Run]) -> Run:
    return Run(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.cpu_s for run in runs),
        max(run.peak_rss_mb for run in runs),
    )


def main() -> int:
    """Print a row per kind of output; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    query = [str(Path(sys.executable).with_name("mie-index")), "query", str(arguments.index), "--text", TEXT]
    measure([*query, "--json"])  # fills the disk's cache
    print(f"median wall and processor time of {arguments.runs} runs, largest peak memory; {os.cpu_count()} cores")
    print("| command | wall s | processor s | peak MB |\n|---|---|---|---|")
    holds = True
    for options in (["--json"], []):
        run = median([measure(query + options) for _ in range(arguments.runs)])
        name = " ".join(["mie-index query INDEX --text TEXT", *options])
        print(f"| `{name}` | {run.wall_s:.2f} | {run.cpu_s:.2f} | {run.peak_rss_mb:.0f} |")
        holds &= run.wall_s < MAX_WALL_S and run.peak_rss_mb < MAX_RSS_MB
    print(f"under {MAX_WALL_S} s and {MAX_RSS_MB:.0f} MB: {'yes' if holds else 'NO'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
