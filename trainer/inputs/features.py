"""Visual features of samples, as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from schemas.records import Sample

__all__ = ["FeatureStore", "Features"]


class Features(NamedTuple):
    """Vectors of the pictures of B samples: K of each (whole pictures, regions), with D components.

    Args:
        values: [B, K, D]; what stands in an absent row is never read.
        present: which of them are there [B, K] bool. Absence is this mask, never a vector of zeros.
        boxes: of the regions, in pixels [B, K, 4]; None where the features have none.
        view: number of the view of each column [K] int64, for instance 0 for the whole picture and 1 for regions.
        score: how sure the detector is of each region [B, K]; None where the features have none.
    """

    values: Tensor
    present: Tensor
    boxes: Tensor | None
    view: Tensor
    score: Tensor | None


class FeatureStore(Protocol):
    """Features that were computed before and lie on disk."""

    def read(self, samples: Sequence[Sample]) -> Features:
        """Return the features of samples. A missing or broken picture is absent, and the store counts it."""
