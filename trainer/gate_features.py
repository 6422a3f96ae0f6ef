"""What a gate reads: the pooled text vector, the image vector with a flag for its absence, the experts' entropies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import Tensor

from schemas.errors import IndexNotFound
from schemas.records import Sample
from trainer.gates import GateInput, Reduction
from trainer.posteriors import Posteriors

__all__ = ["gate_input", "image_vectors", "read_vectors"]


def gate_input(
    posteriors: Sequence[Posteriors],
    text: Reduction,
    image: Reduction | None,
    images: Tensor | None,
    targets: Tensor | None,
) -> GateInput:
    """Put together what a gate reads of N samples.

    Args:
        posteriors: of each expert, on the same samples.
        text: fitted to the first expert's pooled vectors.
        image: fitted to image vectors; null where the mixture reads none.
        images: [N, D + 1], the last column 1 where there is an image; else the row is 0.
        targets: right classes [M].
    """
    log_probs = torch.stack([part.log_probs for part in posteriors])  # [E, M, K]
    sample_of = posteriors[0].sample_numbers()  # [M]
    entropy = -(log_probs.exp() * log_probs).sum(-1)  # [E, M]
    sure = 1 - log_probs.exp().max(-1).values  # [E, M]
    agree = (log_probs.argmax(-1) == log_probs.argmax(-1)[:1]).float()[1:]  # [E - 1, M]
    lengths = posteriors[0].lengths.float()  # [N]
    by_sample = torch.zeros(len(lengths), len(posteriors)).index_add_(0, sample_of, entropy.T) / lengths[:, None]
    parts = [text(posteriors[0].pooled), by_sample]
    if image is not None and images is not None:
        flag = images[:, -1:]
        parts += [image(images[:, :-1]) * flag, flag]
    return GateInput(
        log_probs, torch.cat(parts, dim=1), torch.cat([entropy.T, sure.T, agree.T], dim=1), sample_of, targets
    )


def read_vectors(path: Path) -> dict[str, list[float]]:
    """Read image vectors from Parquet (columns file, vector): a file, or a folder of parts.

    Raises:
        IndexNotFound: there are none.
    """
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise IndexNotFound("no image vectors here (Parquet with the columns file and vector)", path=path)
    vectors: dict[str, list[float]] = {}
    for file in files:
        table = pq.read_table(file, columns=["file", "vector"]).to_pydict()
        vectors.update(zip(table["file"], table["vector"], strict=True))
    return vectors


def image_vectors(samples: Sequence[Sample], vectors: dict[str, list[float]]) -> Tensor:
    """Give the image vector of each sample and a flag [N, D + 1]; 0 where there is no image or no vector of it."""
    dim = len(next(iter(vectors.values()), []))
    rows = torch.zeros(len(samples), dim + 1)
    for row, sample in enumerate(samples):
        vector = vectors.get(sample.image or "")
        if vector is not None:
            rows[row, :-1] = torch.tensor(vector)
            rows[row, -1] = 1.0
    return rows
