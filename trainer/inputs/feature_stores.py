"""Reads the feature stores of a run once, and checks that they are of its samples and of its encoders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from schemas.dataset import input_digest
from schemas.errors import IndexMismatch, UsageError
from schemas.feature_store import ABSENT_ROW, StoreInfo, read_feature_samples, read_store, read_view
from schemas.records import Sample
from trainer.inputs.features import SampleFeatures, ViewTable

__all__ = ["check_stores", "describe_stores", "read_features"]

_REMEDY = "make the store for these samples: mie-index features, or mie-index features --import"


def read_features(folders: Sequence[str], samples: Sequence[Sample]) -> SampleFeatures | None:
    """Read the features of samples from stores; only the vectors of their pictures stay in memory.

    Args:
        folders: of the stores, in the order of the columns; none is a run without pictures.
        samples: all or some of those that each store was made for; labels do not matter.

    Raises:
        IndexMismatch: a store was made without a sample, or the sample had other tokens or another image.
        UsageError: a store is named twice.
    """
    if not folders:
        return None
    if len(set(folders)) < len(folders):
        raise UsageError("a store of features is named twice", path=", ".join(folders), remedy="set data.features")
    tables: list[ViewTable] = []
    names: list[str] = []
    rows: list[torch.Tensor] = []
    counts: Counter[str] = Counter()
    infos = [read_store(folder) for folder in folders]
    for folder, info in zip(folders, infos, strict=True):
        own = _rows_of(folder, samples, counts)
        kept = np.unique(own[own != ABSENT_ROW])
        renumbered = np.where(own == ABSENT_ROW, ABSENT_ROW, np.searchsorted(kept, own))
        for view, facts in info.views.items():
            table = _read_table(folder, view, facts.dim, facts.columns, kept)
            counts["vectors_not_finite"] += int((~table.is_right).sum())
            tables.append(table)
            names.append(f"{Path(folder).name}/{view}")
            rows.append(torch.from_numpy(renumbered))
    stores = tuple(map(_describe, infos))
    return SampleFeatures(tuple(tables), tuple(names), torch.stack(rows, 1), stores, dict(counts))


def describe_stores(folders: Sequence[str]) -> list[dict[str, Any]]:
    """Return what identifies the features of a run: a store's fingerprint, the encoder and size of each of its views.

    The parameters stand there too, so that the features of new samples can be made in the same way.
    """
    return [_describe(read_store(folder)) for folder in folders]


def check_stores(features: SampleFeatures | None, trained: Sequence[Mapping[str, Any]]) -> None:
    """Check that stores have the views that an expert was trained with, by the same encoders.

    Args:
        features: that the expert is to read; None without stores.
        trained: what `describe_stores` returned for the training.

    Raises:
        UsageError: another number of stores.
        IndexMismatch: other views, or vectors of another encoder or size.
    """
    stores = () if features is None else features.stores
    if len(stores) != len(trained):
        raise UsageError(
            f"{len(stores)} feature stores, the expert was trained with {len(trained)}",
            remedy="give as many, in the order of data.features",
        )
    for number, (store, row) in enumerate(zip(stores, trained, strict=True), start=1):
        views = store["views"]
        if views == row["views"]:
            continue
        others = [name for name in {**views, **row["views"]} if views.get(name) != row["views"].get(name)]
        raise IndexMismatch(
            f"features of another encoder or other views than in the training: {', '.join(others)}",
            place=f"store {number}",
            remedy="make them with the encoder and the views of the training: mie-index features",
        )


def _describe(info: StoreInfo) -> dict[str, Any]:
    views = {
        name: {"dim": view.dim, "encoder": view.encoder, "encoder_fingerprint": view.encoder_fingerprint}
        for name, view in info.views.items()
    }
    return {"fingerprint": info.fingerprint, "views": views, "parameters": info.parameters}


def _rows_of(folder: str, samples: Sequence[Sample], counts: Counter[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the row of each sample in the tables of a store [N]."""
    known = read_feature_samples(folder)
    found = np.full(len(samples), ABSENT_ROW, np.int64)
    for number, sample in enumerate(samples):
        digest, row, status = known.get(sample.sample_id, (None, ABSENT_ROW, ""))
        if digest != input_digest(sample):
            fault = "is not in it" if digest is None else "had other tokens or another image"
            message = f"the features were made for other samples: {sample.sample_id} {fault}"
            raise IndexMismatch(message, path=folder, remedy=_REMEDY)
        found[number] = row
        counts[status] += 1
    return found


def _read_table(folder: str, view: str, dim: int, columns: int, kept: np.ndarray[Any, np.dtype[np.int64]]) -> ViewTable:
    """Read the vectors of some pictures of a view."""
    table = read_view(folder, view, dim).select(["values", "boxes", "scores"]).take(kept)
    values = table["values"].combine_chunks()
    boxes, scores = table["boxes"].combine_chunks(), table["scores"].combine_chunks()
    lengths = values.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    flat = values.flatten().flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    tensor = torch.from_numpy(flat.astype(np.float16, copy=True))
    places = boxes.flatten().flatten().to_numpy(zero_copy_only=False).reshape(-1, 4)
    sure = scores.flatten().to_numpy(zero_copy_only=False)
    return ViewTable(
        tensor,
        torch.from_numpy(places.astype(np.float32, copy=True)),
        torch.from_numpy(sure.astype(np.float32, copy=True)),
        torch.from_numpy(np.concatenate([[0], lengths.cumsum()]).astype(np.int64)),
        tensor.isfinite().all(1),
        columns,
    )
