"""What an index report tells beyond the manifest: lengths of sentences and paragraphs, and examples of rejects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import IndexCorrupt
from schemas.manifest import Manifest
from schemas.titles import file_page_url

__all__ = ["IndexReport", "Lengths", "RejectReason", "measure_index", "report_to_json"]

SENTENCE_BINS = tuple(range(0, 65, 4))
PARAGRAPH_BINS = tuple(range(0, 425, 25))
_ROWS = 200_000
"""Rows of a table that are read, in whole row groups spread over all of it: two seconds, whatever the index."""
_EXAMPLES = 3
_DETAIL_CHARS = 200
_REMEDY = "mie-index verify says what is damaged"


@dataclass(frozen=True)
class Lengths:
    """Words of the texts of a table, from the rows that were read.

    Args:
        edges: of the bins, in words; the last bin holds all that is longer, too.
        counts: texts in each bin.
        read: rows that were read.
        rows: rows of the table.
        mean, median, p95: of words; the last two are upper bounds by the value that splits the rows.
        longest: words of the longest text read.
    """

    edges: tuple[int, ...]
    counts: tuple[int, ...]
    read: int
    rows: int
    mean: float
    median: int
    p95: int
    longest: int


@dataclass(frozen=True)
class RejectReason:
    """How many things were dropped for a reason, and the first few found: stage, id, detail; file_page of images."""

    reason: str
    number: int
    examples: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class IndexReport:
    """An index folder measured."""

    folder: Path
    manifest: Manifest
    sentences: Lengths
    paragraphs: Lengths
    rejects: tuple[RejectReason, ...]


def measure_index(folder: Path, manifest: Manifest, rows: int = _ROWS) -> IndexReport:
    """Read what the report needs from the tables; memory is that of a row group.

    Args:
        folder: the index.
        manifest: of it.
        rows: of each table that are read at most, but for the end of a row group.

    Raises:
        IndexCorrupt: a table cannot be read, or the manifest's counts are none.
    """
    return IndexReport(
        folder,
        manifest,
        _lengths(folder, manifest, "sentences", SENTENCE_BINS, rows),
        _lengths(folder, manifest, "paragraphs", PARAGRAPH_BINS, rows),
        _rejects(folder, manifest, rows),
    )


def report_to_json(report: IndexReport) -> dict[str, Any]:
    """Return what was measured as JSON values; the manifest is `mie-index info --json`."""
    return {
        "words": {"sentences": asdict(report.sentences), "paragraphs": asdict(report.paragraphs)},
        "rejects": [asdict(reason) for reason in report.rejects],
    }


def _lengths(folder: Path, manifest: Manifest, name: str, edges: Sequence[int], limit: int) -> Lengths:
    words: dict[int, int] = {}
    for rows in _rows(folder, manifest, name, ["text"], limit):
        pieces = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(rows["text"]))
        for row in pc.value_counts(pc.list_value_length(pieces)).to_pylist():
            words[row["values"]] = words.get(row["values"], 0) + row["counts"]
    counts = [0] * (len(edges) - 1)
    for length, number in words.items():
        place = sum(length >= edge for edge in edges[1:-1])
        counts[place] += number
    read = sum(words.values())
    return Lengths(
        edges=tuple(edges),
        counts=tuple(counts),
        read=read,
        rows=sum(shard.rows or 0 for shard in manifest.shards if shard.table == name),
        mean=sum(length * number for length, number in words.items()) / read if read else 0.0,
        median=_quantile(words, 0.5),
        p95=_quantile(words, 0.95),
        longest=max(words, default=0),
    )


def _quantile(numbers: dict[int, int], share: float) -> int:
    """Return the smallest value that at least this share of the values does not exceed; 0 if there are none.

    >>> _quantile({1: 5, 7: 4, 9: 1}, 0.5), _quantile({1: 5, 7: 4, 9: 1}, 0.95), _quantile({}, 0.5)
    (1, 9, 0)
    """
    wanted, seen = share * sum(numbers.values()), 0
    for value in sorted(numbers):
        seen += numbers[value]
        if seen >= wanted:
            return value
    return 0


def _rejects(folder: Path, manifest: Manifest, limit: int) -> tuple[RejectReason, ...]:
    counted = manifest.counters.get("rejects", {})
    if not isinstance(counted, dict) or not all(isinstance(number, int) for number in counted.values()):
        raise IndexCorrupt("the counts of rejects are none", path=folder, place="manifest.json", remedy=_REMEDY)
    found: dict[str, list[dict[str, str]]] = {reason: [] for reason in counted}
    for rows in _rows(folder, manifest, "rejects", ["stage", "id", "reason", "detail"], limit) if counted else ():
        for reason in pc.unique(rows["reason"]).to_pylist():
            wanted = _EXAMPLES - len(found.setdefault(reason, []))
            for row in rows.filter(pc.equal(rows["reason"], reason)).slice(0, wanted).to_pylist():
                found[reason].append(_example(row))
    reasons = [RejectReason(reason, counted.get(reason, 0), tuple(rows)) for reason, rows in found.items()]
    return tuple(sorted(reasons, key=lambda row: (-row.number, row.reason)))


def _example(row: dict[str, str]) -> dict[str, str]:
    page = {"file_page": file_page_url(row["id"])} if row["stage"] == "image" else {}
    return {"stage": row["stage"], "id": row["id"][:_DETAIL_CHARS], "detail": row["detail"][:_DETAIL_CHARS], **page}


def _rows(folder: Path, manifest: Manifest, name: str, columns: list[str], limit: int) -> Iterator[pa.Table]:
    """Return columns of a table by row groups: all of them, or as many as hold limit rows, evenly spread."""
    paths = [folder / shard.path for shard in manifest.shards if shard.table == name]
    try:
        sizes = [(path, group, rows) for path in paths for group, rows in _groups(path)]
        total = sum(rows for _, _, rows in sizes)
        step = max(1, -(-total // limit))
        for path, group, _ in sizes[::step]:
            with pq.ParquetFile(path) as file:
                yield file.read_row_group(group, columns)
    except (OSError, pa.ArrowException) as error:
        raise IndexCorrupt(f"cannot be read ({error})", path=folder, place=name, remedy=_REMEDY) from error


def _groups(path: Path) -> Iterator[tuple[int, int]]:
    about = pq.read_metadata(path)
    return ((group, about.row_group(group).num_rows) for group in range(about.num_row_groups))
