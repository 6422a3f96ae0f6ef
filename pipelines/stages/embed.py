"""The embed stage: the distinct files of all articles become unit vectors, or rejects. No Beam here.

Its pure steps are the decoder and the encoder of `indexer.encoders`, bytes to a picture to a vector. `beam.EmbedImages`
runs the embedder in the workers. A batch of pictures is decoded in one thread while another encodes the batch before:

    prefetching thread   find and decode batch 1 | find and decode batch 2 | find and decode batch 3
    this thread                                  | encode batch 1          | encode batch 2          | encode batch 3
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from indexer.encoders import ImageRefused, decode_image, displayed_size
from pipelines.images import GuardedDecoder, Missing, SourceChain
from pipelines.stages.earlier import EarlierIndex
from pipelines.stages.embedding_rows import EmbeddingRow, EmbeddingShard
from pipelines.stages.prefetch import prefetched
from pipelines.stages.results import EmbedResult
from pipelines.storage import Work
from schemas.errors import InputError
from schemas.titles import file_page_url

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from indexer.encoders import ImageEncoder

__all__ = ["PictureEmbedder", "embed_shard"]

_BATCH_IMAGES = 32
_BATCHES_AHEAD = 1
"""Batches of decoded pictures that wait for the encoder (19 MB each at 224 pixels a side)."""


@dataclass
class PictureEmbedder:
    """Fetches, decodes and encodes pictures in a worker (an `Embedder`).

    Args:
        source: where pictures lie.
        encoder: spec of the encoder.
        earlier: index whose vectors are taken over for the same bytes; None: all pictures are encoded.
    """

    source: SourceChain
    encoder: str
    earlier: EarlierIndex | None = None
    _encoder: ImageEncoder | None = field(default=None, init=False, repr=False)
    _decoder: GuardedDecoder | None = field(default=None, init=False, repr=False)

    def open(self) -> None:
        """Load the encoder, on one thread because each core has a worker of its own, and open the sources.

        Raises:
            InputError: a source cannot be opened.
            MissingDependency: the encoder's weights are not there.
        """
        from indexer.encoders import make_encoder  # imports torch, which a build of text alone never needs

        self._encoder = make_encoder(self.encoder, threads=1)
        self.source.open()
        self._decoder = GuardedDecoder()

    def embed(self, shard: int, reject_number: int, files: Iterable[str], work: Work) -> EmbedResult:
        """Embed the files of a shard, as `embed_shard` does."""
        assert self._encoder is not None
        assert self._decoder is not None
        return embed_shard(
            shard, reject_number, files, self.source, self._encoder, work, self.earlier, self._decoder.decode
        )

    def close(self) -> None:
        """End the decoder's process."""
        if self._decoder is not None:
            self._decoder.close()


def embed_shard(
    shard: int,
    reject_number: int,
    files: Iterable[str],
    source: SourceChain,
    encoder: ImageEncoder,
    work: Work,
    earlier: EarlierIndex | None = None,
    decode: Callable[[bytes], Image.Image] = decode_image,
) -> EmbedResult:
    """Encode the files of one embedding shard, in order of their names; equal bytes are encoded once.

    Args:
        shard: number of the embedding shard.
        reject_number: number of its file in the rejects table.
        files: distinct canonical names.
        source: where pictures lie; open.
        encoder: makes the vectors.
        work: where to write.
        earlier: index whose vectors are taken over for the same bytes under the same name.
        decode: turns bytes into a picture, or raises ImageRefused.
    """
    names = sorted(files)
    known = {} if earlier is None else {row["sha256"]: EmbeddingRow(**row) for row in earlier.vectors(names)}
    collected = EmbeddingShard()
    finder = _PictureFinder(source, decode, encoder.prepare)
    _encode_all(names, finder, encoder, known, collected, partial(_write_beat, work, shard))
    pictures = {row.sha256 for row in collected.rows}
    return collected.write(
        work,
        shard,
        reject_number,
        {"dim": encoder.dim, "fingerprint": encoder.fingerprint},
        encoded=len(pictures),
        taken_over=len(pictures & known.keys()),
    )


def _write_beat(work: Work, shard: int, done: int) -> None:
    work.write_beat(EmbedResult.stage, shard, files=done)


class _Origin(NamedTuple):
    """Where the bytes of a file were found, and their hash."""

    source: str
    sha256: str


_NewPictures = dict[str, "torch.Tensor"]
"""Prepared pictures by the hash of their bytes."""


@dataclass
class _PictureFinder:
    """Finds the first bytes of a file that are a picture, and remembers every picture that it has seen by its hash.

    Its `find` runs in the prefetching thread, a batch before the encoder.

    Args:
        source: where pictures lie.
        decode: turns bytes into a picture.
        prepare: turns a picture into the encoder's input.
        sizes: width and height of the pictures seen so far.
        refused: reason and detail of the bytes that are no picture.
    """

    source: SourceChain
    decode: Callable[[bytes], Image.Image]
    prepare: Callable[[Image.Image], torch.Tensor]
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    def find_batches(self, names: Sequence[str]) -> Iterator[tuple[list[tuple[str, _Origin | Missing]], _NewPictures]]:
        """Yield batches of files, each file with its origin, and the pictures of the batch that are new."""
        for start in range(0, len(names), _BATCH_IMAGES):
            new: _NewPictures = {}
            yield [(file, self.find(file, new)) for file in names[start : start + _BATCH_IMAGES]], new

    def find(self, file: str, new: _NewPictures) -> _Origin | Missing:
        """Return the origin of the first bytes that are a picture; add the picture to `new` if it was not seen before.

        A source whose bytes are no picture is passed over like one that has none. Where the bytes of all sources are
        broken, the origin of the first is returned.
        """
        missing: list[Missing] = []
        broken: _Origin | None = None
        for found in self.source.search(file):
            if isinstance(found, Missing):
                missing.append(found)
                continue
            origin = _Origin(found.source, hashlib.sha256(found.data).hexdigest())
            # Bytes that are known are not decoded again: the same picture often lies under several names.
            if origin.sha256 not in self.sizes and origin.sha256 not in self.refused:
                self._decode(origin.sha256, found.data, new)
            if origin.sha256 in self.sizes:
                return origin
            broken = broken or origin
        return broken or self.source.why_missing(missing)

    def _decode(self, sha256: str, data: bytes, new: _NewPictures) -> None:
        try:
            image = self.decode(data)
        except ImageRefused as error:
            self.refused[sha256] = (error.reason, error.detail)
        else:
            new[sha256], self.sizes[sha256] = self.prepare(image), displayed_size(image)


def _encode_all(
    names: Sequence[str],
    finder: _PictureFinder,
    encoder: ImageEncoder,
    known: Mapping[str, EmbeddingRow],
    collected: EmbeddingShard,
    beat: Callable[[int], None],
) -> None:
    """Add each file to the collected shard, in order; the next batch is decoded while one is encoded."""
    # Pictures of the earlier index are known from the start: they are fetched, but neither decoded nor encoded.
    vectors = {sha256: row.vector for sha256, row in known.items()}
    finder.sizes.update({sha256: (row.width, row.height) for sha256, row in known.items()})
    done = 0
    for origins, new in prefetched(finder.find_batches(names), _BATCHES_AHEAD):
        vectors.update(_encode(new, encoder, finder.refused))
        for file, origin in origins:
            if isinstance(origin, Missing):
                collected.add_missing(file, origin)
            elif origin.sha256 in finder.refused:
                collected.add_broken(file, origin.source, *finder.refused[origin.sha256])
            else:
                size, url = finder.sizes[origin.sha256], file_page_url(file)
                vector = vectors[origin.sha256]
                collected.add(EmbeddingRow(file, vector, origin.sha256, *size, origin.source, url))
        done += len(origins)
        beat(done)


def _encode(
    images: _NewPictures, encoder: ImageEncoder, refused: dict[str, tuple[str, str]]
) -> dict[str, npt.NDArray[np.float32]]:
    """Encode pictures, and return their vectors [dim] by hash; a row more or fewer is an error, never a shift."""
    if not images:
        return {}
    try:
        rows = encoder.encode_prepared(list(images.values()))
    except InputError as error:
        # A picture of the batch has no direction (a vector of zeros). Encoded one by one, that one alone is refused.
        if len(images) == 1:
            refused.update(dict.fromkeys(images, ("no_direction", error.message)))
            return {}
        singles = [_encode({sha256: image}, encoder, refused) for sha256, image in images.items()]
        return {sha256: row for single in singles for sha256, row in single.items()}
    if rows.shape != (len(images), encoder.dim) or not np.isfinite(rows).all():
        raise ValueError(f"the encoder gave {rows.shape} for {len(images)} pictures, or values that are not finite")
    return dict(zip(images, rows, strict=True))
