"""The job up to its Parquet tables, on one core and two, at 1, 4 and 16 times the input: time, processor time, memory.

Two cores are seldom twice as fast as one, because they share memory and often the clock. So the ceiling is measured as
well: as many jobs of one core at the same time, each on a core and with an output of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.repeated_dump import find_slice, write_repeated

_SAMPLE_S = 0.2


@dataclass(frozen=True)
class Run:
    """What a run took.

    Args:
        wall_s: from the start of the interpreter to its end.
        processor_s: of all processes.
        largest_mb: peak of the process that had the most memory.
        tree_mb: peak of all processes together, shared pages counted once.
    """

    wall_s: float
    processor_s: float
    largest_mb: float
    tree_mb: float


def run_job(dump: Path, output: Path, workers: int) -> None:
    """Run the job without its two indexes, and print the processor time of this process and its descendants."""
    from pipelines.build_wiki_index import build_wiki_index
    from pipelines.job import Stages
    from pipelines.stages import BuildRequest, RunOptions
    from schemas.display import Progress

    Stages._index_text = lambda _: None  # type: ignore[method-assign, assignment]
    request = BuildRequest((str(dump),), output, options=RunOptions(workers=workers))
    build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"processor_s": sum(usage.ru_utime + usage.ru_stime for usage in used)}))


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    found, waiting = [pid], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def memory_of(pid: int) -> tuple[float, float]:
    """Return resident and proportional memory of a process in MB; zeros if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1e3 for line in lines if line.endswith("kB")}
    return sizes.get("Rss", 0.0), sizes.get("Pss", 0.0)


def watch(pid: int, peaks: list[float], ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_S):
        sizes = [memory_of(below) for below in descendants(pid)]
        peaks[0] = max(peaks[0], *(rss for rss, _ in sizes))
        peaks[1] = max(peaks[1], sum(pss for _, pss in sizes))


def measure(dump: Path, folder: Path, allowed: set[int]) -> Run:
    """Run the job in a process of its own, pinned to some cores, with as many workers."""
    command = [sys.executable, "-m", "benchmarks.job_scaling", "--child"]
    started = time.perf_counter()
    job = subprocess.Popen(
        [*command, str(dump), str(folder / "index"), str(len(allowed))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    peaks, ended = [0.0, 0.0], threading.Event()
    watcher = threading.Thread(target=watch, args=(job.pid, peaks, ended))
    watcher.start()
    out, _ = job.communicate()
    wall_s = time.perf_counter() - started
    ended.set()
    watcher.join()
    shutil.rmtree(folder / "index")
    return Run(wall_s, json.loads(out.splitlines()[-1])["processor_s"], *peaks)


def measure_apart(dump: Path, folder: Path, allowed: set[int]) -> Run:
    """Run as many jobs of one core as there are cores, at the same time.

    Returns:
        Wall time of the slowest by the number of jobs, processor time by job, largest process, memory of all.
    """
    places = [folder / str(core) for core in allowed]
    for place in places:
        place.mkdir(exist_ok=True)
    with ThreadPoolExecutor(len(places)) as pool:
        runs = list(pool.map(lambda place, core: measure(dump, place, {core}), places, allowed))
    return Run(
        max(run.wall_s for run in runs) / len(runs),
        sum(run.processor_s for run in runs) / len(runs),
        max(run.largest_mb for run in runs),
        sum(run.tree_mb for run in runs),
    )


def first_cores(count: int) -> set[int]:
    """Return the first of the cores that this process may use.

    Raises:
        SystemExit: there are fewer than count.
    """
    allowed = sorted(os.sched_getaffinity(0))[:count]
    if len(allowed) < count:
        raise SystemExit(f"{count} cores were requested, and this process may use {len(allowed)}")
    return set(allowed)


def median_of(runs: list[Run]) -> Run:
    return Run(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.processor_s for run in runs),
        max(run.largest_mb for run in runs),
        max(run.tree_mb for run in runs),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--copies", type=int, nargs="+", default=[1, 4, 16], help="sizes, in copies of the dump")
    options.add_argument("--cores", type=int, nargs="+", default=[1, 2], help="cores, and workers")
    options.add_argument("--repeats", type=int, default=3, help="runs of which the median counts (default: 3)")
    options.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        run_job(Path(arguments.child[0]), Path(arguments.child[1]), int(arguments.child[2]))
        return
    print(f"from the start of the interpreter to the published tables; medians of {arguments.repeats}, peaks of all\n")
    print("| XML MB | cores | wall s | MB/s | speed-up | processor s | s/GB | largest MB | all MB |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for copies in arguments.copies:
            dump = folder / f"copies{copies}.xml.bz2"
            size = write_repeated(dump, arguments.dump or find_slice(), copies) / 1e6
            print_size(size, measure_size(dump, folder, arguments.cores, arguments.repeats))


def measure_size(dump: Path, folder: Path, cores: list[int], repeats: int) -> dict[str, Run]:
    """Measure the job on each number of cores, and as many jobs side by side, in turns; return the medians."""
    runs: dict[str, list[Run]] = {}
    for _ in range(repeats):
        for count in cores:
            runs.setdefault(str(count), []).append(measure(dump, folder, first_cores(count)))
            if count > 1:
                apart = measure_apart(dump, folder, first_cores(count))
                runs.setdefault(f"{count} jobs of one, a job", []).append(apart)
    return {name: median_of(repeated) for name, repeated in runs.items()}


def print_size(size: float, runs: dict[str, Run]) -> None:
    first = next(iter(runs.values()))
    for name, run in runs.items():
        rates = f"{run.wall_s:.2f} | {size / run.wall_s:.2f} | {first.wall_s / run.wall_s:.2f}"
        costs = f"{run.processor_s:.2f} | {1e3 * run.processor_s / size:.0f}"
        memory = f"{run.largest_mb:.0f} | {run.tree_mb:.0f}"
        print(f"| {size:.1f} | {name} | {rates} | {costs} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
