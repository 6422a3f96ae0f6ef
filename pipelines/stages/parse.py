"""The parse stage: the pages of a shard's streams become its tables, in one pass and bounded memory. No Beam here.

Its pure step is `article_rows.parse_page`, wikitext to rows; `beam.ParseShards` runs `parse_shard` in the workers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.dump import (
    LOSS_REASONS,
    UNREADABLE,
    Page,
    ReadLimits,
    RevisionKey,
    RevisionRanks,
    Stream,
    check_dump,
    read_pages,
)
from pipelines.sandbox import GuardedFunction
from pipelines.stages.article_rows import ParsedArticle
from pipelines.stages.articles import PageOutcome, page_outcomes
from pipelines.stages.earlier import EarlierArticle, EarlierIndex
from pipelines.stages.results import Loss, ParseResult
from pipelines.storage import ShardWriter, Work
from schemas.errors import InputError
from schemas.records import Count, Ledger, Reject
from schemas.tables import OPTIONAL_TABLES, TABLES

__all__ = ["parse_shard"]

_OF_ARTICLES = ("sentences", "paragraphs", "images", "facts")
_BEAT_S = 0.5
"""Seconds between two reports of progress; each is a small file."""


def parse_shard(
    shard: int,
    streams: Sequence[Stream],
    work: Work,
    guard: GuardedFunction[Page, ParsedArticle],
    limits: ReadLimits,
    limit_pages: int | None = None,
    earlier: EarlierIndex | None = None,
    with_facts: bool = False,
) -> ParseResult:
    """Read the streams of a shard, and write its tables and its result.

    They are read a second time where a page came in an older revision first (`RevisionRanks`): its rows are written by
    then, and rows are not taken back.

    Args:
        shard: number of the shard.
        streams: in dump order.
        work: where to write.
        guard: runs `article_rows.parse_page`.
        limits: of the reader.
        limit_pages: number of pages to read; None: all.
        earlier: index whose unchanged articles are taken over; None: all are parsed.
        with_facts: write the table of facts, too, which the guarded function reads then.
    """
    tables = TABLES | OPTIONAL_TABLES if with_facts else TABLES
    newest: dict[int, RevisionKey] = {}
    while True:
        tally, ranks = _Tally(work, shard), RevisionRanks(newest)
        with ShardWriter(work.parsed, shard, tables) as writer:
            items = _first_pages(_items(streams, limits, tally), limit_pages)
            for outcome in page_outcomes(items, guard, earlier, ranks):
                _write(outcome, writer)
                tally.add(outcome)
        if not ranks.newer:
            break
        newest |= ranks.newer
    result = tally.result()
    result.write(work, shard)
    tally.beat(is_due=True)
    return result


def _items(streams: Sequence[Stream], limits: ReadLimits, tally: _Tally) -> Iterator[Page | Reject]:
    """Read the streams one after the other, and note each loss with the file that it is in."""
    for stream in streams:
        for item in _read(stream, limits):
            if isinstance(item, Reject) and item.reason in LOSS_REASONS:
                tally.losses.append(Loss(stream.path, stream.offset, item.reason, item.detail))
            elif isinstance(item, Page):
                tally.older_revisions += item.older_revisions
            yield item
        tally.stream_bytes += stream.length


def _read(stream: Stream, limits: ReadLimits) -> Iterator[Page | Reject]:
    """Read a stream. A file that cannot be read (any more) is a loss, and the other files are read all the same."""
    try:
        if not stream.length:  # the file could not be used when the shards were planned; check_dump raises the reason
            check_dump(stream.path)
            raise InputError("it could not be read when the build began", path=stream.path)
        yield from read_pages(stream, limits)
    except InputError as error:
        yield Reject("dump", f"{Path(stream.path).name}@{stream.offset}", UNREADABLE, error.message)


def _first_pages(items: Iterator[Page | Reject], limit: int | None) -> Iterator[Page | Reject]:
    """Yield the items up to the last page of the limit; losses are no pages."""
    pages = 0
    for item in items:
        yield item
        pages += isinstance(item, Page) or item.reason not in LOSS_REASONS
        if pages == limit:  # checked after the page, so that no further one is read from the dump
            return


def _write(outcome: PageOutcome, writer: ShardWriter) -> None:
    if outcome.page is not None:
        writer.add("pages", [outcome.page])
    if outcome.reject is not None:
        writer.add("rejects", [outcome.reject])
    if isinstance(outcome.article, EarlierArticle):
        for table, parts in outcome.article.rows.items():
            for rows in parts:
                writer.add_table(table, rows)
    elif outcome.article is not None and outcome.page is not None:
        for table in _OF_ARTICLES:
            if columns := getattr(outcome.article, table):
                writer.add_columns(table, columns)
        writer.add("ledger", [_to_ledger(outcome.page.page_id, outcome.article)])


def _to_ledger(page_id: int, article: ParsedArticle) -> Ledger:
    counted = (article.counters, article.dropped_templates, article.dropped_in_prose, article.shown_by_argument)
    counts = (tuple(Count(name, number) for name, number in sorted(one.items())) for one in counted)
    counters, dropped, in_prose, by_argument = counts
    return Ledger(page_id, counters, dropped, in_prose, by_argument, ())


class _Tally:
    """Counts a shard while it is read, and reports the progress."""

    def __init__(self, work: Work, shard: int) -> None:
        self.losses: list[Loss] = []
        self.stream_bytes = 0
        self.older_revisions = 0
        self._work = work
        self._shard = shard
        self._pages = 0
        self._taken_over = 0
        self._rejects = 0
        self._text_bytes = 0
        self._counters: Counter[str] = Counter()
        self._templates: Counter[str] = Counter()
        self._in_prose: Counter[str] = Counter()
        self._by_argument: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._ids = (0, 0)
        self._next_beat = 0.0

    def add(self, outcome: PageOutcome) -> None:
        if outcome.page is not None:
            self._pages += 1
            self._text_bytes += outcome.page.size_bytes
            self._add_id(outcome.page.page_id)
        if outcome.reject is not None:
            self._rejects += 1
            self.older_revisions += outcome.reject.reason == "older_revision"
        if outcome.article is not None:
            self._counters.update(outcome.article.counters)
            self._templates.update(outcome.article.dropped_templates)
            self._in_prose.update(outcome.article.dropped_in_prose)
            self._by_argument.update(outcome.article.shown_by_argument)
            for name, example in outcome.article.examples.items():
                self._examples.setdefault(name, example)  # the first one, so that it does not hang on the workers
            self._taken_over += isinstance(outcome.article, EarlierArticle)
        self.beat(is_due=False)

    def _add_id(self, page_id: int) -> None:
        if page_id:
            low, high = self._ids
            self._ids = (min(low or page_id, page_id), max(high, page_id))

    def beat(self, *, is_due: bool) -> None:
        now = time.monotonic()
        if is_due or now >= self._next_beat:
            self._next_beat = now + _BEAT_S
            counts = {"pages": self._pages, "text_bytes": self._text_bytes, "rejects": self._rejects}
            self._work.write_beat(ParseResult.stage, self._shard, stream_bytes=self.stream_bytes, **counts)

    def result(self) -> ParseResult:
        if self.older_revisions:
            self._counters["older_revisions"] = self.older_revisions
        return ParseResult(
            pages=self._pages,
            pages_taken_over=self._taken_over,
            rejects=self._rejects,
            text_bytes=self._text_bytes,
            stream_bytes=self.stream_bytes,
            losses=tuple(self.losses),
            page_ids=self._ids,
            counters=dict(sorted(self._counters.items())),
            dropped_templates=dict(sorted(self._templates.items())),
            dropped_in_prose=dict(sorted(self._in_prose.items())),
            shown_by_argument=dict(sorted(self._by_argument.items())),
            examples=dict(sorted(self._examples.items())),
        )
