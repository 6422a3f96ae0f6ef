"""Writes `docs/systems.md`: each system of the field with its preset, departures, tests and figures.

The README's short table, between two marks, and its picture (rocky_plot) are written too.

python -m benchmarks.systems_page
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.result_files import read_results
from benchmarks.rocky_plot import PICTURE, draw, read_bars
from trainer.metrics import to_markdown
from trainer.systems import Control, Figure, System, read_systems

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "systems.md"
README = ROOT / "README.md"
START, END = "<!-- written by `python -m benchmarks.systems_page` -->", "<!-- end of what is written -->"
PHOTOS = "rocky"
ASKED_FIRST = (1, 2, 3, 10, 12, 17, 18, 19, 38, 39)
"""Rows of the short table: the task's own data, MoRe, the fusions, knowledge, generated answers, the grid and regions
that others compare with."""
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


def make_short_table(systems: Sequence[System]) -> str:
    """Return the table of the systems that a newcomer asks for first."""
    rows = [_short_row(row) for row in systems if row.number in ASKED_FIRST]
    table = to_markdown(["system", "begin with", "data", "F1", "control"], rows).splitlines()
    return "\n".join([table[0], "|---|---|---|---:|---|", *table[2:]])


def _short_row(system: System) -> list[str]:
    start = [f"[{system.name}](docs/systems.md#{_anchor(system)})", f"`{_small(system)}`"]
    if not system.figures:
        return [*start, "none yet", "-", "-"]
    figure = _first(system)
    metric = "" if figure.metric == "f1" else f": {figure.metric}"
    return [*start, f"{figure.data}{metric}", _value(figure), _control(figure)]


def with_short_table(readme: str, systems: Sequence[System]) -> str:
    """Return a README whose short table is that of the systems.

    Raises:
        ValueError: it lacks the marks.
    """
    head, tail = readme[: readme.index(START) + len(START)], readme[readme.index(END) :]
    return f"{head}\n{make_short_table(systems)}\n{tail}"


def _small(system: System) -> str:
    """Return the preset to begin with: one of those with the small encoder, which need no download."""
    return next((name for name in system.presets if name.startswith("small-")), system.presets[0])


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
    row = _first(system)
    return f"{row.data}, {row.metric}: {_value(row)}"


def _first(system: System) -> Figure:
    """Return the figure on the posts whose photo decides, or the first one."""
    return next((row for row in system.figures if row.data.split(",")[0] == PHOTOS), system.figures[0])


def _value(row: Figure | Control) -> str:
    return f"{row.value:.2f}" if row.spread is None else f"{row.value:.2f} ± {row.spread:.2f}"


def _control(row: Figure) -> str:
    return "-" if row.control is None else f"{row.control.name}: {_value(row.control)}"


def _anchor(system: System) -> str:
    kept = "".join(letter for letter in f"{system.number} {system.name}".lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def write_pages(systems: Sequence[System]) -> None:
    """Write the page, the picture of rocky, and the short table of the README."""
    PAGE.write_text(make_page(systems), encoding="utf-8")
    PICTURE.write_text(draw(read_bars(read_results())), encoding="utf-8")
    README.write_text(with_short_table(README.read_text(encoding="utf-8"), systems), encoding="utf-8")


def main() -> None:
    """Write all three."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    write_pages(read_systems())
    print(PAGE, PICTURE, README)


if __name__ == "__main__":
    main()
