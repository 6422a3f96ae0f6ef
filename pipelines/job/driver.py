"""The stages of a build, run one after the other by the driver; what is done stays done after an interruption."""

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
from pipelines.images import SourceChain, VectorSource
from pipelines.job.plan import Plan
from pipelines.stages import (
    BuildSettings,
    EarlierIndex,
    RunOptions,
    find_repeated_ids,
    index_images_shard,
    index_text_shard,
    merge_images,
    merge_text,
    train_images,
    write_redirects,
)
from pipelines.stages import embed as embed_stage
from pipelines.storage import Work, describe_file
from schemas.display import Progress, ProgressStatus
from schemas.errors import InputError
from schemas.manifest import Shard

__all__ = ["Stages"]

_BYTES_PER_FINISHER = 8 * 2**20
_IMAGES_PER_ENCODER = 200
"""Work that is worth another process: to start one takes part of a second, to load an encoder in it seconds."""
_MANY_WORKERS = 4
_MANY_SENTENCES = 2_000_000
"""From both on, workers index their shards and the driver merges: one pass keeps two cores busy (decision 0011)."""


class Stages:
    """The stages of one build, each of which leaves out the shards that are done already.

    Args:
        plan: shards and their streams.
        work: where everything is written.
        settings: what decides the output.
        options: how to run.
        workers: give worker processes of this machine.
        progress: shows the stages.
        earlier: index whose unchanged articles and vectors are taken over.
    """

    def __init__(
        self,
        plan: Plan,
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

    def run(self, images: SourceChain | VectorSource | None) -> None:
        """Run the stages up to the indexes.

        Args:
            images: gives the bytes of pictures, or their vectors; None: no image index.

        Raises:
            InputError: input is lost, and that is not allowed.
        """
        self._parse()
        self._check_losses()
        self._finish()
        if images is not None:
            self._embed(images)
        self._index_text()
        self._index_images()

    def _parse(self) -> None:
        done = self._parsed()
        todo = {shard: streams for shard, streams in enumerate(self._plan.shards) if shard not in done}
        with self._progress.stage("parse", self._parse_status):
            if todo:
                transform = ParseShards(self.work, self._settings, self._earlier)
                elements = keyed_streams(todo)
                run_pipeline("parse", elements, transform, self._options, self._workers, parallel=len(todo))

    def _parsed(self) -> dict[int, dict[str, Any]]:
        """Return the results of the shards that are parsed; a file that could not be read is tried again."""
        done = self.work.results("parse")
        if self.work.count_results("finish"):
            return done  # what was lost has been accepted
        lost = {at for at, result in done.items() if any(loss["reason"] == UNREADABLE for loss in result["losses"])}
        return {at: result for at, result in done.items() if at not in lost}

    def _parse_status(self) -> ProgressStatus:
        beats, done = self.work.beats("parse"), self.work.count_results("parse")
        names = ("pages", "text_bytes", "stream_bytes", "rejects")
        total = {name: sum(beat.get(name, 0) for beat in beats.values()) for name in names}
        counts = (("pages", total["pages"]), ("bytes", total["text_bytes"]))
        text = f"{done}/{len(self._plan.shards)} shards"
        text += f"  {total['rejects']:,} rejected" if total["rejects"] else ""
        return ProgressStatus(total["stream_bytes"], self._plan.size_bytes, text, counts)

    def _check_losses(self) -> None:
        """Refuse to go on if input was lost, unless that is allowed."""
        losses = self._losses()
        if losses and not self._options.allow_partial:
            first, more = losses[0], f" (and {len(losses) - 1} more losses)" if len(losses) > 1 else ""
            raise InputError(
                f"a part of the dump is lost: {first['detail']}{more}",
                path=first["path"],
                place=f"stream at byte {first['offset']}",
                remedy="fetch the file again and compare its checksum, or build from the rest with --allow-partial",
            )

    def _losses(self) -> list[dict[str, Any]]:
        return [loss for result in self.work.results("parse").values() for loss in result["losses"]]

    def _finish(self) -> None:
        shards = range(len(self._plan.shards))
        done = self.work.results("finish")
        with self._progress.stage("finish", self._shards_status("finish", len(shards))):
            if len(done) == len(shards):
                return
            parsed = self.work.results("parse")
            repeated = find_repeated_ids(self.work, {shard: tuple(parsed[shard]["page_ids"]) for shard in shards})
            pages = {self.work.find("pages", shard): repeated.get(shard, ()) for shard in shards}
            write_redirects(pages, self.work.redirects)
            self.work.share("redirects")
            todo = [(shard, repeated.get(shard, [])) for shard in shards if shard not in done]
            size = sum(self.work.size_of("paragraphs", shard) for shard, _ in todo)
            parallel = min(len(todo), 1 + size // _BYTES_PER_FINISHER)
            run_pipeline("finish", todo, FinishShards(self.work), self._options, self._workers, parallel=parallel)

    def _shards_status(self, stage: str, total: int) -> Callable[[], ProgressStatus]:
        def read() -> ProgressStatus:
            done = self.work.count_results(stage)
            files = sum(beat.get("files", 0) for beat in self.work.beats(stage).values())
            counts = (("files", files),) if files else ()
            return ProgressStatus(done, total, f"{done}/{total} shards", counts)

        return read

    def _embed(self, source: SourceChain | VectorSource) -> None:
        shards = embed_stage.count_shards(self.work.ready_rows("images"))
        done = self.work.results("embed")
        with self._progress.stage("embed", self._shards_status("embed", shards)):
            if self.work.results("embed-all"):
                return
            transform = EmbedImages(
                self.work,
                source,
                self._settings.encoder or "",
                shards,
                len(self._plan.shards),
                set(done),
                self._earlier,
            )
            tables = range(len(self._plan.shards))
            run_pipeline(
                "embed", tables, transform, self._options, self._workers, parallel=min(shards, self._busy_encoders())
            )
            self.work.write_result("embed-all", 0, {"shards": shards})

    def _busy_encoders(self) -> int:
        """Return the processes that are worth the seconds it takes to load an encoder in each."""
        images = self._settings.images or {}
        return 1 + int(images.get("files", _IMAGES_PER_ENCODER * self._options.workers)) // _IMAGES_PER_ENCODER

    def _index_text(self) -> None:
        if self.work.results("bm25"):
            return
        total = self.work.ready_rows("sentences")
        is_large = self._options.workers >= _MANY_WORKERS and total >= _MANY_SENTENCES
        if self._options.has_engine or not self.work.has_shared_disk or is_large:
            shards = range(len(self._plan.shards))
            self._index_parts("bm25", shards, partial(index_text_shard, preset=self._settings.bm25_preset))
            with self._progress.stage("bm25"):
                self._write_index("bm25", merge_text(shards, self.work, self._settings.bm25_preset))
            return
        from indexer.text import build_bm25

        done = [0]

        def read() -> ProgressStatus:
            return ProgressStatus(done[0], total, counts=(("sentences", done[0]),))

        def remember(sentences: int) -> None:
            done[0] = sentences

        with self._progress.stage("bm25", read):
            files = self.work.ready_files("sentences")
            self._write_index("bm25", build_bm25(files, self.work.ready / "bm25", self._settings.bm25_preset, remember))

    def _index_images(self) -> None:
        """Build the image index, if there is a vector."""
        results = self.work.results("embed")
        if not sum(result["images"]["embedded"] for result in results.values()) or self.work.results("faiss"):
            return
        names = {
            "encoder": self._settings.encoder or "",
            "encoder_fingerprint": self._settings.encoder_fingerprint or "",
        }
        if self._options.has_engine or not self.work.has_shared_disk:
            shards = sorted(results)
            with self._progress.stage("faiss train"):
                train_images(self.work)
            self._index_parts("faiss", shards, index_images_shard)
            with self._progress.stage("faiss"):
                self._write_index("faiss", merge_images(shards, self.work, **names))
            return
        from indexer.images import build_dense

        with self._progress.stage("faiss"):
            vectors, images = (self.work.ready_files(table) for table in ("embeddings", "images"))
            self._write_index("faiss", build_dense(vectors, images, self.work.ready / "faiss", **names))

    def _index_parts(self, index: str, shards: Sequence[int], make: Callable[[int, Work], dict[str, Any]]) -> None:
        """Have the workers make their shards' parts of an index, where they share no disk or are many machines."""
        stage = f"{index}-part"
        done = self.work.results(stage)
        todo = [shard for shard in shards if shard not in done]
        with self._progress.stage(f"{index} parts", self._shards_status(stage, len(shards))):
            if todo:
                transform = IndexShards(self.work, stage, make)
                run_pipeline(stage, todo, transform, self._options, self._workers, parallel=len(todo))

    def _write_index(self, name: str, section: dict[str, Any]) -> None:
        self.work.write_result(name, 0, {"index": section, "files": self._describe_folder(name)})

    def _describe_folder(self, name: str) -> list[dict[str, Any]]:
        files = sorted(path for path in (self.work.ready / name).rglob("*") if path.is_file())
        return [vars(describe_file(self.work.ready, path, name)) for path in files]

    def shards(self) -> tuple[Shard, ...]:
        """Return every file of the output, by path."""
        names = ("finish", "embed", "bm25", "faiss")
        files = [file for name in names for result in self.work.results(name).values() for file in result["files"]]
        return tuple(Shard(**file) for file in sorted(files, key=lambda file: str(file["path"])))

    def text_index(self) -> dict[str, Any] | None:
        """Return the manifest's section on the text index."""
        return self._index_of("bm25")

    def image_index(self) -> dict[str, Any] | None:
        """Return the manifest's section on the image index; None if there is none."""
        return self._index_of("faiss")

    def _index_of(self, name: str) -> dict[str, Any] | None:
        results = self.work.results(name)
        return results[0]["index"] if results else None
