"""The stages as Beam transforms: wiring, labels and counters. What a step does stands in `pipelines.stages`.

Every stage reads numbers of shards (the parse stage: places of streams) and returns those of the shards that are done.
Rows never travel between workers: a worker writes the tables of its shard itself. A stage begins with a grouping or a
Reshuffle, because Beam would otherwise fuse its step with the list of shards, and one worker would do all of them.
"""

from __future__ import annotations

import pipelines.beam.quiet_import  # noqa: F401  # isort: skip

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from pipelines.beam.carried_errors import carry_errors
from pipelines.dump import Page, Stream
from pipelines.sandbox import GuardedFunction
from pipelines.stages import (
    BuildSettings,
    EarlierIndex,
    Embedder,
    ParsedArticle,
    embedding_shard_of,
    finish_shard,
    parse_page,
    parse_shard,
    read_image_files,
)
from pipelines.storage import Work

__all__ = ["EmbedImages", "FinishShards", "IndexShards", "ParseShards", "keyed_streams"]

_KeyedStream = tuple[int, tuple[int, tuple[Any, ...]]]


def count(stage: str, counts: Mapping[str, int]) -> None:
    """Add to Beam's counters. They are for dashboards: the counts of the manifest come from the rows."""
    for name, value in counts.items():
        Metrics.counter(f"mie.{stage}", name).inc(value)


def keyed_streams(shards: Mapping[int, Sequence[Stream]]) -> list[_KeyedStream]:
    """Return the elements of the parse stage: (shard, (position in the shard, the stream as a tuple)).

    >>> keyed_streams({3: [Stream("a.xml", 0, 9, "xml")]})
    [(3, (0, ('a.xml', 0, 9, 'xml', True)))]
    """
    # A tuple is encoded by Beam without pickle. The position is needed because a grouping keeps no order.
    return [(shard, (at, astuple(stream))) for shard in shards for at, stream in enumerate(shards[shard])]


class ParseShards(beam.PTransform):  # type: ignore[misc]
    """Keyed streams -> numbers of the shards whose tables are written."""

    def __init__(self, work: Work, settings: BuildSettings, earlier: EarlierIndex | None) -> None:
        super().__init__()
        self._do_fn = _ParseShard(work, settings, earlier)

    def expand(self, streams: beam.PCollection) -> beam.PCollection:
        """Group the streams of a shard, and parse each shard where it lands."""
        return streams | "Group streams by shard" >> beam.GroupByKey() | "Parse shard" >> beam.ParDo(self._do_fn)


class _ParseShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work, settings: BuildSettings, earlier: EarlierIndex | None) -> None:
        self._work = work
        self._settings = settings
        self._earlier = earlier
        self._guard: GuardedFunction[Page, ParsedArticle] | None = None

    def setup(self) -> None:
        settings = self._settings
        parse = partial(
            parse_page,
            rules=settings.rules,
            keep_disambiguation=settings.keep_disambiguation,
            with_facts=settings.facts,
        )
        self._guard = GuardedFunction(parse, "parser", settings.page_timeout_s, settings.page_memory_bytes)

    def process(self, keyed: tuple[int, Iterable[tuple[int, tuple[Any, ...]]]]) -> Iterator[int]:
        shard, numbered = keyed
        assert self._guard is not None
        streams = [Stream(*stream) for _, stream in sorted(numbered)]
        limits, limit_pages = self._settings.limits, self._settings.limit_pages
        with carry_errors(self._work.root), self._work.at_worker("parse", shard) as work:
            reading = (limits, limit_pages, self._earlier, self._settings.facts)
            result = parse_shard(shard, streams, work, self._guard, *reading)
        counts = {"pages": result.pages, "rejects": result.rejects, "losses": len(result.losses)}
        count("parse", {"shards": 1, **counts})
        yield shard

    def teardown(self) -> None:
        if self._guard is not None:
            self._guard.close()


class FinishShards(beam.PTransform):  # type: ignore[misc]
    """(Shard, page ids to drop) -> numbers of the shards that are ready."""

    def __init__(self, work: Work, *, with_facts: bool) -> None:
        super().__init__()
        self._do_fn = _FinishShard(work, with_facts)

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Spread the shards over the workers, and finish each."""
        return shards | "Spread shards" >> beam.Reshuffle() | "Finish shard" >> beam.ParDo(self._do_fn)


class _FinishShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work, with_facts: bool) -> None:
        self._work = work
        self._with_facts = with_facts

    def process(self, keyed: tuple[int, list[int]]) -> Iterator[int]:
        shard, repeated = keyed
        with carry_errors(self._work.root), self._work.at_worker("finish", shard) as work:
            result = finish_shard(shard, repeated, work, self._with_facts)
        count("finish", {"shards": 1, "links": result.links})
        yield shard


class EmbedImages(beam.PTransform):  # type: ignore[misc]
    """Numbers of images tables -> numbers of the embedding shards that are ready. Names are shuffled, never bytes.

    Args:
        work: the build.
        embedder: makes the shards in the workers; opened there.
        shards: number of embedding shards.
        first_reject: number of the first free file of the rejects table.
        done: embedding shards that an earlier run finished.
    """

    def __init__(self, work: Work, embedder: Embedder, shards: int, first_reject: int, done: Collection[int]) -> None:
        super().__init__()
        self._work = work
        self._shards = shards
        self._done = frozenset(done)
        self._do_fn = _EmbedShard(work, embedder, first_reject)

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        """Read the names, group them by shard, and embed each shard where it lands."""
        shards, done = self._shards, self._done
        return (
            tables
            | "Spread tables" >> beam.Reshuffle()
            | "Read file names" >> beam.FlatMap(partial(_read_names, work=self._work))
            | "Key by shard" >> beam.Map(lambda file: (embedding_shard_of(file, shards), file))
            | "Leave out what is done" >> beam.Filter(lambda keyed: keyed[0] not in done)
            | "Group files by shard" >> beam.GroupByKey()
            | "Embed shard" >> beam.ParDo(self._do_fn)
        )


def _read_names(shard: int, work: Work) -> list[str]:
    with carry_errors(work.root), work.at_worker("names", shard) as here:
        return list(read_image_files(here.ready_file("images", shard)))


class _EmbedShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work, embedder: Embedder, first_reject: int) -> None:
        self._work = work
        self._embedder = embedder
        self._first_reject = first_reject

    def setup(self) -> None:
        with carry_errors():
            self._embedder.open()

    def process(self, keyed: tuple[int, Iterable[str]]) -> Iterator[int]:
        shard, files = keyed
        with carry_errors(self._work.root), self._work.at_worker("embed", shard) as work:
            result = self._embedder.embed(shard, self._first_reject + shard, set(files), work)
        count("embed", result.images.to_json())
        yield shard

    def teardown(self) -> None:
        self._embedder.close()


class IndexShards(beam.PTransform):  # type: ignore[misc]
    """Numbers of shards -> numbers of the shards whose part of an index is made.

    Args:
        work: the build.
        stage: name of the stage.
        make: makes the part of a shard in the folder of a worker.
    """

    def __init__(self, work: Work, stage: str, make: Callable[[int, Work], None]) -> None:
        super().__init__()
        self._make = partial(_make_part, work=work, stage=stage, make=make)

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Spread the shards over the workers, and index each."""
        return shards | "Spread shards" >> beam.Reshuffle() | "Index shard" >> beam.Map(self._make)


def _make_part(shard: int, work: Work, stage: str, make: Callable[[int, Work], None]) -> int:
    with carry_errors(work.root), work.at_worker(stage, shard) as here:
        make(shard, here)
    count(stage, {"shards": 1})
    return shard
