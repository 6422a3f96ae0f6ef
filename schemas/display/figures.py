"""Figures as inline SVG: lines, bars, histograms. The only file that knows matplotlib; page.css gives the colours."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from schemas.display.svg import COLOUR_NAMES, to_inline

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

__all__ = ["bar_figure", "histogram_figure", "line_figure"]

_WIDTH_IN, _HEIGHT_IN = 5.0, 2.9
_BAR_IN, _LEGEND_IN = 0.2, 0.2
"""Height that a row of bars, and a line of the legend, add to a figure."""
_LABEL_CHARS = 30
_MARKERS = "os^Dv*"
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
_SERIES_COLOURS = [colour for colour, name in COLOUR_NAMES.items() if name.isdigit()]
_COLOURS = {name: colour for colour, name in COLOUR_NAMES.items()}
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, copied and read aloud
    "svg.hashsalt": "figure",  # ids that matplotlib would draw at random: the same data give the same bytes
    "text.parse_math": False,  # a "$" in a name is no formula
    "font.size": 11.0,
    "axes.edgecolor": _COLOURS["line"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.02,
    "grid.color": _COLOURS["grid"],
    "xtick.color": _COLOURS["line"],
    "ytick.color": _COLOURS["line"],
    "legend.frameon": False,
    "legend.fontsize": 10.0,
}
_DRAWING = threading.Lock()
"""matplotlib keeps one set of settings for the whole process, so only one figure is drawn at a time."""
Texts = dict[str, str]
"""The texts that replace stand-ins in the finished SVG, by the id of their group."""


def line_figure(
    title: str, lines: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, y_label: str
) -> Markup:
    """Draw lines through points (x, y).

    Args:
        title: name of the figure for screen readers; it is not drawn.
        lines: points by the line's name; a legend shows the names if there are several lines.
        x_label: text of the lower axis, with the unit.
        y_label: text of the left axis, with the unit.
    """

    def paint(axes: Axes, texts: Texts) -> None:
        from matplotlib.ticker import MaxNLocator

        for number, (name, points) in enumerate(lines.items()):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            (drawn,) = axes.plot(xs, ys, linewidth=1.8, markersize=5, label=_stand_in(name))
            # Every six lines the colours and markers start again, with the next pattern of dashes.
            drawn.set(
                color=_SERIES_COLOURS[number % 6], linestyle=_DASHES[number // 6 % 6], marker=_MARKERS[number % 6]
            )
        if all(float(x).is_integer() for points in lines.values() for x, _ in points):
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.set(xlabel=x_label, ylabel=y_label)
        _add_legend(axes, list(lines), texts)

    numbers = "; ".join(f"{name}: " + ", ".join(f"{x:g}: {y:.4g}" for x, y in points) for name, points in lines.items())
    return _draw(title, f"{y_label} by {x_label}. {numbers}", paint, _HEIGHT_IN + _legend_in(lines))


def bar_figure(title: str, bars: Mapping[str, Mapping[str, float]], *, x_label: str, digits: int = 0) -> Markup:
    """Draw horizontal bars from top to bottom, each with its number.

    Args:
        title: name of the figure for screen readers; it is not drawn.
        bars: values by label, for each series by its name; a series may lack labels that another has.
        x_label: what the values are, with the unit.
        digits: number of decimals.
    """
    labels = list(dict.fromkeys(label for values in bars.values() for label in values))
    height = 0.8 / len(bars)

    def paint(axes: Axes, texts: Texts) -> None:
        for number, (name, values) in enumerate(bars.items()):
            rows = [row for row, label in enumerate(labels) if label in values]
            sizes = [values[labels[row]] for row in rows]
            centres = [row + (number - (len(bars) - 1) / 2) * height for row in rows]
            drawn = axes.barh(centres, sizes, height * 0.9, color=_SERIES_COLOURS[number % 6], label=_stand_in(name))
            axes.bar_label(drawn, [f"{size:,.{digits}f}" for size in sizes], padding=3, fontsize=9)
        axes.set_yticks(range(len(labels)), [_stand_in(label) for label in labels])
        for row, (tick, label) in enumerate(zip(axes.get_yticklabels(), labels, strict=True)):
            tick.set_gid(f"label-{row}")
            texts[f"label-{row}"] = _short(label)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set(xlabel=x_label, ylim=(len(labels) - 0.45, -0.55))
        axes.margins(x=0.16)  # room for the number behind the longest bar
        axes.xaxis.set_major_formatter(_thousands)
        _add_legend(axes, list(bars), texts)

    numbers = "; ".join(
        (f"{name}: " if len(bars) > 1 else "") + ", ".join(f"{key}: {size:,.{digits}f}" for key, size in values.items())
        for name, values in bars.items()
    )
    rows_high = len(labels) * max(1.15, 0.85 * len(bars))
    return _draw(title, f"{x_label}. {numbers}", paint, 0.7 + _BAR_IN * rows_high + _legend_in(bars))


def histogram_figure(
    title: str, edges: Sequence[float], counts: Sequence[float], *, x_label: str, y_label: str, is_open: bool = False
) -> Markup:
    """Draw a histogram.

    Args:
        title: name of the figure for screen readers; it is not drawn.
        edges: of the bins, one more than there are counts; a value at an edge belongs to the upper bin.
        counts: of each bin.
        x_label: text of the lower axis, with the unit.
        y_label: text of the left axis, with the unit.
        is_open: the last bin also holds all values beyond the last edge.
    """

    def paint(axes: Axes, _texts: Texts) -> None:
        axes.bar(edges[:-1], counts, [b - a for a, b in pairwise(edges)], align="edge",
                 color=_SERIES_COLOURS[0], edgecolor="none", linewidth=0)  # fmt: skip
        axes.grid(visible=False, axis="x")
        axes.set(xlabel=x_label + (", the last bin with all above" if is_open else ""), ylabel=y_label)
        axes.set_xlim(edges[0], edges[-1])
        axes.yaxis.set_major_formatter(_thousands)

    bins = [f"{a:g} to {b:g}: {count:,g}" for a, b, count in zip(edges[:-1], edges[1:], counts, strict=True)]
    if is_open:
        bins[-1] = f"{edges[-2]:g} and more: {counts[-1]:,g}"
    return _draw(title, f"{y_label} by {x_label}. {'; '.join(bins)}", paint, _HEIGHT_IN)


def _draw(title: str, description: str, paint: Callable[[Axes, Texts], None], height_in: float) -> Markup:
    """Draw with settings of our own, whatever the user's are.

    pyplot is not used: it keeps every figure open until it is closed by hand.

    Args:
        title: of the figure.
        description: its numbers in words.
        paint: draws on the axes, and notes the texts that replace stand-ins.
        height_in: height in inches.
    """
    import matplotlib as mpl
    from markupsafe import Markup
    from matplotlib.figure import Figure

    texts: Texts = {}
    written = io.StringIO()
    with _DRAWING, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
        axes = figure.add_subplot()
        for background in (figure.patch, axes.patch):
            background.set_visible(False)
        paint(axes, texts)
        figure.savefig(written, format="svg", metadata={"Date": None})
    title, description = _printable(title), _printable(description)
    # Ids begin with a hash of what the figure shows: two figures of a page differ, the same figure is always the same.
    key = "f" + hashlib.sha256(json.dumps([title, description]).encode()).hexdigest()[:10]
    return Markup(to_inline(written.getvalue(), key, title, description, texts))  # noqa: S704  all texts are escaped


def _add_legend(axes: Axes, names: Sequence[str], texts: Texts) -> None:
    """Name the series above the drawing, where there are several."""
    if len(names) < 2:
        return
    legend = axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=1, borderaxespad=0.2, labelspacing=0.25)
    for row, (text, name) in enumerate(zip(legend.get_texts(), names, strict=True)):
        text.set_gid(f"name-{row}")
        texts[f"name-{row}"] = _printable(name)


def _legend_in(names: Mapping[str, object]) -> float:
    return _LEGEND_IN * len(names) if len(names) > 1 else 0.0


def _thousands(value: float, _position: object) -> str:
    return f"{value:,.0f}" if value >= 1000 or float(value).is_integer() else f"{value:g}"


def _short(label: str) -> str:
    """Cut a long label.

    >>> _short("a" * 40)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    label = _printable(label)
    return label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "…"


def _stand_in(label: str) -> str:
    """Replace letters that matplotlib's font lacks by "M", which is about as wide.

    matplotlib only measures the stand-in, to leave room for it; `to_inline` puts the label itself in its place, and the
    reader's browser has the fonts.

    >>> _stand_in("東京 Tokyo")
    'MM Tokyo'
    """
    return "".join(char if " " <= char <= "~" else "M" for char in _short(label)) or " "


def _printable(text: str) -> str:
    r"""Replace characters that XML cannot hold by "?".

    >>> _printable("a\x00b\ud800")
    'a?b?'
    """
    return "".join(char if char.isprintable() else "?" for char in text)
