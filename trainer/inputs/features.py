"""Visual features of samples, as a model reads them: the stores of a run in memory, and the rows of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from schemas.records import Sample

__all__ = ["FeatureRow", "FeatureStore", "Features", "SampleFeatures", "stack_features"]


class Features(NamedTuple):
    """Vectors of the pictures of B samples: K of each (whole pictures, regions), with D components.

    Args:
        values: [B, K, D]; what stands in an absent row is never read.
        present: which of them are there [B, K] bool. Absence is this mask, never a vector of zeros.
        boxes: of the regions, in pixels [B, K, 4]; None where the features have none.
        view: number of the view of each column [K] int64, for instance 0 for the whole picture and 1 for regions.
        score: how sure the detector is of each region [B, K]; None where the features have none.
        own: which samples have their own picture, where training exchanges pictures [B] bool; None where all have.
        picture: a number of each sample's picture [B] int64, the same for the same picture; None where values tell.
    """

    values: Tensor
    present: Tensor
    boxes: Tensor | None
    view: Tensor
    score: Tensor | None
    own: Tensor | None = None
    picture: Tensor | None = None

    def to(self, device: str) -> Features:
        """Return the features on a device."""
        return Features(*(None if part is None else part.to(device) for part in self))  # type: ignore[arg-type]


class FeatureStore(Protocol):
    """Features that were computed before and lie on disk."""

    def read(self, samples: Sequence[Sample]) -> Features:
        """Return the features of samples. A missing or broken picture is absent, and the store counts it."""


@dataclass(frozen=True, eq=False)
class ViewTable:
    """The vectors of one view of a store, picture after picture.

    Args:
        values: [V, D] float16.
        boxes: [V, 4] float32; NaN where a vector has no place.
        scores: [V] float32; NaN where nobody says how sure it is.
        starts: first vector of each picture, and V [P + 1] int64.
        is_right: which vectors are numbers [V].
        columns: the most vectors of a picture, in this store.
    """

    values: Tensor
    boxes: Tensor
    scores: Tensor
    starts: Tensor
    is_right: Tensor
    columns: int


@dataclass(frozen=True, eq=False)
class SampleFeatures:
    """The features of N samples: the tables of all stores, and the rows of each sample in them.

    Args:
        tables: of each view of each store, in the order of the columns of a batch.
        names: `STORE/VIEW` of each table; its position is the number of the view.
        rows: of each sample in each table [N, tables] int64; -1 where it has no picture.
        stores: what describes each store (`describe_stores`).
        counts: what is not there, by name.
    """

    tables: tuple[ViewTable, ...]
    names: tuple[str, ...]
    rows: Tensor
    stores: tuple[Mapping[str, Any], ...]
    counts: dict[str, int]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint of each store."""
        return tuple(str(store["fingerprint"]) for store in self.stores)

    @property
    def dim(self) -> int:
        """Components of a vector in a batch: of the widest view. The others are filled up with zeros."""
        return max(int(table.values.shape[1]) for table in self.tables)

    @property
    def view_numbers(self) -> Tensor:
        """The number of the view of each column of a batch [K] int64."""
        return torch.cat([torch.full((table.columns,), i) for i, table in enumerate(self.tables)])

    def without_pictures(self) -> SampleFeatures:
        """Return the features of the same samples as if none had a picture."""
        return replace(self, rows=torch.full_like(self.rows, -1))

    def of_others(self, seed: int) -> SampleFeatures:
        """Return features in which each sample has the picture of its neighbour in a shuffled circle: never its own."""
        order = torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(seed))
        rows = self.rows.clone()
        rows[order] = self.rows[order.roll(1)]
        return replace(self, rows=rows)

    def read_rows(self, numbers: Sequence[int]) -> Features:
        """Return the features of samples by their numbers, as float32; memory is that of the batch."""
        parts = [_take(table, self.rows[list(numbers), i], self.dim) for i, table in enumerate(self.tables)]
        boxes = torch.cat([part.boxes for part in parts if part.boxes is not None], 1)
        score = torch.cat([part.score for part in parts if part.score is not None], 1)
        return Features(
            torch.cat([part.values for part in parts], 1),
            torch.cat([part.present for part in parts], 1),
            boxes if any(table.boxes.isfinite().any() for table in self.tables) else None,
            self.view_numbers,
            score if any(table.scores.isfinite().any() for table in self.tables) else None,
        )


class FeatureRow(NamedTuple):
    """The features of one sample: all features, and its number in them."""

    features: SampleFeatures
    number: int


def stack_features(rows: Sequence[FeatureRow | None]) -> Features | None:
    """Return the features of the samples of a batch; None where they have none.

    Args:
        rows: of samples that were read together.
    """
    there = [row for row in rows if row is not None]
    return there[0].features.read_rows([row.number for row in there]) if there else None


def _take(table: ViewTable, rows: Tensor, dim: int) -> Features:
    """Return the vectors of pictures [B] in one table, in columns; -1 is a sample without a picture."""
    first = table.starts[rows.clamp(min=0)]  # [B]
    length = (table.starts[rows.clamp(min=0) + 1] - first) * (rows >= 0)
    columns = torch.arange(table.columns)
    present = columns[None, :] < length[:, None]  # [B, K]
    places = (first[:, None] + columns[None, :]).where(present, 0)
    values = torch.zeros(len(rows), table.columns, dim)
    boxes, score = torch.full((len(rows), table.columns, 4), float("nan")), torch.full(present.shape, float("nan"))
    if len(table.values):
        present = present & table.is_right[places]
        values[:, :, : table.values.shape[1]] = table.values[places].float()
        # What is absent is filled with zeros: a NaN there would spread through a product with the mask.
        values = values.where(present[:, :, None], 0.0)
        boxes = table.boxes[places].where(present[:, :, None], float("nan"))
        score = table.scores[places].where(present, float("nan"))
    return Features(values, present, boxes, torch.zeros(0), score)
