"""Beam: the wiring, labels, counters and runner around the stages. What the steps do stands in the *_stage files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.beam.carried_errors import carried_error, carry_errors
from pipelines.beam.engines import to_options
from pipelines.beam.local_workers import LocalWorkers
from pipelines.dump import Page, Stream
from pipelines.images import GuardedDecoder, SourceChain, VectorSource
from pipelines.sandbox import GuardedFunction
from pipelines.stages import BuildSettings, EarlierIndex, ParsedArticle, RunOptions, parse_page
from pipelines.stages import embed as embed_stage
from pipelines.stages import embed_given as vector_stage
from pipelines.stages import finish as finish_stage
from pipelines.stages import parse as parse_stage
from pipelines.storage import Work
from schemas.errors import MieError

if TYPE_CHECKING:
    from indexer.encoders import ImageEncoder

__all__ = ["EmbedImages", "FinishShards", "IndexShards", "ParseShards", "keyed_streams", "run_pipeline"]

_KeyedStream = tuple[int, tuple[int, tuple[Any, ...]]]


def count(stage: str, counts: Mapping[str, int]) -> None:
    """Show counts as Beam counters. They are for dashboards: the manifest counts rows."""
    for name, value in counts.items():
        Metrics.counter(f"mie.{stage}", name).inc(value)


def keyed_streams(shards: Mapping[int, Sequence[Stream]]) -> list[_KeyedStream]:
    """Return the elements of the parse stage: (shard, (place in the shard, the stream as a tuple)).

    >>> keyed_streams({3: [Stream("a.xml", 0, 9, "xml")]})
    [(3, (0, ('a.xml', 0, 9, 'xml', True)))]
    """
    return [(shard, (place, astuple(stream))) for shard in shards for place, stream in enumerate(shards[shard])]


class ParseShards(beam.PTransform):  # type: ignore[misc]
    """Keyed streams -> numbers of the shards whose tables are written."""

    def __init__(self, work: Work, settings: BuildSettings, earlier: EarlierIndex | None) -> None:
        super().__init__()
        self._do = _ParseShard(work, settings, earlier)

    def expand(self, streams: beam.PCollection) -> beam.PCollection:
        """Group the streams of a shard, and parse each shard where it lands."""
        return streams | "Group streams by shard" >> beam.GroupByKey() | "Parse shard" >> beam.ParDo(self._do)


class _ParseShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work, settings: BuildSettings, earlier: EarlierIndex | None) -> None:
        self._work = work
        self._settings = settings
        self._earlier = earlier
        self._guard: GuardedFunction[Page, ParsedArticle] | None = None

    def setup(self) -> None:
        settings = self._settings
        parse = partial(parse_page, rules=settings.rules, keep_disambiguation=settings.keep_disambiguation)
        self._guard = GuardedFunction(parse, "parser", settings.page_timeout_s, settings.page_memory_bytes)

    def process(self, keyed: tuple[int, Iterable[tuple[int, tuple[Any, ...]]]]) -> Iterator[int]:
        shard, places = keyed
        assert self._guard is not None
        streams = [Stream(*stream) for _, stream in sorted(places)]
        limits, limit_pages = self._settings.limits, self._settings.limit_pages
        with carry_errors(self._work.root), self._work.at_worker("parse", shard) as work:
            result = parse_stage.parse_shard(shard, streams, work, self._guard, limits, limit_pages, self._earlier)
        counts = {name: result[name] for name in ("pages", "rejects")}
        count("parse", {"shards": 1, **counts, "losses": len(result["losses"])})
        yield shard

    def teardown(self) -> None:
        if self._guard is not None:
            self._guard.close()


class FinishShards(beam.PTransform):  # type: ignore[misc]
    """(Shard, page ids to drop) -> numbers of the shards that are ready."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._do = _FinishShard(work)

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Spread the shards over the workers, and finish each."""
        return shards | "Spread shards" >> beam.Reshuffle() | "Finish shard" >> beam.ParDo(self._do)


class _FinishShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work) -> None:
        self._work = work

    def process(self, keyed: tuple[int, list[int]]) -> Iterator[int]:
        shard, repeated = keyed
        with carry_errors(self._work.root), self._work.at_worker("finish", shard) as work:
            result = finish_stage.finish_shard(shard, repeated, work)
        count("finish", {"shards": 1, "links": result["links"]})
        yield shard


class EmbedImages(beam.PTransform):  # type: ignore[misc]
    """Numbers of images tables -> numbers of the embedding shards that are ready. Names are shuffled, never bytes.

    Args:
        work: the build.
        source: gives bytes by name, or vectors that others made; opened in the worker.
        encoder: spec of the encoder; loaded in the worker, where vectors are to be made.
        shards: number of embedding shards.
        first_reject: number of the first free file of the rejects table.
        done: embedding shards that an earlier run finished.
        earlier: index whose vectors are taken over where the bytes are the same; None: all are encoded.
    """

    def __init__(
        self,
        work: Work,
        source: SourceChain | VectorSource,
        encoder: str,
        shards: int,
        first_reject: int,
        done: Collection[int],
        earlier: EarlierIndex | None,
    ) -> None:
        super().__init__()
        self._work = work
        self._shards = shards
        self._done = frozenset(done)
        self._do = (
            _TakeVectors(work, source, first_reject)
            if isinstance(source, VectorSource)
            else _EmbedShard(work, source, encoder, first_reject, earlier)
        )

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        """Read the names, group them by shard, and embed each shard where it lands."""
        shards, done = self._shards, self._done
        return (
            tables
            | "Spread tables" >> beam.Reshuffle()
            | "Read file names" >> beam.FlatMap(partial(_read_names, work=self._work))
            | "Key by shard" >> beam.Map(lambda file: (embed_stage.shard_of(file, shards), file))
            | "Leave out what is done" >> beam.Filter(lambda keyed: keyed[0] not in done)
            | "Group files by shard" >> beam.GroupByKey()
            | "Embed shard" >> beam.ParDo(self._do)
        )


def _read_names(shard: int, work: Work) -> list[str]:
    with carry_errors(work.root), work.at_worker("names", shard) as here:
        return list(embed_stage.files_of(here.ready_file("images", shard)))


class _EmbedShard(beam.DoFn):  # type: ignore[misc]
    def __init__(
        self, work: Work, source: SourceChain, encoder: str, first_reject: int, earlier: EarlierIndex | None
    ) -> None:
        self._work = work
        self._source = source
        self._spec = encoder
        self._first_reject = first_reject
        self._earlier = earlier
        self._encoder: ImageEncoder | None = None
        self._decoder: GuardedDecoder | None = None

    def setup(self) -> None:
        from indexer.encoders import make_encoder

        with carry_errors():
            self._encoder = make_encoder(self._spec, threads=1)
            self._source.open()
        self._decoder = GuardedDecoder()

    def process(self, keyed: tuple[int, Iterable[str]]) -> Iterator[int]:
        shard, files = keyed
        assert self._encoder is not None
        assert self._decoder is not None
        number = self._first_reject + shard
        with carry_errors(self._work.root), self._work.at_worker("embed", shard) as work:
            result = embed_stage.embed_shard(
                shard, number, set(files), self._source, self._encoder, work, self._earlier, self._decoder.decode
            )
        count("embed", result["images"])
        yield shard

    def teardown(self) -> None:
        if self._decoder is not None:
            self._decoder.close()


class _TakeVectors(beam.DoFn):  # type: ignore[misc]
    def __init__(self, work: Work, source: VectorSource, first_reject: int) -> None:
        self._work = work
        self._source = source
        self._first_reject = first_reject

    def setup(self) -> None:
        with carry_errors():
            self._source.open()

    def process(self, keyed: tuple[int, Iterable[str]]) -> Iterator[int]:
        shard, files = keyed
        number = self._first_reject + shard
        with carry_errors(self._work.root), self._work.at_worker("embed", shard) as work:
            result = vector_stage.take_shard(shard, number, set(files), self._source, work)
        count("embed", result["images"])
        yield shard


class IndexShards(beam.PTransform):  # type: ignore[misc]
    """Numbers of shards -> numbers of the shards whose part of an index is made.

    Args:
        work: the build.
        stage: name of the stage.
        make: makes the part of a shard in the folder of a worker.
    """

    def __init__(self, work: Work, stage: str, make: Callable[[int, Work], dict[str, Any]]) -> None:
        super().__init__()
        self._make = partial(_make_part, work=work, stage=stage, make=make)

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Spread the shards over the workers, and index each."""
        return shards | "Spread shards" >> beam.Reshuffle() | "Index shard" >> beam.Map(self._make)


def _make_part(shard: int, work: Work, stage: str, make: Callable[[int, Work], dict[str, Any]]) -> int:
    with carry_errors(work.root), work.at_worker(stage, shard) as here:
        make(shard, here)
    count(stage, {"shards": 1})
    return shard


def run_pipeline(
    label: str,
    elements: Sequence[Any],
    transform: beam.PTransform,
    options: RunOptions,
    workers: LocalWorkers,
    *,
    parallel: int,
) -> None:
    """Run one stage and wait for it.

    Without a --runner among Beam's options it runs here, on the FnApiRunner by name (Beam's default would fetch
    another runner first), in as many processes as there are workers and parallel shards.

    Args:
        label: of the stage.
        elements: what the transform reads.
        transform: the stage.
        options: workers, and Beam's options.
        workers: gives worker processes of this machine.
        parallel: shards that can run at the same time.

    Raises:
        MieError: what a worker raised.
    """
    beam_options, _ = to_options(options.beam)
    runner = None
    if beam_options.view_as(StandardOptions).runner is None:
        processes = max(1, min(options.workers, parallel))
        beam_options = PipelineOptions(flags=[*options.beam, "--direct_num_workers", str(processes)])
        runner = FnApiRunner(default_environment=workers.environment() if processes > 1 else None)
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # failures are told by the exception
    try:
        with workers.watched(), beam.Pipeline(runner=runner, options=beam_options) as pipeline:
            _ = pipeline | f"List what to {label}" >> beam.Create(elements) | f"Stage {label}" >> transform
    except MieError:
        raise
    except Exception as error:
        ours = carried_error(str(error))
        if ours is None:
            raise
        raise ours from error
