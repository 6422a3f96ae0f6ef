"""Writes a feature store: in parts, so that an interrupted run continues, and into place by one rename.

Files while it is made, of which the mark comes last in each part, and when it is finished:

    <out>.partial/  plan.json            the parameters; parts of other parameters are never mixed with these
                    VIEW-00000.parquet   of each view
                    part-00000.json      the mark: part 0 is finished; its counts, rejects and unusable pictures
    <out>/          VIEW.parquet  samples.parquet  rejects.parquet  features.json
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.features.rows import TableHash
from indexer.part_folder import PartFolder
from schemas.feature_store import FEATURES_NAME, StoreInfo, ViewInfo, feature_samples_schema, read_store, write_store
from schemas.manifest import write_json_atomically
from schemas.records import Reject
from schemas.tables import REJECTS

__all__ = ["StorePart", "StoreSample", "StoreWriter", "Sums"]


@dataclass(frozen=True)
class StorePart:
    """The rows of a number of pictures.

    Args:
        tables: by view; the same pictures in each.
        counts: by name.
        rejects: pictures and boxes without vectors.
        unusable: numbers of the pictures that cannot be read, counted over all parts.
        seconds: of the work.
    """

    tables: Mapping[str, pa.Table]
    counts: Mapping[str, int]
    rejects: Sequence[Reject]
    unusable: Sequence[int]
    seconds: float


@dataclass(frozen=True)
class StoreSample:
    """Which row of the tables a sample has, and why it has none."""

    sample_id: str
    digest: str
    row: int
    status: str


@dataclass
class Sums:
    """The marks of all parts, summed."""

    counts: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    unusable: set[int] = field(default_factory=set)
    seconds: float = 0.0


class StoreWriter(PartFolder[StoreInfo]):
    """Writes the parts of a store into `<out>.partial`; `publish` joins them and renames the folder to `out`.

    Where a finished store of the same parameters is at `out` already, `finished` describes it and nothing is prepared.

    Args:
        out: the folder of the store.
        parameters: JSON values of all that shapes the rows.
        overwrite: delete what was made with other parameters.

    Raises:
        UsageError: another store, or parts made with other parameters, are here and overwrite is false.
    """

    def __init__(self, out: Path, parameters: dict[str, Any], *, overwrite: bool) -> None:
        super().__init__(out, parameters, FEATURES_NAME, read_store, "feature store", overwrite=overwrite)

    def write_part(self, number: int, part: StorePart) -> None:
        """Write the tables of a part, and then its mark."""
        for view, table in part.tables.items():
            pq.write_table(table, self.partial / f"{view}-{number:05}.parquet", compression="zstd")
        mark = {
            "counts": dict(part.counts),
            "rejects": [asdict(row) for row in part.rejects],
            "unusable": list(part.unusable),
            "seconds": part.seconds,
        }
        write_json_atomically(self.mark(number), mark)

    def sum_up(self, parts: int) -> Sums:
        """Return the sums of all marks."""
        sums = Sums()
        for number in range(parts):
            mark = json.loads(self.mark(number).read_text(encoding="utf-8"))
            sums.counts.update(mark["counts"])
            sums.rejects += [Reject(**row) for row in mark["rejects"]]
            sums.unusable.update(mark["unusable"])
            sums.seconds += mark["seconds"]
        return sums

    def publish(
        self,
        parts: int,
        views: Mapping[str, tuple[str, str]],
        samples: Sequence[StoreSample],
        sums: Sums,
        *,
        dataset: str,
        fingerprints: Mapping[str, str],
    ) -> StoreInfo:
        """Join the parts, write the samples and the description, and rename the folder into place.

        Args:
            parts: how many there are, at least one.
            views: name and fingerprint of the encoder of each.
            samples: whose pictures they are.
            sums: of the parts.
            dataset: name of the data set.
            fingerprints: of its samples by split.
        """
        digest = hashlib.sha256(json.dumps([asdict(row) for row in samples]).encode())
        found = {view: self._join(view, parts, *encoder, digest) for view, encoder in views.items()}
        _write(self.partial / "samples.parquet", samples, feature_samples_schema())
        _write(self.partial / "rejects.parquet", sums.rejects, REJECTS)
        size = sum((self.partial / f"{view}.parquet").stat().st_size for view in views)
        info = StoreInfo(
            dataset, dict(fingerprints), found, dict(sorted(sums.counts.items())), self.parameters, size,
            round(sums.seconds, 3), digest.hexdigest(),
        )  # fmt: skip
        write_store(self.partial, info)
        self.move_into_place()
        return info

    def _join(self, view: str, parts: int, encoder: str, fingerprint: str, digest: hashlib._Hash) -> ViewInfo:
        """Join the parts of a view, one in memory at a time, and add their values to the digest of the store."""
        columns = vectors = 0
        values = TableHash()
        first = pq.read_schema(self._path(view, 0))
        dim = int(first.field("values").type.value_type.list_size)
        with pq.ParquetWriter(self.partial / f"{view}.parquet", first, compression="zstd") as writer:
            for table in self._tables(view, parts):
                lengths = pa.compute.list_value_length(table["values"])
                columns = max(columns, pa.compute.max(lengths).as_py() or 0)
                vectors += pa.compute.sum(lengths).as_py() or 0
                values.add(table)
                writer.write_table(table)
        digest.update(f"\n{view} {dim} {fingerprint} {values.hexdigest()}\n".encode())
        return ViewInfo(dim, columns, vectors, encoder, fingerprint)

    def _tables(self, view: str, parts: int) -> Iterator[pa.Table]:
        for number in range(parts):
            yield pq.read_table(self._path(view, number))

    def _path(self, view: str, number: int) -> Path:
        return self.partial / f"{view}-{number:05}.parquet"


def _write(path: Path, rows: Sequence[StoreSample] | Sequence[Reject], schema: pa.Schema) -> None:
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema), path)
