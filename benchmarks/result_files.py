"""Result files: what a benchmark found for one system on one data set, as JSON that the table of systems is made of.

results/systems/03-hvpnet-rocky.json     number of the row, system, data; figures with seeds and controls; details
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from pydantic import TypeAdapter

from schemas.manifest import write_json_atomically
from trainer.systems import Control, Figure

__all__ = ["RESULTS", "SystemResult", "make_control", "make_figure", "read_results", "write_result"]

RESULTS = Path(__file__).resolve().parent / "results" / "systems"


@dataclass(frozen=True)
class SystemResult:
    """What a benchmark found for a system.

    Args:
        number: of the system's row.
        system: its short name, for the file's name: "hvpnet".
        data: the set and how much of it was trained on: "rocky".
        figures: F1 in per cent.
        detail: whatever else the run says: F1 per type and seed, settings, counts. Values of JSON.
        machine: on which it ran.
    """

    number: int
    system: str
    data: str
    figures: tuple[Figure, ...]
    detail: dict[str, Any] = field(default_factory=dict)
    machine: str = field(default_factory=platform.machine)


def make_figure(
    data: str,
    metric: str,
    values: Mapping[int, float],
    command: str,
    control: Control | None = None,
) -> Figure:
    """Return a figure as the mean over its seeds.

    Args:
        data: the set.
        metric: for instance "f1".
        values: seed -> value in [0, 1].
        command: that prints it.
        control: the figure to compare with.

    >>> make_figure("rocky", "f1", {1: 0.9, 2: 0.92}, "python -m benchmarks.rocky").value
    91.0
    """
    spread = _spread(list(values.values()))
    return Figure(data, metric, _percent(fmean(values.values())), tuple(values), command, spread, control)


def make_control(name: str, values: Sequence[float]) -> Control:
    """Return the mean of a control over its seeds; values are in [0, 1]."""
    return Control(name, _percent(fmean(values)), _spread(values))


def _spread(values: Sequence[float]) -> float | None:
    return _percent(stdev(values)) if len(values) > 1 else None


def _percent(value: float) -> float:
    return round(100 * value, 2)


def write_result(result: SystemResult, folder: Path = RESULTS) -> Path:
    """Write a result, in place of the one that the same system has for the same data."""
    folder.mkdir(parents=True, exist_ok=True)
    data = "".join(letter if letter.isalnum() else "-" for letter in result.data.lower())
    name = "-".join(part for part in f"{result.number:02d}-{result.system}-{data}".split("-") if part)
    path = folder / f"{name}.json"
    write_json_atomically(path, asdict(result))
    return path


def read_results(folder: Path = RESULTS) -> list[SystemResult]:
    """Read all results, by number and then by name of their file."""
    paths = sorted(folder.glob("*.json"))
    adapter = TypeAdapter(SystemResult)
    rows = [adapter.validate_python(json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return sorted(rows, key=lambda row: row.number)
