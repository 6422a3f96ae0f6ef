"""The published systems that stand here, out of one packaged table: parts, presets, departures and our own figures."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from schemas.errors import UsageError
from trainer.blocks import BLOCK

__all__ = ["Control", "Figure", "System", "find_systems", "read_systems", "systems_to_json", "systems_to_text"]


@dataclass(frozen=True, config=BLOCK)
class Control:
    """The figure to which a system's own is compared: the same run without what the system adds."""

    name: str
    value: float
    spread: float | None = None


@dataclass(frozen=True, config=BLOCK)
class Figure:
    """A figure of our own.

    Args:
        data: the set, and how much of it was trained on.
        metric: of value.
        value: F1 in per cent on test, mean over the seeds.
        spread: standard deviation over the seeds; None for one seed.
        seeds: of the runs.
        command: printed the figure into `benchmarks/results`.
        control: the figure to compare with.
    """

    data: str
    metric: str
    value: float
    seeds: tuple[int, ...]
    command: str
    spread: float | None = None
    control: Control | None = None


@dataclass(frozen=True, config=BLOCK)
class System:
    """A published system.

    Args:
        number: of its row in the list of systems.
        name: as the paper has it.
        paper: authors and venue.
        kind: how much of it stands here: faithful, an import, a part alone.
        parts: what it is made of here.
        presets: shipped settings that run it.
        departures: where it differs from the paper or from the authors' code.
        tests: files that hold its parts to the paper.
        figures: our own, from the result files of the benchmarks.
    """

    number: int
    name: str
    paper: str
    kind: str
    parts: tuple[str, ...]
    presets: tuple[str, ...]
    departures: tuple[str, ...]
    tests: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


def read_systems() -> list[System]:
    """Read the packaged table and its figures, in the order of the numbers."""
    folder = resources.files("trainer")
    table = tomllib.loads((folder / "systems.toml").read_text(encoding="utf-8"))["systems"]
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    for row in table:
        row["figures"] = figures.get(str(row["number"]), [])
    rows = TypeAdapter(list[System]).validate_python(table)
    return sorted(rows, key=lambda system: system.number)


def find_systems(name: str | None = None) -> list[System]:
    """Return all systems, or the one of a name or number; two, where names differ in their capitals alone.

    Raises:
        UsageError: there is no such system.

    >>> [system.number for system in find_systems("MoRe")], [system.number for system in find_systems("more")]
    ([2], [2, 29])
    """
    systems = read_systems()
    if name is None:
        return systems
    found = [system for system in systems if name in (system.name, str(system.number))]
    found = found or [system for system in systems if name.lower() == system.name.lower()]
    if not found:
        names = {system.name.lower(): system.name for system in systems}
        near = difflib.get_close_matches(name.lower(), names, n=1)
        hint = f", did you mean {names[near[0]]}?" if near else ""
        raise UsageError(f"no system {name!r}{hint}", remedy="see all with: mie-train systems")
    return found


def systems_to_json(systems: Sequence[System]) -> list[dict[str, Any]]:
    """Return systems as JSON values; what is not known is null."""
    return [asdict(system) for system in systems]


def systems_to_text(systems: Sequence[System]) -> str:
    """Return systems as text for people."""
    return "\n\n".join(_to_text(system) for system in systems)


def _to_text(system: System) -> str:
    lines = [
        f"{system.number}  {system.name} ({system.paper}): {system.kind}",
        f"   parts: {', '.join(system.parts)}",
        f"   presets: {', '.join(system.presets)}",
        *(f"   departs: {text}" for text in system.departures),
    ]
    for row in system.figures:
        compared = f"; {row.control.name} {_value(row.control)}" if row.control else ""
        seeds = ", ".join(map(str, row.seeds))
        lines.append(f"   {row.data}: {row.metric} {_value(row)} (seeds {seeds}){compared}")
        lines.append(f"      {row.command}")
    return "\n".join(lines)


def _value(row: Figure | Control) -> str:
    return f"{row.value:.2f}" if row.spread is None else f"{row.value:.2f} ± {row.spread:.2f}"
