"""The embed stage: the distinct files of all articles -> bytes -> unit vectors, or a reject. No Beam here."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from indexer.encoders import ImageRefused, decode_image, displayed_size
from pipelines.images import Missing, SourceChain
from pipelines.stages.earlier import EarlierIndex
from pipelines.stages.embedding_rows import EmbeddingRow, write_rows
from pipelines.stages.prefetch import ahead
from pipelines.storage import Work
from schemas.errors import InputError
from schemas.records import Reject
from schemas.titles import file_page_url

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from indexer.encoders import ImageEncoder
    from pipelines.images import VectorSource

__all__ = ["IMAGE_OUTCOMES", "STAGE", "count_shards", "describe_images", "embed_shard", "files_of", "shard_of"]

STAGE = "embed"
SHARD_USES = 10_000
"""Uses of files by articles that an embedding shard stands for; its vectors (20 MB at 512-d) are held in memory."""

_MIN_SHARDS, _MIN_SHARD_USES = 8, 500

_BATCH_IMAGES = 32
_BATCHES_AHEAD = 1
"""Batches of decoded pictures that wait for the encoder (19 MB each at 224 pixels a side)."""
IMAGE_OUTCOMES = (
    "images_embedded_by_source",
    "images_missing_by_reason",
    "images_broken_by_source",
    "images_broken_by_reason",
)
"""Counters by source or reason; each sums to the files of its second word."""


def describe_images(source: SourceChain | VectorSource) -> dict[str, Any]:
    """Open the sources and say what they hold, so that a build sees when that has changed.

    Returns:
        What `describe` of the source gives.

    Raises:
        InputError: a source is not there.
    """
    source.open()
    return source.describe()


def files_of(images_table: Path) -> Iterator[str]:
    """Return the distinct files of an images table, in order of appearance."""
    seen: set[str] = set()
    with pq.ParquetFile(images_table) as table:
        for batch in table.iter_batches(columns=["file"]):
            for file in batch.column(0).to_pylist():
                if file not in seen:
                    seen.add(file)
                    yield file


def count_shards(uses: int) -> int:
    """Choose the number of embedding shards by the rows of the images tables, never by the workers.

    >>> count_shards(0), count_shards(1_100), count_shards(50_000), count_shards(10_000_000)
    (1, 3, 8, 1000)
    """
    return max(1, min(_MIN_SHARDS, -(-uses // _MIN_SHARD_USES)), -(-uses // SHARD_USES))


def shard_of(file: str, shards: int) -> int:
    """Return the embedding shard of a file.

    >>> shard_of("Tea.jpg", 1)
    0
    """
    return zlib.crc32(file.encode("utf-8")) % shards


def embed_shard(
    shard: int,
    reject_number: int,
    files: Iterable[str],
    source: SourceChain,
    encoder: ImageEncoder,
    work: Work,
    earlier: EarlierIndex | None = None,
    decode: Callable[[bytes], Image.Image] = decode_image,
) -> dict[str, Any]:
    """Encode the files of one embedding shard, ordered by name; bytes that come twice are encoded once.

    Args:
        shard: number of the embedding shard.
        reject_number: number of its file in the rejects table.
        files: distinct canonical names.
        source: gives bytes; open.
        encoder: gives vectors.
        work: where to write.
        earlier: index whose vectors are taken over for the same bytes under the same name.
        decode: turns bytes into a picture, or raises ImageRefused.

    Returns:
        The result: files for the manifest, counts that sum (files = embedded + missing + broken; embedded and broken
        by source; missing and broken by reason), the encoder.
    """
    names = sorted(files)
    rejects: list[Reject] = []
    known = {} if earlier is None else {row["sha256"]: EmbeddingRow(**row) for row in earlier.vectors(names)}
    beat = partial(_beat, work, shard)
    lookup = _Lookup(source, decode, encoder.prepare, rejects)
    rows = list(_encode_all(names, lookup, encoder, known, beat))
    missing = sum(reject.reason == "missing" for reject in rejects)
    result = {
        "files": write_rows(work, shard, reject_number, rows, rejects, encoder.dim),
        "images": {
            "files": len(names),
            "embedded": len(rows),
            "encoded": len({row.sha256 for row in rows}),
            "missing": missing,
            "broken": len(rejects) - missing,
        },
        **{name: dict(counter) for name, counter in lookup.counts.items()},
        "taken_over": len({row.sha256 for row in rows} & known.keys()),
        "encoder": {"dim": encoder.dim, "fingerprint": encoder.fingerprint},
    }
    work.write_result(STAGE, shard, result)
    return result


def _beat(work: Work, shard: int, done: int) -> None:
    work.write_beat(STAGE, shard, files=done)


@dataclass
class _Lookup:
    """Asks the sources for files, and remembers which bytes were refused; a file without a row is a reject.

    `find` runs in the thread that works ahead; the counts and the rejects are the caller's, in order.
    """

    source: SourceChain
    decode: Callable[[bytes], Image.Image]
    prepare: Callable[[Image.Image], torch.Tensor]
    rejects: list[Reject]
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in IMAGE_OUTCOMES})

    def find(self, file: str, waiting: dict[str, torch.Tensor]) -> tuple[str, str] | Missing:
        """Return source and hash of the first bytes that are a picture; decode them if they are new.

        A source whose bytes are no picture is passed over like one that has none; where all are, the first counts.
        """
        missing: list[Missing] = []
        broken: tuple[str, str] | None = None
        for found in self.source.search(file):
            if isinstance(found, Missing):
                missing.append(found)
                continue
            sha256 = hashlib.sha256(found.data).hexdigest()
            if sha256 not in self.sizes and sha256 not in self.refused:
                self._decode(sha256, found.data, waiting)
            if sha256 in self.sizes:
                return found.source, sha256
            broken = broken or (found.source, sha256)
        return broken or self.source.why_missing(missing)

    def _decode(self, sha256: str, data: bytes, waiting: dict[str, torch.Tensor]) -> None:
        try:
            image = self.decode(data)
        except ImageRefused as error:
            self.refused[sha256] = (error.reason, error.detail)
        else:
            waiting[sha256], self.sizes[sha256] = self.prepare(image), displayed_size(image)

    def miss(self, file: str, why: Missing) -> None:
        """Note that no source has a file."""
        self.rejects.append(Reject("image", file, "missing", f"{why.reason}: {why.detail}"))
        self.counts["images_missing_by_reason"][why.reason] += 1

    def reject(self, file: str, source: str, sha256: str) -> None:
        """Note that the bytes of a file are no picture."""
        reason, detail = self.refused[sha256]
        self.rejects.append(Reject("image", file, reason, f"{detail} [{source}]"))
        self.counts["images_broken_by_reason"][reason] += 1
        self.counts["images_broken_by_source"][source] += 1


def _encode_all(
    names: Sequence[str],
    lookup: _Lookup,
    encoder: ImageEncoder,
    known: Mapping[str, EmbeddingRow],
    beat: Callable[[int], None],
) -> Iterator[EmbeddingRow]:
    """Return a row for each file that is a picture, in order; the next batch is decoded while one is encoded."""
    vectors = {sha256: row.vector for sha256, row in known.items()}
    lookup.sizes.update({sha256: (row.width, row.height) for sha256, row in known.items()})
    done = 0
    for found, waiting in ahead(_find_batches(names, lookup), _BATCHES_AHEAD):
        vectors.update(_encode(waiting, encoder, lookup.refused))
        for file, origin in found:
            if isinstance(origin, Missing):
                lookup.miss(file, origin)
                continue
            source, sha256 = origin
            if sha256 in lookup.refused:
                lookup.reject(file, source, sha256)
            else:
                lookup.counts["images_embedded_by_source"][source] += 1
                yield EmbeddingRow(file, vectors[sha256], sha256, *lookup.sizes[sha256], source, file_page_url(file))
        done += len(found)
        beat(done)


def _find_batches(
    names: Sequence[str], lookup: _Lookup
) -> Iterator[tuple[list[tuple[str, tuple[str, str] | Missing]], dict[str, torch.Tensor]]]:
    """Return batches of files, each with where its bytes were found, and the new pictures among them by hash."""
    for start in range(0, len(names), _BATCH_IMAGES):
        waiting: dict[str, torch.Tensor] = {}
        yield [(file, lookup.find(file, waiting)) for file in names[start : start + _BATCH_IMAGES]], waiting


def _encode(
    images: dict[str, torch.Tensor], encoder: ImageEncoder, refused: dict[str, tuple[str, str]]
) -> dict[str, npt.NDArray[np.float32]]:
    """Encode pictures by hash of their bytes; a row more or fewer is an error, never a shift."""
    if not images:
        return {}
    try:
        rows = encoder.encode_prepared(list(images.values()))
    except InputError as error:
        if len(images) == 1:
            refused.update(dict.fromkeys(images, ("no_direction", error.message)))
            return {}
        singles = [_encode({sha256: image}, encoder, refused) for sha256, image in images.items()]
        return {sha256: row for single in singles for sha256, row in single.items()}
    if rows.shape != (len(images), encoder.dim) or not np.isfinite(rows).all():
        raise ValueError(f"the encoder gave {rows.shape} for {len(images)} pictures, or values that are not finite")
    return dict(zip(images, rows, strict=True))
