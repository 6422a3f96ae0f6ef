"""Writes `docs/systems.md`: each system of the field with its preset, departures, tests and figures.

python -m benchmarks.systems_page
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer.metrics import to_markdown
from trainer.systems import Control, Figure, System, read_systems

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "systems.md"
_INTRODUCTION = """# The systems of the field

<!-- written by `python -m benchmarks.systems_page`: do not edit -->

Each system is a preset of parts: `mie-train fit PRESET --out RUN data.samples=SAMPLES`. `mie-train systems --json`
gives this page as JSON. Figures are our own, F1 in per cent on the test set, mean ± deviation over the seeds, with a
small encoder that needs no download (`offline:minilm`, `efficientnet-lite0`): they tell parts from each other, and are
not those of the papers. A control is the same run without what the system adds."""


def make_page(systems: Sequence[System]) -> str:
    """Return the page: a table of all systems, and a section for each."""
    rows = [[str(row.number), f"[{row.name}](#{_anchor(row)})", row.kind, _best(row)] for row in systems]
    table = to_markdown(["#", "system", "what stands here", "first figure"], rows)
    return "\n\n".join([_INTRODUCTION, table, *(_section(row) for row in systems)]) + "\n"


def _section(system: System) -> str:
    return "\n".join(_lines(system))


def _lines(system: System) -> Iterator[str]:
    yield f"## {system.number} {system.name}"
    yield ""
    yield f"{system.paper}. {_sentence(system.kind)}"
    yield ""
    yield f"- parts: {', '.join(system.parts)}"
    yield f"- presets: {', '.join(f'`{name}`' for name in system.presets)}"
    yield from (f"- departs: {text}" for text in system.departures)
    if system.tests:
        yield f"- tests: {', '.join(f'`{name}`' for name in system.tests)}"
    if not system.figures:
        return
    yield ""
    cells = [
        [row.data, row.metric, _value(row), ", ".join(map(str, row.seeds)), _control(row)] for row in system.figures
    ]
    yield to_markdown(["data", "metric", "F1", "seeds", "control"], cells)
    yield ""
    for command in dict.fromkeys(row.command for row in system.figures):
        yield f"    {command}"


def _best(system: System) -> str:
    if not system.figures:
        return "none yet"
    row = system.figures[0]
    return f"{row.data}, {row.metric}: {_value(row)}"


def _value(row: Figure | Control) -> str:
    return f"{row.value:.2f}" if row.spread is None else f"{row.value:.2f} ± {row.spread:.2f}"


def _control(row: Figure) -> str:
    return "-" if row.control is None else f"{row.control.name}: {_value(row.control)}"


def _anchor(system: System) -> str:
    kept = "".join(letter for letter in f"{system.number} {system.name}".lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    PAGE.write_text(make_page(read_systems()), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
