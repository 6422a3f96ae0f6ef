"""The regions of a sample's picture, from feature stores: their boxes, names and scores, never their vectors."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.dataset import input_digest
from schemas.errors import IndexCorrupt, MieError
from schemas.feature_store import ABSENT_ROW, features_schema, read_feature_samples, read_store
from schemas.records import Box, Sample
from schemas.tables import check_table

__all__ = ["FeatureStores", "Region"]

_COLUMNS = ("boxes", "names", "scores")
_REMEDY = "make it again: mie-index features, with --overwrite"


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture.

    Args:
        store: name of the store.
        view: of the store.
        number: of its vector in the view, from 0; a model reads the vectors in this order.
        box: in pixels of the picture as displayed.
        name: what the detector calls it; "" where nobody said.
        score: how sure the detector is; None where nobody said.
    """

    store: str
    view: str
    number: int
    box: Box
    name: str = ""
    score: float | None = None


class _OpenedStore:
    """Whose pictures a store has, and the boxes of each view that has boxes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.samples = read_feature_samples(folder)
        self.views: dict[str, pa.Table] = {}
        for view, info in read_store(folder).views.items():
            path = folder / f"{view}.parquet"
            check_table(path, features_schema(info.dim))
            try:
                self.views[view] = pq.read_table(path, columns=list(_COLUMNS), use_threads=False)
            except (OSError, pa.ArrowException) as error:
                raise IndexCorrupt(f"the table cannot be read ({error})", path=path, remedy=_REMEDY) from error

    def regions_of(self, sample: Sample) -> list[Region]:
        """Return the regions of a sample's picture that have a box; none where the store was made for another one."""
        digest, row, _ = self.samples.get(sample.sample_id, ("", ABSENT_ROW, ""))
        if row == ABSENT_ROW or digest != input_digest(sample):
            return []
        return [region for view in self.views for region in self._read(view, row)]

    def _read(self, view: str, row: int) -> list[Region]:
        """Return the regions of one picture in one view.

        Raises:
            IndexCorrupt: the table has no such row.
        """
        table = self.views[view]
        if not 0 <= row < len(table):
            raise IndexCorrupt(f"{view} has no picture {row}", path=self.name, remedy=_REMEDY)
        values = table.slice(row, 1).to_pylist()[0]
        parts = zip(values["boxes"], values["names"], values["scores"], strict=True)
        return [
            Region(self.name, view, number, Box(*box), name, None if math.isnan(score) else score)
            for number, (box, name, score) in enumerate(parts)
            if all(map(math.isfinite, box)) and box[0] < box[2] and box[1] < box[3]
        ]


class FeatureStores:
    """All feature stores; each is read at its first use. Threads may share it.

    Args:
        folders: by the store's name.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._opened: dict[str, _OpenedStore] = {}
        self._lock = threading.Lock()

    def regions_of(self, sample: Sample) -> tuple[list[Region], list[tuple[str, MieError]]]:
        """Return the regions of a sample's picture; and the stores that cannot be used, each with the reason."""
        found: list[Region] = []
        faults: list[tuple[str, MieError]] = []
        for name in self._folders:
            try:
                found += self._open(name).regions_of(sample)
            except MieError as error:
                faults.append((name, error))
        return found, faults

    def _open(self, name: str) -> _OpenedStore:
        with self._lock:
            if name not in self._opened:
                self._opened[name] = _OpenedStore(name, self._folders[name])
            return self._opened[name]
