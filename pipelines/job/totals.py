"""The totals of a build: pages by fate, rejects by reason, other counters; from the tables and stage results."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.stages import IMAGE_OUTCOMES, EmbedResult, FinishResult, ParseResult
from pipelines.storage import Work
from schemas.errors import InputError, MieError
from schemas.records import FATES

__all__ = [
    "TOP_TEMPLATES",
    "Totals",
    "count_all",
    "count_fates",
    "count_rejects",
    "no_sentences",
    "sum_counts",
    "top_templates",
]

TOP_TEMPLATES = 1_000
"""Names of dropped templates in the manifest, most frequent first; the sum beside them is of all."""


@dataclass(frozen=True)
class Totals:
    """What was counted.

    Args:
        pages_read: pages, rejected ones too.
        fates: pages by fate.
        losses: places where input is lost.
        counters: everything else, for the manifest.
    """

    pages_read: int
    fates: dict[str, int]
    losses: int
    counters: dict[str, Any]


def count_all(work: Work) -> Totals:
    """Count a build whose stages are done.

    Raises:
        MieError: the fates do not sum to the pages read, or the images do not sum.
    """
    # Counts of rows come from the tables, so that they are true of what was written; the stages' results add what no
    # table has.
    parsed, finished, embedded = (
        list(ParseResult.read_all(work).values()),
        list(FinishResult.read_all(work).values()),
        list(EmbedResult.read_all(work).values()),
    )
    pages_read = sum(result.pages for result in parsed)
    fates, repeated_titles = count_fates(work.ready_files("pages"), pages_read)
    rows = {table: work.ready_rows(table) for table in ("sentences", "paragraphs", "images")}
    losses = sum(len(result.losses) for result in parsed)
    counters: dict[str, Any] = {
        **sum_counts(result.counters for result in parsed),
        "sentences": rows["sentences"],
        "paragraphs": rows["paragraphs"],
        "wikitext_bytes": sum(result.text_bytes for result in parsed),
        "links": sum(result.links for result in finished),
        "links_through_redirects": sum(result.links_through_redirects for result in finished),
        "duplicate_titles": repeated_titles,
        "losses": losses,
        "taken_over": {
            "pages": sum(result.pages_taken_over for result in parsed),
            "vectors": sum(result.taken_over for result in embedded),
        },
        **_count_images(embedded, uses=rows["images"]),
        "rejects": count_rejects(work.ready_files("rejects")),
        **_count_templates(parsed),
    }
    return Totals(pages_read, fates, losses, counters)


def _count_templates(parsed: Sequence[ParseResult]) -> dict[str, Any]:
    """Return the counters of templates that show nothing, or only an argument, with an example of each in prose."""
    dropped = sum_counts(result.dropped_templates for result in parsed)
    in_prose = sum_counts(result.dropped_in_prose for result in parsed)
    by_argument = sum_counts(result.shown_by_argument for result in parsed)
    known = {name: number for name, number in in_prose.items() if name not in dropped}
    unknown = {name: number for name, number in in_prose.items() if name in dropped}
    listed = {
        "dropped_templates": top_templates(dropped),
        "dropped_known_in_prose": top_templates(known),
        "dropped_unknown_in_prose": top_templates(unknown),
        "shown_by_argument": top_templates(by_argument),
    }
    examples = {name: text for result in reversed(parsed) for name, text in result.examples.items()}
    names = {name for counts in list(listed.values())[1:] for name in counts}
    return {
        **listed,
        "dropped_templates_sum": sum(dropped.values()),
        "dropped_templates_names": len(dropped),
        "dropped_in_prose": {"known": sum(known.values()), "unknown": sum(unknown.values())},
        "shown_by_argument_sum": sum(by_argument.values()),
        "template_examples": {name: examples[name] for name in sorted(names) if name in examples},
    }


def _count_images(embedded: Sequence[EmbedResult], uses: int) -> dict[str, dict[str, int]]:
    """Return the counters of images: how many became what, and by source and reason where there is an image index.

    Args:
        embedded: results of the embed stage; empty: the build has no images.
        uses: of files by articles.
    """
    if not embedded:
        return {"images": {"uses": uses}}
    images = sum_counts(result.images.to_json() for result in embedded)
    outcomes = {name: sum_counts(result.outcomes[name] for result in embedded) for name in IMAGE_OUTCOMES}
    wrong = [name for name, parts in outcomes.items() if sum(parts.values()) != images[name.split("_")[1]]]
    if images["files"] != images["embedded"] + images["missing"] + images["broken"] or wrong:
        raise MieError(f"the images {images} and {outcomes} do not sum", remedy="report this")
    return {"images": {"uses": uses, **images}, **outcomes}


def count_fates(page_files: Iterable[Path], pages_read: int) -> tuple[dict[str, int], int]:
    """Count pages by fate, from the rows of the pages tables.

    Args:
        page_files: the pages tables.
        pages_read: number of pages that the reader counted.

    Returns:
        Pages by fate, with every fate; and the number of kept pages whose title an earlier kept page has.

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
    """Return 64 bits for a title: millions of titles take 8 bytes each, and two that collide are all but impossible."""
    return int.from_bytes(hashlib.blake2b(title.encode("utf-8"), digest_size=8).digest(), "big")


def no_sentences(work: Work, dump: str | PathLike[str], *, is_limited: bool) -> InputError:
    """Return the error of a build without a sentence: it says what became of the pages.

    Args:
        work: the build; its finish stage is done.
        dump: the first input.
        is_limited: only the first pages were read.
    """
    pages = sum(result.pages for result in ParseResult.read_all(work).values())
    fates, _ = count_fates(work.ready_files("pages"), pages)
    rejects = count_rejects(work.ready_files("rejects"))
    parts = [f"{number:,} {fate.replace('_', ' ')}" for fate, number in fates.items() if number]
    parts += [f"rejected as {reason}: {number:,}" for reason, number in rejects.items()]
    remedy = "give a dump with the articles' texts: pages-articles"
    return InputError(
        f"there is nothing to index: none of the {pages:,} pages gave a sentence ({', '.join(parts) or 'no page'})",
        path=dump,
        remedy="raise --limit-pages: dumps begin with redirects" if is_limited else remedy,
    )


def count_rejects(reject_files: Iterable[Path]) -> dict[str, int]:
    """Count rejects by reason, most frequent first."""
    counts: Counter[str] = Counter()
    for path in reject_files:
        counts.update(pq.read_table(path, columns=["reason"]).column("reason").to_pylist())
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by name.

    >>> sum_counts([{"a": 1}, {"a": 2, "b": 1}])
    {'a': 3, 'b': 1}
    """
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(sorted(total.items()))


def top_templates(dropped: Mapping[str, int], most: int = TOP_TEMPLATES) -> dict[str, int]:
    """Return the names of the templates that were dropped most often.

    >>> top_templates({"a": 1, "b": 3, "c": 3}, 2)
    {'b': 3, 'c': 3}
    """
    return dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))[:most])
