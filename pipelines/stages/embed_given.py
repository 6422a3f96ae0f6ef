"""The embed stage where vectors are given: the distinct files of all articles get theirs, or a reject. No Beam here.

Its pure step is `find_fault`; `beam.EmbedImages` runs the embedder in the workers, as it runs that of pictures.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.encoders import parse_spec
from pipelines.images import Missing, VectorSource
from pipelines.stages.embedding_rows import EmbeddingRow, EmbeddingShard
from pipelines.stages.results import EmbedResult
from pipelines.storage import Work
from schemas.errors import UsageError
from schemas.titles import file_page_url

__all__ = ["VectorEmbedder", "name_encoder", "take_shard"]

_ROUNDED = 0.01
"""A vector whose length differs from 1 by more than this counts as scaled; by less, it was only rounded (float16)."""
_EXACT = 1e-6
"""A vector whose length differs from 1 by less than this stays as it is, bit for bit."""


def name_encoder(spec: str | None, dim: int) -> tuple[str, str]:
    """Return spec and fingerprint of the encoder that made the given vectors, as the user says.

    An encoder that this program can run is loaded: the manifest gets its fingerprint, and queries will need it.
    `other:NAME` stands for any other encoder, and is its own fingerprint.

    Args:
        spec: what `--encoder` says.
        dim: components of the vectors.

    Raises:
        UsageError: none is named, or the one named makes vectors of another length.
        MissingDependency: its weights are not there.
    """
    if not spec:
        raise UsageError(
            "vectors: needs --encoder, the encoder that made them: nothing in the files tells it",
            remedy="give --encoder open_clip:ARCH:TAG, or other:NAME for one that this program cannot run",
        )
    if parse_spec(spec).kind == "other":
        return spec, spec
    from indexer.encoders import make_encoder

    encoder = make_encoder(spec, device="cpu")
    if encoder.dim != dim:
        raise UsageError(
            f"the vectors have {dim} components, those of {spec} have {encoder.dim}: another encoder made them",
            remedy="name the encoder that made them, or other:NAME",
        )
    return encoder.spec, encoder.fingerprint


@dataclass
class VectorEmbedder:
    """Takes given vectors in a worker (an `Embedder`).

    Args:
        source: where vectors lie; described.
    """

    source: VectorSource

    def open(self) -> None:
        """Open the source.

        Raises:
            InputError: the source cannot be opened.
        """
        self.source.open()

    def embed(self, shard: int, reject_number: int, files: Collection[str], work: Work) -> EmbedResult:
        """Take the vectors of a shard, as `take_shard` does."""
        return take_shard(shard, reject_number, files, self.source, work)

    def close(self) -> None:
        """Do nothing: there is no process to end."""


def take_shard(
    shard: int,
    reject_number: int,
    files: Collection[str],
    source: VectorSource,
    work: Work,
) -> EmbedResult:
    """Take the vectors of one embedding shard, and bring each to length 1.

    Args:
        shard: number of the embedding shard.
        reject_number: number of its file in the rejects table.
        files: distinct canonical names.
        source: where vectors lie; described and open.
        work: where to write.
    """
    collected = EmbeddingShard()
    scaled = 0
    for done, (file, found) in enumerate(source.vectors(files), start=1):
        if isinstance(found, Missing):
            collected.add_missing(file, found)
        elif fault := find_fault(found, source.dim):
            collected.add_broken(file, source.spec, *fault)
        else:
            length = float(np.linalg.norm(found.astype(np.float64)))
            scaled += abs(length - 1) > _ROUNDED
            unit = found if abs(length - 1) <= _EXACT else (found / length).astype(np.float32)
            collected.add(EmbeddingRow(file, unit, "", 0, 0, source.spec, file_page_url(file)))
        if done % 1_000 == 0:
            work.write_beat(EmbedResult.stage, shard, files=done)
    return collected.write(work, shard, reject_number, {"dim": source.dim}, scaled=scaled)


def find_fault(vector: npt.NDArray[np.float32], dim: int) -> tuple[str, str] | None:
    """Return why a vector [dim] cannot be used: reason and detail; None if it can.

    >>> find_fault(np.array([1, np.nan], np.float32), 2)
    ('not_finite', '1 of 2 components are no finite numbers')
    """
    if len(vector) != dim:
        return "wrong_length", f"{len(vector)} components, not {dim}"
    bad = int((~np.isfinite(vector)).sum())
    if bad:
        return "not_finite", f"{bad} of {dim} components are no finite numbers"
    return None if vector.any() else ("no_direction", "every component is 0")
