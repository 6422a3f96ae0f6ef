"""The stages of a build, run one after the other by the driver; a shard that is done stays done after an interruption.

    stage     reads                                  writes, a file for each shard
    parse     streams of the dump                    parsed/  pages rejects sentences paragraphs images ledger
                                                     (and facts)
    finish    parsed/                                redirects/ (the driver, for all shards), then
                                                     ready/   the same tables, each page once, links through redirects
    embed     ready/images, pictures or vectors      ready/   embeddings, more rejects
    bm25      ready/sentences                        ready/bm25
    faiss     ready/embeddings, ready/images         ready/faiss

Each stage needs all shards of the stage before: an id may repeat one of another shard, a redirect may stand in any
shard, and a picture is embedded once for all shards that use it. The folders are those of the work folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pipelines.beam import (
    EmbedImages,
    FinishShards,
    IndexShards,
    LocalWorkers,
    ParseShards,
    keyed_streams,
    run_pipeline,
)
from pipelines.dump import UNREADABLE
from pipelines.job.plan import ShardPlan
from pipelines.job.status import parse_status, shards_status
from pipelines.job.totals import no_sentences
from pipelines.stages import (
    BuildSettings,
    EarlierIndex,
    EmbedResult,
    FinishResult,
    ImageIndexResult,
    ImageInput,
    IndexResult,
    ParseResult,
    RunOptions,
    TextIndexResult,
    count_embedding_shards,
    find_repeated_ids,
    index_images_shard,
    index_text_shard,
    merge_images,
    merge_text,
    train_images,
    write_redirects,
)
from pipelines.storage import Work, describe_file
from schemas.display import Progress, ProgressStatus
from schemas.errors import InputError

__all__ = ["Stages"]

_BYTES_PER_FINISHER = 8 * 2**20
_IMAGES_PER_ENCODER = 200
"""Work for which another process is started: that takes part of a second, and seconds if it has to load an encoder."""
_MANY_WORKERS = 4
_MANY_SENTENCES = 2_000_000
"""From both on, workers index their shards and the driver merges: one pass keeps two cores busy (decision 0011)."""


class Stages:
    """The stages of one build. Each leaves out the shards that are done already.

    Args:
        plan: shards and their streams.
        work: where everything is written.
        settings: decide the output.
        options: decide how the build runs.
        workers: start worker processes on this machine.
        progress: shows the stages.
        earlier: index whose unchanged articles and vectors are taken over.
    """

    def __init__(
        self,
        plan: ShardPlan,
        work: Work,
        settings: BuildSettings,
        options: RunOptions,
        workers: LocalWorkers,
        progress: Progress,
        earlier: EarlierIndex | None = None,
    ) -> None:
        self.work = work
        self._plan = plan
        self._settings = settings
        self._options = options
        self._workers = workers
        self._progress = progress
        self._earlier = earlier

    def run(self, images: ImageInput | None) -> None:
        """Run the stages, up to the indexes.

        Args:
            images: pictures, or their vectors; None: no image index.

        Raises:
            InputError: input is lost, and that is not allowed; or there is no sentence to index.
        """
        self._parse()
        self._check_losses()
        self._finish()
        self._check_sentences()
        if images is not None:
            self._embed(images)
        self._index_text()
        self._index_images()

    def _parse(self) -> None:
        done = self._parsed()
        todo = {shard: streams for shard, streams in enumerate(self._plan.shards) if shard not in done}
        with self._progress.stage("parse", partial(parse_status, self.work, self._plan)):
            if todo:
                transform = ParseShards(self.work, self._settings, self._earlier)
                self._run("parse", keyed_streams(todo), transform, parallel=len(todo))

    def _parsed(self) -> set[int]:
        """Return the shards that are parsed, without those that a file was lost for: it may be readable now."""
        results = ParseResult.read_all(self.work)
        if self.work.count_results(FinishResult.stage):
            return set(results)  # the losses were allowed, and finished shards are built on them
        return {
            shard for shard, result in results.items() if not any(loss.reason == UNREADABLE for loss in result.losses)
        }

    def _check_losses(self) -> None:
        """Refuse to go on if input is lost, unless that is allowed."""
        losses = [loss for result in ParseResult.read_all(self.work).values() for loss in result.losses]
        if losses and not self._options.allow_partial:
            first, more = losses[0], f" (and {len(losses) - 1} more losses)" if len(losses) > 1 else ""
            raise InputError(
                f"a part of the dump is lost: {first.detail}{more}",
                path=first.path,
                place=f"stream at byte {first.offset}",
                remedy="fetch the file again and compare its checksum, or build from the rest with --allow-partial",
            )

    def _check_sentences(self) -> None:
        """Refuse to build an index of nothing: it would answer every query with silence."""
        if self.work.ready_rows("sentences"):
            return
        raise no_sentences(self.work, self._plan.inputs[0], is_limited=self._settings.limit_pages is not None)

    def _finish(self) -> None:
        shards = range(len(self._plan.shards))
        done = FinishResult.read_all(self.work)
        with self._progress.stage("finish", self._status_of("finish", len(shards))):
            if len(done) == len(shards):
                return
            repeated = self._share_redirects()
            todo = [(shard, repeated.get(shard, [])) for shard in shards if shard not in done]
            size = sum(self.work.size_of("paragraphs", shard) for shard, _ in todo)
            parallel = min(len(todo), 1 + size // _BYTES_PER_FINISHER)
            self._run("finish", todo, FinishShards(self.work, with_facts=self._settings.facts), parallel=parallel)

    def _share_redirects(self) -> dict[int, list[int]]:
        """Write the redirects of all shards for the workers; return the page ids that each shard has to drop."""
        parsed = ParseResult.read_all(self.work)
        repeated = find_repeated_ids(self.work, {shard: result.page_ids for shard, result in parsed.items()})
        pages = {self.work.find("pages", shard): repeated.get(shard, ()) for shard in range(len(self._plan.shards))}
        # Written anew also when the build goes on: an interruption may have left a part of the buckets.
        write_redirects(pages, self.work.redirects)
        self.work.share("redirects")
        return repeated

    def _embed(self, images: ImageInput) -> None:
        shards = count_embedding_shards(self.work.ready_rows("images"))
        with self._progress.stage("embed", self._status_of("embed", shards)):
            if self.work.results("embed-all"):
                return
            tables = range(len(self._plan.shards))
            transform = EmbedImages(
                self.work,
                images.embedder(self._settings.encoder or "", self._earlier),
                shards,
                first_reject=len(tables),  # in the rejects table, after the files of the dump's shards
                done=EmbedResult.read_all(self.work),
            )
            self._run("embed", tables, transform, parallel=min(shards, self._count_encoders()))
            # A shard that no file falls into leaves no result, so the results alone do not tell that the stage is done.
            self.work.write_result("embed-all", 0, {"shards": shards})

    def _count_encoders(self) -> int:
        """Return the number of processes that have enough pictures for the seconds it takes to load an encoder."""
        images = self._settings.images or {}
        return 1 + int(images.get("files", _IMAGES_PER_ENCODER * self._options.workers)) // _IMAGES_PER_ENCODER

    def _index_text(self) -> None:
        if self.work.results(TextIndexResult.stage):
            return
        preset, total = self._settings.bm25_preset, self.work.ready_rows("sentences")
        if self._is_distributed() or (self._options.workers >= _MANY_WORKERS and total >= _MANY_SENTENCES):
            shards = range(len(self._plan.shards))
            self._index_parts("bm25", shards, partial(index_text_shard, preset=preset))
            with self._progress.stage("bm25"):
                self._write_index(TextIndexResult, merge_text(shards, self.work, preset))
            return
        from indexer.text import build_bm25

        indexed = [0]  # set by the callback below, read by the progress line's thread

        def read_status() -> ProgressStatus:
            return ProgressStatus(indexed[0], total, counts=(("sentences", indexed[0]),))

        def note_indexed(sentences: int) -> None:
            indexed[0] = sentences

        with self._progress.stage("bm25", read_status):
            files = self.work.ready_files("sentences")
            section = build_bm25(files, self.work.ready / "bm25", preset, note_indexed)
            self._write_index(TextIndexResult, section)

    def _index_images(self) -> None:
        """Build the image index, if there is a vector."""
        embedded = EmbedResult.read_all(self.work)
        if not any(result.images.embedded for result in embedded.values()):
            return  # Faiss trains on vectors, and an index without any would answer nothing
        if self.work.results(ImageIndexResult.stage):
            return
        encoder, fingerprint = self._settings.encoder or "", self._settings.encoder_fingerprint or ""
        names = {"encoder": encoder, "encoder_fingerprint": fingerprint}
        if self._is_distributed():
            shards = sorted(embedded)
            with self._progress.stage("faiss train"):
                train_images(self.work)
            self._index_parts("faiss", shards, index_images_shard)
            with self._progress.stage("faiss"):
                self._write_index(ImageIndexResult, merge_images(shards, self.work, **names))
            return
        from indexer.images import build_dense

        with self._progress.stage("faiss"):
            vectors, images = (self.work.ready_files(table) for table in ("embeddings", "images"))
            self._write_index(ImageIndexResult, build_dense(vectors, images, self.work.ready / "faiss", **names))

    def _is_distributed(self) -> bool:
        """Return whether the workers share no disk, so that each indexes the shards that it has."""
        return self._options.has_engine or not self.work.has_shared_disk

    def _index_parts(self, index: str, shards: Sequence[int], make: Callable[[int, Work], None]) -> None:
        """Let the workers build the parts of an index, one for each shard."""
        stage = f"{index}-part"
        done = self.work.results(stage)
        todo = [shard for shard in shards if shard not in done]
        with self._progress.stage(f"{index} parts", self._status_of(stage, len(shards))):
            if todo:
                self._run(stage, todo, IndexShards(self.work, stage, make), parallel=len(todo))

    def _write_index(self, kind: type[IndexResult], section: dict[str, Any]) -> None:
        """Declare an index built."""
        folder = self.work.ready / kind.stage
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = tuple(describe_file(self.work.ready, path, kind.stage) for path in paths)
        kind(section, files).write(self.work, 0)

    def _run(self, stage: str, elements: Sequence[Any], transform: Any, *, parallel: int) -> None:
        run_pipeline(stage, elements, transform, self._options, self._workers, parallel=parallel)

    def _status_of(self, stage: str, shards: int) -> Callable[[], ProgressStatus]:
        return partial(shards_status, self.work, stage, shards)
