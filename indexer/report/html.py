"""An index report as HTML: for one file of its own, and for the inspector's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.report.info import describe
from indexer.report.measures import IndexReport, Lengths, measure_index
from schemas.display import (
    Html,
    bar_figure,
    check_place,
    facts,
    figure,
    histogram_figure,
    link,
    part,
    section,
    table,
    to_page,
    write_page,
)
from schemas.manifest import Manifest
from schemas.records import FATES

__all__ = ["report_parts", "report_to_page", "write_report"]

_TEMPLATES = 25
_PICTURES = (("embedded", "source"), ("missing", "reason"), ("broken", "reason"), ("broken", "source"))


def report_to_page(report: IndexReport) -> str:
    """Return the report as a page that is one file."""
    return to_page(f"Index {report.folder.resolve().name}", *report_parts(report))


def write_report(folder: Path, manifest: Manifest, path: Path) -> None:
    """Measure an index and write its report; the place is looked at first.

    Raises:
        UsageError: the file is a folder or no report, or its folder is not there.
        StoreError: it cannot be written, or the index cannot be read.
    """
    check_place(path)
    write_page(path, report_to_page(measure_index(folder, manifest)))


def report_parts(report: IndexReport) -> list[Html]:
    """Return the sections of the report."""
    manifest = report.manifest
    parts = [_summary(report), _fates(report), _lengths_section(report), _pictures(manifest.counters)]
    parts += [_rejects(report), _templates(manifest.counters), _indexes(report), _sizes(report), _origin(report)]
    return [found for found in parts if found]


def _summary(report: IndexReport) -> Html:
    manifest, counters = report.manifest, report.manifest.counters
    days = ", ".join(sorted({file.dump_date or "an unknown day" for file in manifest.inputs}))
    about = {
        "Built": f"{manifest.created}, from a dump of {days}",
        "Pages read": _number(manifest.pages_read),
        "Articles kept": _number(manifest.counts.get("kept")),
        "Paragraphs": _number(report.paragraphs.rows),
        "Sentences": _number(report.sentences.rows),
        "Links": _number(counters.get("links")),
        "Pictures in the index": _number((manifest.image_index or {}).get("vectors", 0)),
        "Size": _size(sum(shard.size_bytes for shard in manifest.shards)),
    }
    lost = Html("")
    if manifest.is_partial:
        losses = counters.get("losses", 0)
        told = f"Partial: input was lost at {losses} place{'s' * (losses != 1)}; the rejects below say where."
        lost = part("p", told, class_="error")
    return part("div", lost, part("div", facts(about), class_="card"), class_="stack")


def _fates(report: IndexReport) -> Html:
    read = max(1, report.manifest.pages_read)
    known = report.manifest.counts
    counts = {fate.replace("_", " "): known[fate] for fate in FATES if fate in known}
    rows = [[name, _number(number), f"{100 * number / read:.1f} %"] for name, number in counts.items()]
    shown = table("What became of the pages that were read", ["fate", "pages", "share"], rows)
    drawn = _bars("Pages by fate", counts, "pages")
    return section("Pages", part("div", drawn, part("div", shown, class_="card"), class_="grid"))


def _lengths_section(report: IndexReport) -> Html:
    drawn = [
        _lengths(report.sentences, "sentence", "sentences"),
        _lengths(report.paragraphs, "paragraph", "paragraphs"),
    ]
    return section("How long the texts are", part("div", *drawn, class_="grid")) if any(drawn) else Html("")


def _lengths(lengths: Lengths, one: str, many: str) -> Html:
    if not lengths.read:
        return Html("")
    title = f"Words of a {one}"
    drawing = histogram_figure(
        title, lengths.edges, lengths.counts, x_label=f"words of a {one}", y_label=many, is_open=True
    )
    told = (
        f"Mean {lengths.mean:.1f} words, half have at most {lengths.median:,}, 95 % at most {lengths.p95:,}, "
        f"the longest {lengths.longest:,}."
    )
    if lengths.read < lengths.rows:
        share = 100 * lengths.read / lengths.rows
        told += f" From {lengths.read:,} of {lengths.rows:,} {many} ({share:.1f} %), spread over all of them."
    return part("div", figure(title, drawing), part("p", told, class_="muted"), class_="stack")


def _pictures(counters: dict[str, Any]) -> Html:
    files = _numbers(counters.get("images"))
    if "files" not in files:
        return Html("")
    whole = {name: number for name, number in files.items() if name in ("embedded", "missing", "broken")}
    cards = [_bars("Files of pictures by fate", whole, "files")]
    for what, by in _PICTURES:
        counts = _numbers(counters.get(f"images_{what}_by_{by}"))
        rows = [[name, _number(number)] for name, number in counts.items()]
        shown = table(f"Pictures {what}, by {by}", [by, "files"], rows)
        cards.append(part("div", shown, class_="card") if shown else Html(""))
    told = f"{_number(files.get('uses'))} uses in articles, {_number(files['files'])} distinct files."
    return section("Pictures", part("p", told, class_="muted"), part("div", *filter(None, cards), class_="grid"))


def _rejects(report: IndexReport) -> Html:
    if not report.rejects:
        return section("Rejects", part("p", "Nothing was dropped as unreadable.", class_="muted"))
    drawn = _bars("Rejects by reason", {row.reason: row.number for row in report.rejects}, "rejects")
    nothing = {"stage": "", "id": "", "detail": "no example among the rows that were read"}
    rows = [
        [
            reason.reason if place == 0 else part("span", reason.reason, class_="muted"),
            example["stage"],
            link(example.get("file_page", ""), example["id"]),
            example["detail"],
            _number(reason.number) if place == 0 else "",
        ]
        for reason in report.rejects
        for place, example in enumerate(reason.examples or (nothing,))
    ]
    shown = table("Examples of each reason", ["reason", "stage", "id", "detail", "in all"], rows, words=4)
    told = "All of them: mie-index info INDEX --rejects STAGE (dump, article or image)."
    return section("Rejects", drawn, part("div", shown, class_="card"), part("p", told, class_="muted"))


def _templates(counters: dict[str, Any]) -> Html:
    counts = _numbers(counters.get("dropped_templates"))
    if not counts:
        return Html("")
    told = (
        f"{_number(counters.get('dropped_templates_sum'))} uses of {_number(counters.get('dropped_templates_names'))} "
        "templates that are not known were left out of the text."
    )
    most = dict(list(counts.items())[:_TEMPLATES])
    parts = [part("p", told), _bars("Unknown templates, most used first", most, "uses")]
    return section("Templates dropped", *parts)


def _indexes(report: IndexReport) -> Html:
    text, image = report.manifest.text_index, report.manifest.image_index
    cards = [_card("Text: BM25", _plain(text)), _card("Pictures: Faiss", _plain(image))]
    recall = (image or {}).get("recall_at_10")
    if isinstance(recall, int | float):
        told = f"Of the ten nearest pictures, the index finds {100 * recall:.1f} % (measured when it was built)."
        cards.append(part("div", part("h3", "Recall at build"), part("p", told), class_="card stack"))
    if image is None:
        cards.append(part("p", "No index of pictures: built without --images, or none was found.", class_="muted"))
    return section("Indexes", part("div", *filter(None, cards), class_="grid"))


def _sizes(report: IndexReport) -> Html:
    about = describe(report.manifest)
    total = max(1, about["total_bytes"])
    rows = [
        [name, _number(about["rows"][name] or None), _size(size), f"{100 * size / total:.1f} %"]
        for name, size in sorted(about["size_bytes"].items(), key=lambda item: -item[1])
    ]
    return section(
        "Sizes", part("div", table("Tables and indexes", ["part", "rows", "bytes", "share"], rows), class_="card")
    )


def _origin(report: IndexReport) -> Html:
    manifest = report.manifest
    inputs = [
        [Path(file.path).name, file.dump_date or "unknown", part("code", file.sha256[:16]), _size(file.size_bytes)]
        for file in manifest.inputs
    ]
    shown = table("Files that were read", ["file", "dump of", "sha256 begins", "size"], inputs, words=3)
    versions = facts(dict(sorted(manifest.versions.items())))
    settings = facts({name: _told(value) for name, value in sorted(manifest.config.items())})
    unfolded = [
        part("details", part("summary", name), content, class_="card")
        for name, content in (("Settings of the build", settings), ("Versions", versions))
        if content
    ]
    told = part("p", "Fingerprint ", part("code", manifest.fingerprint), class_="muted")
    return section("Where it comes from", part("div", shown, class_="card") if shown else "", *unfolded, told)


def _bars(title: str, counts: dict[str, int], unit: str) -> Html:
    """Draw counts; one alone is told by its table."""
    if len(counts) < 2 or not any(counts.values()):
        return Html("")
    return figure(title, bar_figure(title, {"": dict(counts)}, x_label=unit))


def _card(heading: str, pairs: dict[str, object]) -> Html:
    return part("div", part("h3", heading), facts(pairs), class_="card stack") if pairs else Html("")


def _plain(values: dict[str, Any] | None) -> dict[str, object]:
    return {name.replace("_", " "): _told(value) for name, value in (values or {}).items() if value is not None}


def _told(value: object) -> str:
    """Write a setting for people.

    >>> _told(["a", "b"]), _told({"x": 1}), _told(1200), _told(None)
    ('a, b', 'x 1', '1,200', 'none')
    """
    if isinstance(value, dict):
        return "; ".join(f"{name} {_told(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_told(item) for item in value)
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _numbers(value: object) -> dict[str, int]:
    """Return counts by name, largest first.

    >>> _numbers({"a": 1, "b": 2, "c": "x"}), _numbers(None)
    ({'b': 2, 'a': 1}, {})
    """
    found = {str(name): n for name, n in value.items() if isinstance(n, int)} if isinstance(value, dict) else {}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _size(size_bytes: int) -> str:
    """Write a size for people.

    >>> _size(950), _size(2_345_678), _size(12_000_000_000)
    ('950 bytes', '2.3 MB', '12.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:,.1f} {name}"
    return f"{size_bytes} bytes"
