"""What a report reads from the tables: lengths of sentences and paragraphs, and examples of rejects."""

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
"""Edges of the histograms, in words."""
_MAX_ROWS = 200_000
"""Rows that are read of each table, so that the report of any index takes about two seconds."""
_EXAMPLES = 3
_DETAIL_CHARS = 200
_REMEDY = "mie-index verify says what is damaged"


@dataclass(frozen=True)
class Lengths:
    """How many words the texts of a table have, by the rows that were read.

    Args:
        edges: of the bins, in words; the last bin also holds all longer texts.
        counts: texts in each bin.
        read: number of rows that were read.
        rows: number of rows in the table.
        mean: words of a text.
        median: the smallest number of words that half of the texts do not exceed.
        p95: the same for 95 % of the texts.
        longest: words of the longest text that was read.
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
    """How many rejects have a reason, and the first of them.

    Args:
        reason: a short code.
        number: of rejects.
        examples: stage, id and detail; an image also has file_page, the address of its page.
    """

    reason: str
    number: int
    examples: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class IndexReport:
    """The manifest of an index folder, and what was measured in its tables."""

    folder: Path
    manifest: Manifest
    sentences: Lengths
    paragraphs: Lengths
    rejects: tuple[RejectReason, ...]


def measure_index(folder: Path, manifest: Manifest, max_rows: int = _MAX_ROWS) -> IndexReport:
    """Read what the report needs from the tables; memory is that of a row group.

    Args:
        folder: of the index.
        manifest: of that folder.
        max_rows: about how many rows are read of each table: whole row groups, evenly spread over the table.

    Raises:
        IndexCorrupt: a table cannot be read, or the counts in the manifest are not numbers.
    """
    return IndexReport(
        folder,
        manifest,
        _lengths(folder, manifest, "sentences", SENTENCE_BINS, max_rows),
        _lengths(folder, manifest, "paragraphs", PARAGRAPH_BINS, max_rows),
        _rejects(folder, manifest, max_rows),
    )


def report_to_json(report: IndexReport) -> dict[str, Any]:
    """Return what was measured as JSON values, without the manifest: `mie-index info --json` prints that."""
    return {
        "words": {"sentences": asdict(report.sentences), "paragraphs": asdict(report.paragraphs)},
        "rejects": [asdict(reason) for reason in report.rejects],
    }


def _lengths(folder: Path, manifest: Manifest, name: str, edges: Sequence[int], limit: int) -> Lengths:
    """Count the words of the texts of a table."""
    words: dict[int, int] = {}  # number of texts by number of words
    for rows in _rows(folder, manifest, name, ["text"], limit):
        pieces = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(rows["text"]))
        for row in pc.value_counts(pc.list_value_length(pieces)).to_pylist():
            words[row["values"]] = words.get(row["values"], 0) + row["counts"]
    counts = [0] * (len(edges) - 1)
    for length, number in words.items():
        counts[sum(length >= edge for edge in edges[1:-1])] += number
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
    """Return the smallest value that a share of the values does not exceed; 0 if there are no values.

    Args:
        numbers: how often each value occurs.
        share: in [0, 1].

    >>> _quantile({1: 5, 7: 4, 9: 1}, 0.5), _quantile({1: 5, 7: 4, 9: 1}, 0.95), _quantile({}, 0.5)
    (1, 9, 0)
    """
    enough, seen = share * sum(numbers.values()), 0
    for value in sorted(numbers):
        seen += numbers[value]
        if seen >= enough:
            return value
    return 0


def _rejects(folder: Path, manifest: Manifest, limit: int) -> tuple[RejectReason, ...]:
    """Return the reasons, most frequent first: numbers from the manifest, examples from the rows that are read."""
    counted = manifest.counters.get("rejects", {})
    if not isinstance(counted, dict) or not all(isinstance(number, int) for number in counted.values()):
        raise IndexCorrupt("the counts of rejects are none", path=folder, place="manifest.json", remedy=_REMEDY)
    # A reason may have a number and no example, if none of its rows was among those that are read.
    found: dict[str, list[dict[str, str]]] = {reason: [] for reason in counted}
    for rows in _rows(folder, manifest, "rejects", ["stage", "id", "reason", "detail"], limit) if counted else ():
        for reason in pc.unique(rows["reason"]).to_pylist():
            missing = _EXAMPLES - len(found.setdefault(reason, []))
            for row in rows.filter(pc.equal(rows["reason"], reason)).slice(0, missing).to_pylist():
                found[reason].append(_example(row))
    reasons = [RejectReason(reason, counted.get(reason, 0), tuple(rows)) for reason, rows in found.items()]
    return tuple(sorted(reasons, key=lambda row: (-row.number, row.reason)))


def _example(row: dict[str, str]) -> dict[str, str]:
    page = {"file_page": file_page_url(row["id"])} if row["stage"] == "image" else {}
    return {"stage": row["stage"], "id": row["id"][:_DETAIL_CHARS], "detail": row["detail"][:_DETAIL_CHARS], **page}


def _rows(folder: Path, manifest: Manifest, name: str, columns: list[str], limit: int) -> Iterator[pa.Table]:
    """Read columns of a table by row groups: every n-th group, with n such that about `limit` rows are read."""
    paths = [folder / shard.path for shard in manifest.shards if shard.table == name]
    try:
        # The footers of the files have the sizes of the row groups: nothing else is read to choose among them.
        sizes = [(path, group, rows) for path in paths for group, rows in _groups(path)]
        total = sum(rows for _, _, rows in sizes)
        step = max(1, -(-total // limit))  # rounded up
        for path, group, _ in sizes[::step]:
            with pq.ParquetFile(path) as file:
                yield file.read_row_group(group, columns)
    except (OSError, pa.ArrowException) as error:
        raise IndexCorrupt(f"cannot be read ({error})", path=folder, place=name, remedy=_REMEDY) from error


def _groups(path: Path) -> Iterator[tuple[int, int]]:
    """Return (number, rows) of each row group of a file."""
    about = pq.read_metadata(path)
    return ((group, about.row_group(group).num_rows) for group in range(about.num_row_groups))
