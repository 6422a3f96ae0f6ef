"""Runs a command and watches it: memory and processor time of each of its processes, and when each stage ended."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.job_scaling import descendants, memory_of

_TICKS = os.sysconf("SC_CLK_TCK")
_DONE = re.compile(r"^(\S+(?: parts| train)?)\s.*\bdone in ")
MOST_POINTS = 60
"""Of a curve that is kept."""


@dataclass
class Process:
    """A process of the command.

    Args:
        role: the driver, or the number of a worker by its start.
        started: seconds after the command.
        memory: (seconds, resident MB, proportional MB).
        processor_s: so far.
    """

    role: str
    started: float
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    processor_s: float = 0.0


@dataclass
class Watched:
    """What a command did.

    Args:
        code: its exit status.
        out: what it printed to stdout.
        wall_s: in all.
        processor_s: of all its processes; what one used after its last sample is missing.
        stages: seconds of wall and processor time by stage, from the lines "STAGE ... done in".
        progress: (seconds, processor seconds, done) with each sample.
        processes: by start.
    """

    code: int
    out: str
    wall_s: float
    processor_s: float
    stages: dict[str, dict[str, float]]
    progress: list[tuple[float, float, float]]
    processes: list[Process]

    def to_json(self) -> dict[str, Any]:
        """Return all but the output, curves thinned out; processes that lived for less than 5 % of it are counted."""
        found = asdict(self)
        del found["out"]
        found["progress"] = thin(found["progress"], 4 * MOST_POINTS)
        kept = [process for process in found["processes"] if _lived(process) >= self.wall_s / 20]
        found["short_processes"] = len(found["processes"]) - len(kept)
        found["processes"] = kept
        for process in kept:
            process["memory"] = thin(process["memory"])
        return found


def _lived(process: dict[str, Any]) -> float:
    return float(process["memory"][-1][0] - process["started"])


def thin(points: list[Any], most: int = MOST_POINTS) -> list[Any]:
    """Return at most so many points of a curve, the last among them.

    >>> thin(list(range(10)), 4)
    [0, 3, 6, 9]
    """
    every = max(1, -(-(len(points) - 1) // (most - 1)))
    return points[::every] + (points[-1:] if points and (len(points) - 1) % every else [])


def watch(command: Sequence[str], log: Path, done: Callable[[], float] = lambda: 0.0, every_s: float = 1.0) -> Watched:
    """Run a command, its stderr into a log, and sample its processes until it ends.

    Args:
        command: the words.
        log: the file for stderr.
        done: tells how much is done, in any unit.
        every_s: between two samples.
    """
    start = time.monotonic()
    out: list[str] = []
    ends: list[tuple[str, float]] = []
    processes: dict[int, Process] = {}
    progress: list[tuple[float, float, float]] = []
    used: list[tuple[float, float]] = [(0.0, 0.0)]
    with subprocess.Popen(list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        readers = [
            threading.Thread(target=lambda: out.append(job.stdout.read() if job.stdout else "")),
            threading.Thread(target=_read_stages, args=(job, log, start, ends)),
        ]
        for reader in readers:
            reader.start()
        while job.poll() is None:
            now = round(time.monotonic() - start, 2)
            _sample(job.pid, now, processes)
            used.append((now, sum(process.processor_s for process in processes.values())))
            progress.append((now, round(used[-1][1], 2), done()))
            time.sleep(every_s)
        for reader in readers:
            reader.join()
    wall = time.monotonic() - start
    used.append((wall, used[-1][1]))
    stages, before = {}, 0.0
    for name, at in ends:
        spent = interpolate(used, at) - interpolate(used, before)
        stages[name] = {"wall_s": round(at - before, 2), "processor_s": round(spent, 2)}
        before = at
    return Watched(
        job.returncode, "".join(out), round(wall, 2), used[-1][1], stages, progress, list(processes.values())
    )


def _read_stages(job: subprocess.Popen[str], log: Path, start: float, ends: list[tuple[str, float]]) -> None:
    """Copy stderr to a log, and note when a stage was done."""
    assert job.stderr is not None
    with log.open("a", encoding="utf-8") as file:
        for line in job.stderr:
            file.write(line)
            found = _DONE.match(line)
            if found:
                ends.append((found[1], time.monotonic() - start))


def _sample(pid: int, now: float, processes: dict[int, Process]) -> None:
    for one in descendants(pid):
        rss, pss = memory_of(one)
        if not rss:
            continue
        role = "driver" if one == pid else f"process {len(processes)}"
        process = processes.setdefault(one, Process(role, now))
        process.memory.append((now, round(rss, 1), round(pss, 1)))
        process.processor_s = max(process.processor_s, _processor_s(one))


def _processor_s(pid: int) -> float:
    """Return the user and system time of a process; 0 if it is gone. Source: proc(5), fields 14 and 15."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS


def interpolate(points: Sequence[tuple[float, float]], at: float) -> float:
    """Return the value of a curve at a place; outside of it, that of its end.

    >>> interpolate([(0.0, 0.0), (2.0, 10.0)], 0.5)
    2.5
    """
    before = points[0]
    for point in points:
        if point[0] >= at:
            span = point[0] - before[0]
            return before[1] + (point[1] - before[1]) * ((at - before[0]) / span if span else 1.0)
        before = point
    return before[1]
