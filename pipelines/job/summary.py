"""The summary of a finished build: one JSON object for programs, a table for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.storage import RemoteFile
from schemas.manifest import Manifest

__all__ = ["print_summary", "to_summary"]

_TOP_TEMPLATES = 8
"""Templates in the table; the manifest has more."""


def to_summary(
    output: Path | RemoteFile, manifest: Manifest, seconds: dict[str, float], *, is_new: bool
) -> dict[str, Any]:
    """Return the totals of a build in values of JSON.

    Args:
        output: the index folder.
        manifest: of the index.
        seconds: of this run, by stage.
        is_new: False if the index was there already.
    """
    return {
        "status": "built" if is_new else "up_to_date",
        "output": str(output),
        "is_partial": manifest.is_partial,
        "wiki": manifest.config.get("wiki", ""),
        "notes": _notes_on(manifest),
        "pages_read": manifest.pages_read,
        "counts": manifest.counts,
        "counters": manifest.counters,
        "text_index": manifest.text_index,
        "image_index": manifest.image_index,
        "size_bytes": sum(shard.size_bytes for shard in manifest.shards),
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def _notes_on(manifest: Manifest) -> list[str]:
    """Return what a reader of the numbers should know about the dump."""
    notes = []
    if manifest.config.get("is_wiki_assumed"):
        notes.append("the dump does not say which wiki it is of: it was read as English Wikipedia")
    elif manifest.config.get("wiki", "enwiki") not in ("enwiki", "simplewiki"):
        notes.append(f"{manifest.config['wiki']} is not English Wikipedia: its own templates are lost")
    older = manifest.counters.get("older_revisions", 0)
    if older:
        notes.append(f"the dump holds histories: {older:,} older revisions were left out, the newest of a page counts")
    return notes


def print_summary(summary: dict[str, Any]) -> None:
    """Print the totals of a build as a table on stdout."""
    from rich.console import Console
    from rich.table import Table

    counters = summary["counters"]
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("pages read", f"{summary['pages_read']:,}")
    for fate, number in summary["counts"].items():
        table.add_row(f"  {fate.replace('_', ' ')}", f"{number:,}")
    for name in ("paragraphs", "sentences", "links"):
        table.add_row(name, f"{counters[name]:,}")
    for name, number in counters["images"].items():
        table.add_row(f"image {name}", f"{number:,}")
        for kind in ("source", "reason"):
            for part, part_number in counters.get(f"images_{name}_by_{kind}", {}).items():
                table.add_row(f"  {name}: {part}", f"{part_number:,}")
    for reason, number in counters["rejects"].items():
        table.add_row(f"rejected: {reason}", f"{number:,}")
    for name, number in list(counters["dropped_templates"].items())[:_TOP_TEMPLATES]:
        table.add_row(f"template dropped: {name}", f"{number:,}")
    for name, value in summary["seconds"].items():
        table.add_row(f"stage {name}", f"{value:,.1f}", "s")
    table.add_row("size", f"{summary['size_bytes'] / 1e6:,.1f}", "MB")
    console.print(table)
    for line in _closing_lines(summary):
        console.print(line, markup=False)


def _closing_lines(summary: dict[str, Any]) -> list[str]:
    lines = list(summary["notes"])
    if summary["is_partial"]:
        lines.append(f"PARTIAL: input was lost at {summary['counters']['losses']} places; see the rejects table")
    if summary["image_index"] is None:
        images = summary["counters"]["images"]
        why = "none of the articles' images was found" if "files" in images else "no --images were given"
        lines.append(f"no image index: {why}")
    verb = "is up to date: nothing was done" if summary["status"] == "up_to_date" else "is built"
    return [*lines, f"the index {summary['output']} {verb}"]
