"""The index stage: parts of the indexes made by workers, a shard each, and merged by the driver. No Beam here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.storage import Work

__all__ = ["TRAINED", "index_images_shard", "index_text_shard", "merge_images", "merge_text", "train_images"]

TRAINED = "trained"
_TRAINED_FILE = "trained.npz"


def index_text_shard(shard: int, work: Work, preset: str) -> dict[str, Any]:
    """Build the text index of a shard's sentences alone, and return what was built."""
    from indexer.text import build_bm25

    section = build_bm25([work.ready_file("sentences", shard)], work.part("bm25", shard), preset)
    work.write_result("bm25-part", shard, {"index": section})
    return section


def merge_text(shards: Sequence[int], work: Work, preset: str) -> dict[str, Any]:
    """Merge the text indexes of shards, in the order of the dump; equal in every hit to one made at once."""
    from indexer.text import merge_bm25

    return merge_bm25([work.built_part("bm25", shard) for shard in shards], work.ready / "bm25", preset)


def train_images(work: Work) -> None:
    """Choose the kind of the image index from all vectors, and return that to the workers."""
    from indexer.images import plan_dense

    folder = work.root / TRAINED
    folder.mkdir(exist_ok=True)
    plan_dense(work.ready_files("embeddings"), folder / _TRAINED_FILE)
    work.share(TRAINED)


def index_images_shard(shard: int, work: Work) -> dict[str, Any]:
    """Make the part of the image index of one embedding shard."""
    from indexer.images import build_dense_part

    trained = work.shared(TRAINED) / _TRAINED_FILE
    build_dense_part(work.ready_file("embeddings", shard), trained, work.part("faiss", shard))
    result: dict[str, Any] = {"shard": shard}
    work.write_result("faiss-part", shard, result)
    return result


def merge_images(shards: Sequence[int], work: Work, encoder: str, encoder_fingerprint: str) -> dict[str, Any]:
    """Merge the parts of the image index; byte for byte what one build makes."""
    from indexer.images import merge_dense

    return merge_dense(
        [work.built_part("faiss", shard) for shard in shards],
        work.ready_files("images"),
        work.root / TRAINED / _TRAINED_FILE,
        work.ready / "faiss",
        encoder=encoder,
        encoder_fingerprint=encoder_fingerprint,
    )
