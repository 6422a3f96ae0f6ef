"""Figures of reports: time and size of one histogram drawn by us with matplotlib, and by plotly, altair and pygal."""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from statistics import median

EDGES = list(range(0, 68, 4))
COUNTS = [1216, 1192, 2196, 3116, 3397, 2923, 2383, 1706, 1184, 773, 468, 311, 224, 134, 95, 154]
LABELS = [f"{low}" for low in EDGES[:-1]]


def ours() -> str:
    from schemas.display import histogram_figure

    return histogram_figure("Words", EDGES, COUNTS, x_label="words of a sentence", y_label="sentences", is_open=True)


def plotly() -> str:
    import plotly.graph_objects as go

    figure = go.Figure(go.Bar(x=LABELS, y=COUNTS))
    figure.update_layout(xaxis_title="words of a sentence", yaxis_title="sentences")
    text: str = figure.to_html(full_html=False, include_plotlyjs=True)
    return text


def altair() -> str:
    import altair as alt
    import vl_convert

    data = alt.Data(values=[{"x": low, "y": count} for low, count in zip(EDGES, COUNTS, strict=False)])
    chart = alt.Chart(data).mark_bar().encode(x="x:O", y="y:Q")
    text: str = vl_convert.vegalite_to_svg(chart.to_json())
    return text


def pygal() -> str:
    import pygal as peer

    chart = peer.Bar(show_legend=False, x_title="words of a sentence", y_title="sentences", js=[])
    chart.x_labels = LABELS
    chart.add("sentences", COUNTS)
    text: str = chart.render(is_unicode=True)
    return text


MAKERS: dict[str, Callable[[], str]] = {"matplotlib, ours": ours, "plotly": plotly, "altair": altair, "pygal": pygal}
PACKAGES = {"matplotlib, ours": "matplotlib", "plotly": "plotly", "altair": "vl_convert", "pygal": "pygal"}


def main() -> int:
    """Measure each library in processes of its own, in turns; print medians of processor time, and sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=MAKERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return measure(MAKERS[arguments.child])
    installed = [name for name in MAKERS if importlib.util.find_spec(PACKAGES[name])]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in installed}
    for _ in range(arguments.rounds):
        for name in installed:
            command = [sys.executable, "-m", "benchmarks.figures", "--child", name]
            results[name].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    print("| | first figure, s of processor time | each further | kB | kB gzipped | script |")
    print("|---|---:|---:|---:|---:|---|")
    for name, rows in results.items():
        first, next_ = (median(row[key] for row in rows) for key in ("first", "next"))
        sizes = " | ".join(f"{rows[0][key] / 1000:,.1f}" for key in ("bytes", "zipped"))
        print(f"| {name} | {first:.2f} | {next_:.3f} | {sizes} | {'yes' if rows[0]['script'] else 'no'} |")
    for name in MAKERS.keys() - set(installed):
        print(f"{name} is not installed: pip install {PACKAGES[name]}", file=sys.stderr)
    return 0


def measure(make: Callable[[], str]) -> int:
    """Print the processor time of the first figure of a process, imports included, and of a further one."""
    import time

    times = []
    for _ in range(4):
        started = time.process_time()
        text = make()
        times.append(time.process_time() - started)
    data = text.encode()
    values = {"first": times[0], "next": median(times[1:]), "bytes": len(data), "zipped": len(gzip.compress(data))}
    print(json.dumps({**values, "script": "<script" in text}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
