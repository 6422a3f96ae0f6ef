"""Image vectors of samples, or scores of their pictures, as a gate reads them: of a context cache or of Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from schemas.context_cache import CACHE_NAME, VECTORS_NAME
from schemas.dataset import input_digest
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, InputError
from schemas.records import Sample

__all__ = ["ImageVectors", "find_vectors", "first_vectors", "image_vectors", "read_vectors", "vector_files"]

_REMEDY = "give a cache of `mie-index retrieve --images`, or Parquet with the columns file and vector"


@dataclass(frozen=True)
class ImageVectors:
    """Image vectors [dim] by the digest of a sample or by the name of its image.

    Args:
        rows: the vectors.
        encoder: fingerprint of the weights that made them; "" where the file does not name it.
    """

    rows: dict[str, list[float]]
    encoder: str


def read_vectors(path: Path) -> ImageVectors:
    """Read image vectors from Parquet: of a context cache (columns digest, vector), or files of (file, vector).

    Args:
        path: a cache, a file, or a folder of files.

    Raises:
        IndexNotFound: there are none.
        IndexCorrupt: not Parquet, or other columns.
        IndexMismatch: files of different encoders or sizes.
    """
    own = path / VECTORS_NAME
    files = [own] if own.is_file() else sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file() or ((path / CACHE_NAME).is_file() and not own.is_file()):
        raise IndexNotFound("no image vectors here", path=path, remedy=_REMEDY)
    rows: dict[str, list[float]] = {}
    encoders = set()
    for file in files:
        try:
            schema = pq.read_schema(file)
            key = "digest" if "digest" in schema.names else "file"
            table = pq.read_table(file, columns=[key, "vector"]).to_pydict()
        except (OSError, pa.ArrowException, KeyError) as error:
            raise IndexCorrupt(f"no table of image vectors ({error})", path=file, remedy=_REMEDY) from error
        encoders.add(_encoder_of(schema))
        rows.update(zip(table[key], table["vector"], strict=True))
    if len(encoders) > 1 or len({len(vector) for vector in rows.values()}) > 1:
        raise IndexMismatch("image vectors of different encoders", path=path, remedy=_REMEDY)
    return ImageVectors(rows, encoders.pop())


def first_vectors(samples: Sequence[Sample], path: Path) -> tuple[Tensor, str]:
    """Return the image vectors and flags [N, D + 1] to which a gate is fitted, and the fingerprint of their encoder.

    Raises:
        InputError: no sample has one.
    """
    vectors = read_vectors(path)
    images = image_vectors(samples, vectors.rows, len(next(iter(vectors.rows.values()), [])))
    if not bool(images[:, -1].any()):
        raise InputError("no sample has an image vector here", path=path, remedy="give the vectors of these samples")
    return images, vectors.encoder


def find_vectors(samples: Sequence[Sample], files: Sequence[Path], encoder: str, dim: int) -> Tensor:
    """Return the image vectors and flags [N, dim + 1] of samples from files, which must be of one encoder.

    Raises:
        IndexMismatch: a file is of another encoder or size.
    """
    found: dict[str, list[float]] = {}
    for file in files:
        vectors = read_vectors(file)
        size = len(next(iter(vectors.rows.values()), [])) or dim
        if vectors.encoder != encoder or size != dim:
            raise IndexMismatch(
                f"image vectors of another encoder ({vectors.encoder[:16] or 'not named'}, {size} components) than the "
                f"gate was fitted to ({encoder[:16] or 'not named'}, {dim})",
                path=file,
                remedy="retrieve from an index with that encoder, or fit the mixture again with these vectors",
            )
        found.update(vectors.rows)
    return image_vectors(samples, found, dim)


def vector_files(caches: Iterable[Path], own: Path | None, encoder: str) -> tuple[Path, ...]:
    """Return the files in which the image vectors of samples may be.

    Args:
        caches: of contexts; those that hold vectors of the encoder are taken.
        own: the file to which the gate was fitted; None where the samples cannot be of that data set.
        encoder: of the gate's vectors.

    Returns:
        the files; where none is of the encoder, those of other encoders, so that `find_vectors` refuses them by name.
    """
    held = {path: path / VECTORS_NAME for path in caches if (path / VECTORS_NAME).is_file()}
    right = [path for path, file in held.items() if _encoder_of(pq.read_schema(file)) == encoder]
    if own is not None and own.exists():
        return (*right, own)
    return tuple(right or held)


def image_vectors(samples: Sequence[Sample], vectors: Mapping[str, Sequence[float]], dim: int) -> Tensor:
    """Return the image vector of each sample and a flag [N, dim + 1]; 0 where there is no image or no vector of it."""
    rows = torch.zeros(len(samples), dim + 1)
    for row, sample in enumerate(samples):
        vector = None if sample.image is None else vectors.get(input_digest(sample), vectors.get(sample.image))
        if vector is not None:
            rows[row, :-1] = torch.tensor(vector)
            rows[row, -1] = 1.0
    return rows


def _encoder_of(schema: pa.Schema) -> str:
    return str((schema.metadata or {}).get(b"encoder", b"").decode())
