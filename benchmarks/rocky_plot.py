"""Draws what a photo brings: F1 on rocky with a post's own photo and with another post's, from the result files.

python -m benchmarks.rocky_plot
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from benchmarks.result_files import SystemResult, read_results
from benchmarks.rocky_page import BY_PHOTOS, DEV, EXPERTS_OF_MORE, MORE, WORDS
from benchmarks.rocky_systems import EXPERTS, VISUAL
from trainer.systems import read_systems

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "rocky.svg"
WIDTH, LEFT, RIGHT, TOP, ROW = 760, 250, 30, 64, 34
STEP = 10
"""Per cent between two lines of the grid."""
LEGEND = "F1 in %, all types; point: mean over seeds, line: lowest to highest"
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
.grid { stroke: #d1d9e0 } .words { stroke: #59636e; stroke-dasharray: 4 3 } .own { fill: #0969da; stroke: #0969da }
.other { fill: #fff; stroke: #bc4c00; stroke-width: 2 } .between { stroke: #afb8c1; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d } .words { stroke: #9198a1 }
.own { fill: #4493f8; stroke: #4493f8 } .other { fill: #0d1117; stroke: #db6d28 } .between { stroke: #656c76 }
}
</style>"""


class Bar(NamedTuple):
    """A row of the drawing: F1 in per cent of each seed with a post's own photo, and with another post's."""

    name: str
    own: tuple[float, ...]
    other: tuple[float, ...] = ()


def read_bars(results: Sequence[SystemResult]) -> list[Bar]:
    """Return words alone, MoRe's experts, its mixture, and the fusion that is best on dev.

    Args:
        results: of all benchmarks.

    Raises:
        ValueError: none is of rocky's photos.
    """
    found = {row.system: row for row in results if row.data == "rocky" and BY_PHOTOS in row.detail}
    fusions = [found[name] for name in VISUAL if name in found]
    if not fusions:
        raise ValueError("no result file of a fusion on rocky: run benchmarks.rocky")
    best = max(fusions, key=lambda row: fmean(row.detail[DEV].values()))
    words: Mapping[str, Mapping[str, float]] = best.detail[WORDS]
    bars = [Bar("words alone", tuple(100 * scores["all"] for scores in words.values()))]
    names = {system.number: system.name for system in read_systems()}
    more = next((row for row in found.values() if row.number == MORE), None)
    if more is not None:
        experts: Mapping[str, Any] = more.detail.get(EXPERTS_OF_MORE, {})
        known = [name for name in EXPERTS if name in experts]
        bars += [_bar(f"{names[MORE]}, contexts found by {name}", experts[name]) for name in known]
        bars.append(_bar(f"{names[MORE]}, their mixture", more.detail[BY_PHOTOS]))
    return [*bars, _bar(f"{names[best.number]}, the best fusion on dev", best.detail[BY_PHOTOS])]


def _bar(name: str, by_seed: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Bar:
    """Return the row of a system; one that reads no photo has no second value."""
    own, other = (
        tuple(100 * scores[photos]["all"] for scores in by_seed.values() if photos in scores)
        for photos in ("true", "shuffled")
    )
    return Bar(name, own, other)


def draw(bars: Sequence[Bar]) -> str:
    """Return the drawing as SVG: a point for each mean, a line from lowest to highest seed."""
    values = [value for bar in bars for value in (*bar.own, *bar.other)]
    low, high = STEP * (min(values) // STEP), STEP * -(-max(values) // STEP)
    height = TOP + ROW * len(bars) + 34
    title = "Test F1 on rocky with a post's own photo and with another post's"

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        STYLE,
        f'<text x="{LEFT}" y="20" class="small">{LEGEND}</text>',
        f'<circle cx="{LEFT + 6}" cy="38" r="6" class="own"/><text x="{LEFT + 18}" y="42">its own photo</text>',
        f'<circle cx="{LEFT + 136}" cy="38" r="5" class="other"/><text x="{LEFT + 148}" y="42">another post\'s</text>',
    ]
    bottom = height - 30
    for tick in range(int(low), int(high) + 1, STEP):
        x = across(tick)
        lines.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" class="grid"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="small">{tick}</text>')
    x = across(fmean(bars[0].own))
    lines.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" class="words"/>')
    for number, bar in enumerate(bars):
        lines += _draw_row(bar, TOP + ROW * number + ROW // 2, across)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _draw_row(bar: Bar, y: int, across: Any) -> Iterator[str]:
    seeds = f"{len(bar.own)} seed{'s' * (len(bar.own) > 1)}"
    yield f'<text x="{LEFT - 12}" y="{y}" text-anchor="end">{escape(bar.name)}</text>'
    yield f'<text x="{LEFT - 12}" y="{y + 13}" text-anchor="end" class="small">{seeds}</text>'
    if bar.other:
        ends = across(fmean(bar.other)), across(fmean(bar.own))
        yield f'<line x1="{ends[0]:.1f}" y1="{y}" x2="{ends[1]:.1f}" y2="{y}" class="between"/>'
    for values, kind, radius in ((bar.own, "own", 6), (bar.other, "other", 5)):
        if not values:
            continue
        low, x, high = across(min(values)), across(fmean(values)), across(max(values))
        yield f'<line x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}" class="{kind}" stroke-width="3"/>'
        yield f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" class="{kind}"/>'
        yield f'<text x="{x:.1f}" y="{y - 9}" text-anchor="middle" class="small">{fmean(values):.1f}</text>'


def main() -> None:
    """Write the drawing."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    PICTURE.write_text(draw(read_bars(read_results())), encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    main()
