"""The embed stage where vectors are given: distinct files -> unit vectors, or rejects. No Beam here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.encoders import parse_spec
from pipelines.images import Missing, VectorSource
from pipelines.stages.embed import IMAGE_OUTCOMES, STAGE
from pipelines.stages.embedding_rows import EmbeddingRow, write_rows
from pipelines.storage import Work
from schemas.errors import UsageError
from schemas.records import Reject
from schemas.titles import file_page_url

__all__ = ["name_encoder", "take_shard"]

_ROUNDED = 0.01
"""Lengths within this of 1 are unit vectors that were rounded, as to float16; those within _EXACT stay as they are."""
_EXACT = 1e-6


def name_encoder(spec: str | None, dim: int) -> tuple[str, str]:
    """Return spec and fingerprint of the encoder that the user says made vectors of dim components.

    One that this program can run is loaded, for its fingerprint and so that queries will find it; `other:NAME` stands
    for any other, and is its own fingerprint.

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


def take_shard(
    shard: int,
    reject_number: int,
    files: Collection[str],
    source: VectorSource,
    work: Work,
) -> dict[str, Any]:
    """Take the vectors of one embedding shard, brought to length 1, ordered by name.

    Args:
        shard: number of the embedding shard.
        reject_number: number of its file in the rejects table.
        files: distinct canonical names.
        source: gives vectors; described and open.
        work: where to write.

    Returns:
        What `pipelines.stages.embed.embed_shard` gives; `images.scaled` counts vectors that were not of length 1.
    """
    rows: list[EmbeddingRow] = []
    rejects: list[Reject] = []
    counts: dict[str, Counter[str]] = {name: Counter() for name in IMAGE_OUTCOMES}
    scaled = 0
    for done, (file, found) in enumerate(source.vectors(files), start=1):
        if isinstance(found, Missing):
            rejects.append(Reject("image", file, "missing", f"{found.reason}: {found.detail}"))
            counts["images_missing_by_reason"][found.reason] += 1
        elif fault := find_fault(found, source.dim):
            rejects.append(Reject("image", file, fault[0], f"{fault[1]} [{source.spec}]"))
            counts["images_broken_by_reason"][fault[0]] += 1
            counts["images_broken_by_source"][source.spec] += 1
        else:
            length = np.linalg.norm(found.astype(np.float64))
            scaled += bool(abs(length - 1) > _ROUNDED)
            unit = found if abs(length - 1) <= _EXACT else (found / length).astype(np.float32)
            rows.append(EmbeddingRow(file, unit, "", 0, 0, source.spec, file_page_url(file)))
            counts["images_embedded_by_source"][source.spec] += 1
        if done % 1_000 == 0:
            work.write_beat(STAGE, shard, files=done)
    rows.sort(key=lambda row: row.file)
    missing = sum(reject.reason == "missing" for reject in rejects)
    parts = {"embedded": len(rows), "encoded": 0, "missing": missing, "broken": len(rejects) - missing}
    result = {
        "files": write_rows(work, shard, reject_number, rows, rejects, source.dim),
        "images": {"files": len(files), **parts, "scaled": scaled},
        **{name: dict(counter) for name, counter in counts.items()},
        "taken_over": 0,
        "encoder": {"dim": source.dim},
    }
    work.write_result(STAGE, shard, result)
    return result


def find_fault(vector: npt.NDArray[np.float32], dim: int) -> tuple[str, str] | None:
    """Tell why a vector cannot be used: reason and detail.

    >>> find_fault(np.array([1, np.nan], np.float32), 2)
    ('not_finite', '1 of 2 components are no finite numbers')
    """
    if len(vector) != dim:
        return "wrong_length", f"{len(vector)} components, not {dim}"
    bad = int((~np.isfinite(vector)).sum())
    if bad:
        return "not_finite", f"{bad} of {dim} components are no finite numbers"
    return None if vector.any() else ("no_direction", "every component is 0")
