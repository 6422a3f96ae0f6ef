"""The index stage in parts: workers index a shard each, and the driver merges these parts. No Beam here.

The steps are those of `indexer.text` and `indexer.images`; `beam.IndexShards` runs them in the workers. On one machine
the driver mostly builds each index in one pass instead (`job.driver`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.storage import Work

__all__ = ["index_images_shard", "index_text_shard", "merge_images", "merge_text", "train_images"]

_TRAINED = "trained"
_TRAINED_FILE = "trained.npz"


def index_text_shard(shard: int, work: Work, preset: str) -> None:
    """Build the text index of a shard's sentences alone."""
    from indexer.text import build_bm25

    section = build_bm25([work.ready_file("sentences", shard)], work.part("bm25", shard), preset)
    work.write_result("bm25-part", shard, {"index": section})


def merge_text(shards: Sequence[int], work: Work, preset: str) -> dict[str, Any]:
    """Merge the text indexes of the shards, in the order of the dump; the hits are those of an index built at once."""
    from indexer.text import merge_bm25

    return merge_bm25([work.built_part("bm25", shard) for shard in shards], work.ready / "bm25", preset)


def train_images(work: Work) -> None:
    """Choose the kind of the image index from all vectors, train it, and share it with the workers."""
    from indexer.images import plan_dense

    folder = work.root / _TRAINED
    folder.mkdir(exist_ok=True)
    plan_dense(work.ready_files("embeddings"), folder / _TRAINED_FILE)
    work.share(_TRAINED)


def index_images_shard(shard: int, work: Work) -> None:
    """Build the part of the image index that has the vectors of one embedding shard."""
    from indexer.images import build_dense_part

    trained = work.shared(_TRAINED) / _TRAINED_FILE
    build_dense_part(work.ready_file("embeddings", shard), trained, work.part("faiss", shard))
    work.write_result("faiss-part", shard, {"shard": shard})


def merge_images(shards: Sequence[int], work: Work, encoder: str, encoder_fingerprint: str) -> dict[str, Any]:
    """Merge the parts of the image index; the files are byte for byte those of an index built in one pass."""
    from indexer.images import merge_dense

    return merge_dense(
        [work.built_part("faiss", shard) for shard in shards],
        work.ready_files("images"),
        work.root / _TRAINED / _TRAINED_FILE,
        work.ready / "faiss",
        encoder=encoder,
        encoder_fingerprint=encoder_fingerprint,
    )
