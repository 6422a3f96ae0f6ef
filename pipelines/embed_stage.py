"""The embed stage: the distinct files of all articles -> bytes -> unit vectors, or a reject. No Beam here."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.pixels import ImageRefused, decode_image, displayed_size
from pipelines.earlier_index import EarlierIndex
from pipelines.image_sources import FolderSource, ImageSource, Missing, StoreSource
from pipelines.shards import ShardWriter, describe_file, part_name
from pipelines.workfolder import WorkFolder
from schemas.errors import InputError
from schemas.records import Reject
from schemas.tables import REJECTS, embeddings_schema

if TYPE_CHECKING:
    from PIL import Image

    from indexer.encoder import ImageEncoder

__all__ = ["count_shards", "describe_images", "embed_shard", "files_of", "shard_of"]

STAGE = "embed"
SHARD_USES = 10_000
"""Uses of files by articles that an embedding shard stands for; its vectors (20 MB at 512-d) are held in memory."""

_MIN_SHARDS, _MIN_SHARD_USES = 8, 500

_BATCH_IMAGES = 32


def describe_images(source: ImageSource) -> dict[str, Any]:
    """Describe what a source holds, so that a build sees when that has changed.

    A folder is described by the names and sizes of its files: reading the bytes of millions of pictures only to find
    that nothing is to be done would cost more than the build; dates change when a folder is copied.

    Returns:
        files, and a hash over (name, size) in order.

    Raises:
        InputError: there is no such folder.
    """
    source.open()
    if isinstance(source, StoreSource):
        listing = source.listing()
    elif isinstance(source, FolderSource):
        with os.scandir(source.folder) as entries:
            listing = sorted((entry.name, entry.stat().st_size) for entry in entries if entry.is_file())
    else:
        return {"source": source.spec}
    digest = hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    return {"files": len(listing), "listing_sha256": digest}


def files_of(images_table: Path) -> Iterator[str]:
    """Give the distinct files of an images table, in order of appearance."""
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
    """Give the embedding shard of a file.

    >>> shard_of("Tea.jpg", 1)
    0
    """
    return zlib.crc32(file.encode("utf-8")) % shards


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the embeddings table."""

    file: str
    vector: npt.NDArray[np.float32]
    sha256: str
    width: int
    height: int


def embed_shard(
    shard: int,
    reject_number: int,
    files: Iterable[str],
    source: ImageSource,
    encoder: ImageEncoder,
    work: WorkFolder,
    earlier: EarlierIndex | None = None,
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

    Returns:
        The result: files for the manifest, counts that sum (files = embedded + missing + broken), the encoder.
    """
    names = sorted(files)
    rejects: list[Reject] = []
    known = {} if earlier is None else {row["sha256"]: _Row(**row) for row in earlier.vectors(names)}
    beat = partial(_beat, work, shard)
    rows = list(_encode_all(names, source, encoder, rejects, known, beat))
    missing = sum(reject.reason == "missing" for reject in rejects)
    schemas = {"embeddings": embeddings_schema(encoder.dim)}
    with ShardWriter(work.ready, shard, schemas) as writer:
        writer.add_table("embeddings", _to_table(rows, encoder.dim))
    with ShardWriter(work.ready, reject_number, {"rejects": REJECTS}) as writer:
        writer.add("rejects", sorted(rejects, key=lambda reject: reject.id))
    paths = {"embeddings": part_name(shard), "rejects": part_name(reject_number)}
    result = {
        "files": [vars(describe_file(work.ready, work.ready / table / paths[table], table)) for table in paths],
        "images": {
            "files": len(names),
            "embedded": len(rows),
            "encoded": len({row.sha256 for row in rows}),
            "missing": missing,
            "broken": len(rejects) - missing,
        },
        "taken_over": len({row.sha256 for row in rows} & known.keys()),
        "encoder": {"dim": encoder.dim, "fingerprint": encoder.fingerprint},
    }
    work.write_result(STAGE, shard, result)
    return result


def _beat(work: WorkFolder, shard: int, done: int) -> None:
    work.write_beat(STAGE, shard, files=done)


def _encode_all(
    names: Sequence[str],
    source: ImageSource,
    encoder: ImageEncoder,
    rejects: list[Reject],
    known: Mapping[str, _Row],
    beat: Callable[[int], None],
) -> Iterator[_Row]:
    """Give a row for each file that is a picture, in order; append a reject for each that is not."""
    vectors = {sha256: row.vector for sha256, row in known.items()}
    sizes = {sha256: (row.width, row.height) for sha256, row in known.items()}
    refused: dict[str, tuple[str, str]] = {}
    for start in range(0, len(names), _BATCH_IMAGES):
        waiting: dict[str, Image.Image] = {}
        hashes: list[tuple[str, str]] = []
        for file in names[start : start + _BATCH_IMAGES]:
            data = source.fetch(file)
            if isinstance(data, Missing):
                rejects.append(Reject("image", file, "missing", f"{data.reason}: {data.detail}"))
                continue
            sha256 = hashlib.sha256(data).hexdigest()
            hashes.append((file, sha256))
            if sha256 in sizes or sha256 in refused:
                continue
            try:
                image = decode_image(data)
            except ImageRefused as error:
                refused[sha256] = (error.reason, error.detail)
                continue
            waiting[sha256], sizes[sha256] = image, displayed_size(image)
        vectors.update(_encode(waiting, encoder, refused))
        for file, sha256 in hashes:
            if sha256 in refused:
                rejects.append(Reject("image", file, *refused[sha256]))
            else:
                yield _Row(file, vectors[sha256], sha256, *sizes[sha256])
        beat(min(len(names), start + _BATCH_IMAGES))


def _encode(
    images: dict[str, Image.Image], encoder: ImageEncoder, refused: dict[str, tuple[str, str]]
) -> dict[str, npt.NDArray[np.float32]]:
    """Encode pictures by hash of their bytes; a row more or fewer is an error, never a shift."""
    if not images:
        return {}
    try:
        rows = encoder.encode(list(images.values()))
    except InputError as error:
        if len(images) == 1:
            refused.update(dict.fromkeys(images, ("no_direction", error.message)))
            return {}
        singles = [_encode({sha256: image}, encoder, refused) for sha256, image in images.items()]
        return {sha256: row for single in singles for sha256, row in single.items()}
    if rows.shape != (len(images), encoder.dim) or not np.isfinite(rows).all():
        raise ValueError(f"the encoder gave {rows.shape} for {len(images)} pictures, or values that are not finite")
    return dict(zip(images, rows, strict=True))


def _to_table(rows: Sequence[_Row], dim: int) -> pa.Table:
    schema = embeddings_schema(dim)
    flat = np.concatenate([row.vector for row in rows]) if rows else np.zeros(0, np.float32)
    columns = [
        pa.array([row.file for row in rows], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), type=schema.field("vector").type),
        pa.array([row.sha256 for row in rows], pa.string()),
        pa.array([row.width for row in rows], pa.int32()),
        pa.array([row.height for row in rows], pa.int32()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)
