"""A text query in a new process: wall time, peak memory, and the heavy modules that it must not load."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
LIMIT_S = 1.5
LIMIT_MB = 500
HEAVY = ("torch", "transformers", "apache_beam", "faiss", "pandas", "open_clip", "pyserini")
QUERY = "Rocky loves the snow"


def main() -> int:
    """Ask an index RUNS times, each in a process of its own; exit with 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", nargs="?", type=Path, default=Path("demo/index"), help="folder; default demo/index")
    parser.add_argument("--text", default=QUERY)
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    command = [str(Path(sys.executable).with_name("mie-index")), "query", str(arguments.index), "--json"]
    command += ["--text", arguments.text]
    ask(command)  # the first one reads the disk
    runs = [ask(command) for _ in range(arguments.runs)]
    wall_s, processor_s, peak_mb = (statistics.median(column) for column in zip(*runs, strict=True))
    heavy = heavy_modules(command)
    print(f"| query | wall, median of {arguments.runs} | slowest | processor | peak memory | heavy modules |")
    print("|---|---:|---:|---:|---:|---|")
    slowest = max(run[0] for run in runs)
    cells = [f"{wall_s:.2f} s", f"{slowest:.2f} s", f"{processor_s:.2f} s", f"{peak_mb:.0f} MB"]
    print(f"| {arguments.text} | {' | '.join(cells)} | {', '.join(heavy) or 'none'} |")
    return int(wall_s > LIMIT_S or peak_mb > LIMIT_MB or bool(heavy))


def ask(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its wall seconds, processor seconds and peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak / 1e6


def heavy_modules(command: list[str]) -> list[str]:
    """Return the names of the heavy modules that the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    return sorted(names & set(HEAVY))


if __name__ == "__main__":
    sys.exit(main())
