"""The redirect table: title -> target of every redirect, in buckets on disk, and where many titles lead at once."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.storage import open_writer, part_name

__all__ = ["BUCKET_TITLES", "MAX_CHAIN", "RedirectTable", "bucket_of", "write_redirects"]

BUCKET_TITLES = 250_000
"""Titles of a bucket (about 30 MB in memory). A worker holds one bucket at a time, however many redirects there are."""

MAX_CHAIN = 5
"""Redirects that are followed one after the other. MediaWiki follows one; bots shorten the chains that arise."""

_SCHEMA = pa.schema([pa.field("title", pa.string()), pa.field("target", pa.string())])


def bucket_of(title: str, buckets: int) -> int:
    """Return the bucket of a title.

    >>> bucket_of("Chai", 1)
    0
    """
    # Not hash(): each process has another one.
    return zlib.crc32(title.encode("utf-8", "replace")) % buckets


def write_redirects(page_files: Mapping[Path, Collection[int]], folder: Path) -> int:
    """Write the redirects of the pages tables as buckets, reading a row group at a time.

    Args:
        page_files: pages tables, each with the page ids to leave out because an earlier table has them already.
        folder: where the buckets are written; files that are there are replaced.

    Returns:
        The number of redirects.
    """
    # The tables are read twice, once to choose the number of buckets: to hold the millions of redirects of
    # enwiki in between would take gigabytes.
    buckets = max(1, -(-sum(_redirects_in(file) for file in page_files) // BUCKET_TITLES))
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(open_writer(folder / part_name(at), _SCHEMA)) for at in range(buckets)]
        for file, repeated in page_files.items():
            for rows in _redirect_rows(file, repeated):
                total += rows.num_rows
                numbers = [bucket_of(title, buckets) for title in rows.column("title").to_pylist()]
                bucket_of_row = pa.array(numbers, pa.int32())
                for at, writer in enumerate(writers):
                    part = rows.filter(pc.equal(bucket_of_row, at))
                    if part.num_rows:
                        writer.write_table(part)
    return total


def _redirects_in(file: Path) -> int:
    return sum(rows.num_rows for rows in _redirect_rows(file))


def _redirect_rows(file: Path, repeated: Collection[int] = ()) -> Iterable[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(50_000, columns=["page_id", "title", "redirect_target", "fate"]):
            rows = pa.Table.from_batches([batch])
            rows = rows.filter(pc.equal(rows.column("fate"), "redirect"))
            if repeated:
                is_repeated = pc.is_in(rows.column("page_id"), value_set=pa.array(sorted(repeated), pa.int64()))
                rows = rows.filter(pc.invert(is_repeated))
            if rows.num_rows:
                yield pa.Table.from_arrays([rows.column("title"), rows.column("redirect_target")], schema=_SCHEMA)


class RedirectTable:
    """Finds the titles to which redirects lead.

    Args:
        folder: the buckets that `write_redirects` wrote.
    """

    def __init__(self, folder: Path) -> None:
        self._buckets = sorted(folder.glob("*.parquet"))

    def resolve(self, titles: pa.Array) -> dict[str, str]:
        """Follow redirects from many titles at once.

        Args:
            titles: distinct titles.

        Returns:
            Title -> last target, for those titles that are redirects. A chain that runs in a circle or is longer
            than MAX_CHAIN leads nowhere: its titles are left out. Of two redirects with one title the first counts.
        """
        # All titles take a step together, so that each bucket is read once a step and not once a title.
        found = self._step(titles)
        leads = dict(found)
        for _ in range(MAX_CHAIN - 1):
            found = self._step(pa.array(sorted(set(found.values())), pa.string())) if found else {}
            if not found:
                break
            leads.update((title, found[target]) for title, target in leads.items() if target in found)
        # A target that is still a redirect is in a circle, or in a chain that is too long.
        unfinished = self._step(pa.array(sorted(set(found.values())), pa.string())) if found else {}
        return {title: target for title, target in leads.items() if target not in unfinished and target != title}

    def _step(self, titles: pa.Array) -> dict[str, str]:
        """Follow one redirect from each of the titles, with one bucket in memory at a time."""
        numbers = [bucket_of(title, len(self._buckets)) for title in titles.to_pylist()]
        bucket_of_title = pa.array(numbers, pa.int32())
        leads: dict[str, str] = {}
        for at, path in enumerate(self._buckets):
            here = titles.filter(pc.equal(bucket_of_title, at))
            if not len(here):
                continue
            bucket = pq.read_table(path)
            # The place of each title in the bucket, the first if it is there twice; None if the title is no redirect.
            rows = pc.index_in(here, value_set=bucket.column("title").combine_chunks())
            is_found = rows.is_valid()
            targets = bucket.column("target").take(rows.filter(is_found))
            leads.update(zip(here.filter(is_found).to_pylist(), targets.to_pylist(), strict=True))
        return leads
