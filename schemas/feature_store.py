"""The folder of a feature store: the vectors of the samples' pictures, a table for each view, and whose they are.

It holds `samples.parquet` (one row for each sample), `VIEW.parquet` for each view (one row for each picture, the same
pictures in the same order), `rejects.parquet` (pictures and boxes without vectors, and why) and `features.json`, which
sums them up and is written last: a folder without it is not a store.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas import SCHEMA_VERSION
from schemas.descriptions import read_description
from schemas.manifest import write_json_atomically
from schemas.tables import read_table

__all__ = [
    "ABSENT_ROW",
    "FEATURES_NAME",
    "VIEWS",
    "WORD_VIEWS",
    "StoreInfo",
    "ViewInfo",
    "feature_samples_schema",
    "features_schema",
    "read_feature_samples",
    "read_store",
    "read_view",
    "write_store",
]

FEATURES_NAME = "features.json"
WORD_VIEWS = ("words", *(f"words-{number}" for number in range(2, 9)))
"""The words of a sample's captions: a view for each captioner, in the order in which they were given."""
VIEWS = ("whole", "grid", "pyramid", "regions", "focal", "prompts", "given", *WORD_VIEWS)
"""The views of a picture, in the order in which they stand in a model's input.

whole: one vector of the whole picture; grid: its cells, row by row; pyramid: four positions (2 x 2, row by row) of the
whole picture and then of each region, with the channels of all stages; regions: one vector of each box; focal: the
whole picture with a frame drawn around a box; prompts: words that fit the picture; given: vectors that others made;
words: the pieces of what captions say of the picture.
"""
ABSENT_ROW = -1
"""The row of a sample that has no picture in the tables."""
_KIND = "features"
_REMEDY = "make it again: mie-index features, or mie-index features import, with --overwrite"


@dataclass(frozen=True)
class ViewInfo:
    """One view of a store.

    Args:
        dim: components of a vector.
        columns: the most vectors that a picture has.
        vectors: of all pictures.
        encoder: the name of what made the vectors.
        encoder_fingerprint: of its weights; "" where nobody said it.
    """

    dim: int
    columns: int
    vectors: int
    encoder: str
    encoder_fingerprint: str


@dataclass(frozen=True)
class StoreInfo:
    """What a store holds.

    Args:
        dataset: name of the data set.
        fingerprints: of the samples of the data set, by split.
        views: by name, in the order of VIEWS.
        counts: pictures, samples, boxes, and what was missing, broken, empty, outside, ..., by name.
        parameters: all that shaped the vectors.
        size_bytes: of the tables.
        seconds: of the work, summed over all parts.
        fingerprint: sha256 of all vectors, boxes and samples.
        kind: of the folder; always that of a store.
        schema_version: of the tables.
    """

    dataset: str
    fingerprints: dict[str, str]
    views: dict[str, ViewInfo]
    counts: dict[str, int]
    parameters: dict[str, Any]
    size_bytes: int
    seconds: float
    fingerprint: str
    kind: str = _KIND
    schema_version: int = SCHEMA_VERSION


def _schema(fields: list[pa.Field]) -> pa.Schema:
    """Return a schema with its version, in which every column must have a value."""
    return pa.schema(
        [field.with_nullable(False) for field in fields], metadata={b"schema_version": str(SCHEMA_VERSION).encode()}
    )


def features_schema(dim: int) -> pa.Schema:
    """Return the schema of one view of a feature store: a row for each picture, with K vectors of dim components.

    boxes are in pixels of the picture (width, height) as displayed; a box, a score or a size that nobody knows is NaN
    or 0, and a name "". The vectors are float16: half the memory, and a step of 0.1 % is far below their noise.

    >>> features_schema(4).field("values").type.value_type.list_size
    4
    """
    return _schema(
        [
            pa.field("picture", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("values", pa.list_(pa.list_(pa.float16(), dim))),
            pa.field("boxes", pa.list_(pa.list_(pa.float32(), 4))),
            pa.field("names", pa.list_(pa.string())),
            pa.field("scores", pa.list_(pa.float32())),
        ]
    )


def feature_samples_schema() -> pa.Schema:
    """Return the schema of the samples of a feature store: which row of the tables has the picture of each."""
    return _schema(
        [
            pa.field("sample_id", pa.string()),
            pa.field("digest", pa.string()),
            pa.field("row", pa.int32()),
            pa.field("status", pa.string()),
        ]
    )


def write_store(folder: Path, info: StoreInfo) -> None:
    """Write `features.json`, after all tables: it declares the store finished."""
    write_json_atomically(folder / FEATURES_NAME, asdict(info))


def read_store(folder: str | Path) -> StoreInfo:
    """Read `features.json`.

    Raises:
        IndexNotFound: the folder has no such file.
        IndexCorrupt: the file cannot be read as one of ours.
        IndexMismatch: the file has another schema version.
    """
    path = Path(folder) / FEATURES_NAME
    return read_description(path, _to_info, kind=_KIND, version=SCHEMA_VERSION, noun="feature store", remedy=_REMEDY)


def _to_info(values: dict[str, Any]) -> StoreInfo:
    views = {name: ViewInfo(**values["views"][name]) for name in VIEWS if name in values["views"]}
    if len(views) != len(values["views"]):
        raise ValueError(f"unknown views among {', '.join(values['views'])}")
    return StoreInfo(**{**values, "views": views})


def read_feature_samples(folder: str | Path) -> dict[str, tuple[str, int, str]]:
    """Read whose pictures they are: sample_id -> digest of the sample, row in the tables, status.

    The row is ABSENT_ROW where the sample has no picture in the tables. The status is ok, no_image, missing_image,
    broken_image or no_caption.
    """
    table = read_table(Path(folder) / "samples.parquet", feature_samples_schema(), _REMEDY).to_pydict()
    columns = (table[name] for name in ("sample_id", "digest", "row", "status"))
    return {sample_id: (digest, row, status) for sample_id, digest, row, status in zip(*columns, strict=True)}


def read_view(folder: str | Path, view: str, dim: int) -> pa.Table:
    """Read the table of a view.

    Raises:
        IndexCorrupt: it is not readable, or has vectors of another size.
    """
    return read_table(Path(folder) / f"{view}.parquet", features_schema(dim), _REMEDY)
