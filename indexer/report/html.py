"""The report of an index as HTML: its values and figures here, its words and layout in the folder `templates`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.report.info import summarise_manifest
from indexer.report.measures import IndexReport, Lengths, measure_index
from schemas.display import bar_figure, check_page_path, histogram_figure, render_template, write_page
from schemas.manifest import Manifest
from schemas.records import FATES

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["report_parts", "report_to_page", "write_report"]

_PACKAGE = "indexer.report"
_MAX_TEMPLATES = 25
"""Bars of the figure of unknown templates: what fits on a screen."""
_PICTURE_TABLES = (("embedded", "source"), ("missing", "reason"), ("broken", "reason"), ("broken", "source"))
_NO_EXAMPLE = {"stage": "", "id": "", "detail": "no example among the rows that were read"}


def write_report(folder: Path, manifest: Manifest, path: Path) -> None:
    """Measure an index and write its report.

    Args:
        folder: of the index.
        manifest: of that folder.
        path: of the page; checked before anything is measured.

    Raises:
        UsageError: the path is a folder, or a file that is not a report, or its folder does not exist.
        StoreError: the page cannot be written, or the index cannot be read.
    """
    check_page_path(path)
    write_page(path, report_to_page(measure_index(folder, manifest)))


def report_to_page(report: IndexReport) -> str:
    """Return the report as a page that is one file."""
    title = f"Index {report.folder.resolve().name}"
    return render_template(_PACKAGE, "index_page.html", title=title, **_values(report))


def report_parts(report: IndexReport) -> Markup:
    """Return the sections of the report, for a page that has page.css and a heading of its own."""
    return render_template(_PACKAGE, "index_parts.html", **_values(report))


def _values(report: IndexReport) -> dict[str, Any]:
    """Return what the templates use, by name."""
    manifest, counters = report.manifest, report.manifest.counters
    fates = {fate.replace("_", " "): manifest.counts[fate] for fate in FATES if fate in manifest.counts}
    recall = (manifest.image_index or {}).get("recall_at_10")
    lengths = [
        _lengths(report.sentences, "sentence", "sentences"),
        _lengths(report.paragraphs, "paragraph", "paragraphs"),
    ]
    return {
        "manifest": manifest,
        "losses": counters.get("losses", 0),
        "summary": _summary(report),
        "fates": [[name, _number(count), _percent(count, manifest.pages_read)] for name, count in fates.items()],
        "fates_figure": _bars("Pages by fate", fates, "pages"),
        "lengths": [found for found in lengths if found],
        "pictures": _pictures(counters),
        "rejects": report.rejects,
        "rejects_figure": _bars("Rejects by reason", {row.reason: row.number for row in report.rejects}, "rejects"),
        "no_example": _NO_EXAMPLE,
        "templates": _templates(counters),
        "text_index": _section_facts(manifest.text_index),
        "image_index": _section_facts(manifest.image_index),
        "recall": f"{100 * recall:.1f}" if isinstance(recall, int | float) else None,
        "sizes": _sizes(manifest),
        "settings": {name: _setting(value) for name, value in sorted(manifest.config.items())},
        "versions": dict(sorted(manifest.versions.items())),
        "number": _number,
        "size": _size,
        "file_name": lambda path: Path(path).name,
    }


def _summary(report: IndexReport) -> dict[str, str]:
    manifest = report.manifest
    days = ", ".join(sorted({file.dump_date or "an unknown day" for file in manifest.inputs}))
    return {
        "Built": f"{manifest.created}, from a dump of {days}",
        "Pages read": _number(manifest.pages_read),
        "Articles kept": _number(manifest.counts.get("kept")),
        "Paragraphs": _number(report.paragraphs.rows),
        "Sentences": _number(report.sentences.rows),
        "Links": _number(manifest.counters.get("links")),
        "Pictures in the index": _number((manifest.image_index or {}).get("vectors", 0)),
        "Size": _size(sum(shard.size_bytes for shard in manifest.shards)),
    }


def _lengths(lengths: Lengths, singular: str, plural: str) -> dict[str, str] | None:
    """Return the histogram of lengths and its summary in words; None if no row was read."""
    if not lengths.read:
        return None
    title = f"Words of a {singular}"
    svg = histogram_figure(
        title, lengths.edges, lengths.counts, x_label=f"words of a {singular}", y_label=plural, is_open=True
    )
    words = (
        f"Mean {lengths.mean:.1f} words, half have at most {lengths.median:,}, 95 % at most {lengths.p95:,}, "
        f"the longest {lengths.longest:,}."
    )
    if lengths.read < lengths.rows:
        share = _percent(lengths.read, lengths.rows)
        words += f" From {lengths.read:,} of {lengths.rows:,} {plural} ({share}), spread over all of them."
    return {"title": title, "svg": svg, "words": words}


def _pictures(counters: dict[str, Any]) -> dict[str, Any] | None:
    """Return the figures of the picture stage; None if the build had no pictures."""
    counts = _numbers(counters.get("images"))
    if "files" not in counts:
        return None
    fates = {name: number for name, number in counts.items() if name in ("embedded", "missing", "broken")}
    tables = []
    for fate, by in _PICTURE_TABLES:
        rows = [[name, _number(count)] for name, count in _numbers(counters.get(f"images_{fate}_by_{by}")).items()]
        if rows:
            tables.append((f"Pictures {fate}, by {by}", by, rows))
    figure = _bars("Files of pictures by fate", fates, "files")
    return {"uses": counts.get("uses"), "files": counts["files"], "figure": figure, "tables": tables}


def _templates(counters: dict[str, Any]) -> dict[str, Any] | None:
    """Return the unknown templates, most used first; None if there were none."""
    counts = _numbers(counters.get("dropped_templates"))
    if not counts:
        return None
    most_used = dict(list(counts.items())[:_MAX_TEMPLATES])
    return {
        "uses": counters.get("dropped_templates_sum"),
        "names": counters.get("dropped_templates_names"),
        "figure": _bars("Unknown templates, most used first", most_used, "uses"),
    }


def _sizes(manifest: Manifest) -> list[list[str]]:
    """Return the rows of the table of sizes, largest first."""
    about = summarise_manifest(manifest)
    return [
        [name, _number(about["rows"][name] or None), _size(size), _percent(size, about["total_bytes"])]
        for name, size in sorted(about["size_bytes"].items(), key=lambda item: -item[1])
    ]


def _bars(title: str, counts: dict[str, int], unit: str) -> tuple[str, Markup] | None:
    """Draw counts as bars, (title, SVG); None if there are not two to compare: the table beside it is enough."""
    if len(counts) < 2 or not any(counts.values()):
        return None
    return title, bar_figure(title, {"": counts}, x_label=unit)


def _section_facts(section: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the manifest's section on an index as names and values for people."""
    return {name.replace("_", " "): _setting(value) for name, value in (section or {}).items() if value is not None}


def _setting(value: object) -> str:
    """Write a setting for people.

    >>> _setting(["a", "b"]), _setting({"x": 1}), _setting(1200), _setting(None)
    ('a, b', 'x 1', '1,200', 'none')
    """
    if isinstance(value, dict):
        return "; ".join(f"{name} {_setting(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value)
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _numbers(value: object) -> dict[str, int]:
    """Return counts by name, largest first; what is not a count is left out, for a manifest may come from elsewhere.

    >>> _numbers({"a": 1, "b": 2, "c": "x"}), _numbers(None)
    ({'b': 2, 'a': 1}, {})
    """
    counts = {str(name): n for name, n in value.items() if isinstance(n, int)} if isinstance(value, dict) else {}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _number(value: object) -> str:
    """Write a count with commas; nothing for a value that is not a count.

    >>> _number(1200), _number(None)
    ('1,200', '')
    """
    return f"{value:,}" if isinstance(value, int) else ""


def _percent(part: int, whole: int) -> str:
    """Write a share for people.

    >>> _percent(1, 3), _percent(0, 0)
    ('33.3 %', '0.0 %')
    """
    return f"{100 * part / max(1, whole):.1f} %"


def _size(size_bytes: int) -> str:
    """Write a size for people.

    >>> _size(950), _size(2_345_678), _size(12_000_000_000)
    ('950 bytes', '2.3 MB', '12.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:,.1f} {name}"
    return f"{size_bytes} bytes"
