"""The Parquet tables: one explicit schema each, with its version in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import SAMPLES_VERSION, SCHEMA_VERSION
from schemas.errors import IndexCorrupt, IndexMismatch

__all__ = [
    "CONTEXTS",
    "FACTS",
    "IMAGES",
    "IMAGE_IDS",
    "LEDGER",
    "OPTIONAL_TABLES",
    "PAGES",
    "PARAGRAPHS",
    "QUERIES",
    "REJECTS",
    "SAMPLES",
    "SENTENCES",
    "TABLES",
    "check_table",
    "embeddings_schema",
    "find_null",
    "read_table",
    "sample_vectors_schema",
    "schema_version",
    "scores_schema",
]

_VERSION_KEY = b"schema_version"
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


def _schema(fields: list[pa.Field], version: int = SCHEMA_VERSION) -> pa.Schema:
    metadata = {_VERSION_KEY: str(version).encode()}
    return pa.schema([field.with_nullable(field.name in _NULLABLE) for field in fields], metadata=metadata)


_NULLABLE = {
    "redirect_target", "image", "tags", "head", "tail", "relation", "score", "entities", "relations", "group", "step",
}  # fmt: skip
_LINK = pa.struct([pa.field("start", pa.int32()), pa.field("end", pa.int32()), pa.field("target", pa.string())])

PAGES = _schema(
    [
        pa.field("page_id", pa.int64()),
        pa.field("revision_id", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("namespace", pa.int32()),
        pa.field("fate", pa.string()),
        pa.field("redirect_target", pa.string()),
        pa.field("size_bytes", pa.int64()),
        pa.field("description", pa.string()),
    ]
)
SENTENCES = _schema(
    [
        pa.field("sentence_id", pa.string()),
        pa.field("paragraph_id", pa.string()),
        pa.field("page_id", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("text", pa.string()),
    ]
)
PARAGRAPHS = _schema(
    [
        pa.field("paragraph_id", pa.string()),
        pa.field("page_id", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("section", pa.string()),
        pa.field("text", pa.string()),
        pa.field("links", pa.list_(_LINK)),
    ]
)
IMAGES = _schema(
    [
        pa.field("file", pa.string()),
        pa.field("page_id", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("section", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("intro", pa.string()),
        pa.field("thumbnail_url", pa.string()),
    ]
)
REJECTS = _schema(
    [
        pa.field("stage", pa.string()),
        pa.field("id", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
    ]
)
_COUNT = pa.struct([pa.field("name", pa.string()), pa.field("number", pa.int64())])
_WRITTEN_LINK = pa.struct(
    [pa.field("paragraph", pa.int32()), pa.field("link", pa.int32()), pa.field("title", pa.string())]
)
LEDGER = _schema(
    [
        pa.field("page_id", pa.int64()),
        pa.field("counters", pa.list_(_COUNT)),
        pa.field("dropped_templates", pa.list_(_COUNT)),
        pa.field("dropped_in_prose", pa.list_(_COUNT)),
        pa.field("shown_by_argument", pa.list_(_COUNT)),
        pa.field("redirected", pa.list_(_WRITTEN_LINK)),
    ]
)
IMAGE_IDS = _schema([pa.field("file", pa.string()), pa.field("page_ids", pa.list_(pa.int64()))])
"""Row n names vector n of the image index, and the pages that use the file."""
TABLES: dict[str, pa.Schema] = {
    "pages": PAGES,
    "sentences": SENTENCES,
    "paragraphs": PARAGRAPHS,
    "images": IMAGES,
    "rejects": REJECTS,
    "ledger": LEDGER,
}
FACTS = _schema([pa.field("page_id", pa.int64()), pa.field("key", pa.string()), pa.field("value", pa.string())])
OPTIONAL_TABLES: dict[str, pa.Schema] = {"facts": FACTS}
"""Tables that an index has only where its build was asked for them."""
_SPAN = pa.struct([pa.field("start", pa.int32()), pa.field("end", pa.int32())])
# Boxes and scores are float64: a sample read back must be equal to the one written, as its hash says.
_BOX = pa.struct([pa.field(name, pa.float64()) for name in ("x1", "y1", "x2", "y2")])
_ENTITY = pa.struct(
    [
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("type", pa.string()),
        pa.field("fine", pa.string()),
        pa.field("boxes", pa.list_(_BOX)),
        pa.field("score", pa.float64()),
    ]
)
_END = pa.struct([pa.field("span", _SPAN), pa.field("box", _BOX)])
"""An end of a relation: one of the two is there."""
_RELATION = pa.struct(
    [
        pa.field("head", _END),
        pa.field("tail", _END),
        pa.field("type", pa.string()),
        pa.field("score", pa.float64()),
    ]
)
SAMPLES = _schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("tokens", pa.list_(pa.string())),
        pa.field("image", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("head", _SPAN),
        pa.field("tail", _SPAN),
        pa.field("relation", pa.string()),
        pa.field("split", pa.string()),
        pa.field("entities", pa.list_(_ENTITY)),
        pa.field("relations", pa.list_(_RELATION)),
        pa.field("group", pa.string()),
        pa.field("step", pa.int32()),
    ],
    SAMPLES_VERSION,
)
CONTEXTS = _schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("score", pa.float32()),
        pa.field("doc_id", pa.string()),
        pa.field("title", pa.string()),
        pa.field("text", pa.string()),
        pa.field("matched", pa.string()),
        pa.field("description", pa.string()),
    ]
)
QUERIES = _schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("digest", pa.string()),
        pa.field("status", pa.string()),
        pa.field("contexts", pa.int32()),
    ]
)


def embeddings_schema(dim: int) -> pa.Schema:
    """Return the schema of ImageEmbedding rows whose vectors have dim float32 components.

    >>> embeddings_schema(4).field("vector").type.list_size
    4
    """
    return _schema(
        [
            pa.field("file", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), dim)),
            pa.field("sha256", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("source", pa.string()),
            pa.field("page_url", pa.string()),
        ]
    )


def sample_vectors_schema(dim: int, encoder: str) -> pa.Schema:
    """Return the schema of the image vectors of samples: digest (`schemas.dataset.input_digest`), vector [dim].

    Args:
        dim: components, float32.
        encoder: fingerprint of the weights that made them; stands in the file's metadata.

    >>> sample_vectors_schema(4, "0a1b").metadata[b"encoder"]
    b'0a1b'
    """
    schema = _schema([pa.field("digest", pa.string()), pa.field("vector", pa.list_(pa.float32(), dim))])
    return schema.with_metadata({**schema.metadata, b"encoder": encoder.encode()})


def scores_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema of a table of scores: file of a picture, vector [2 n].

    The vector has n scores, 0 where one is missing, and then n flags: 1 where it is there. So a gate that reads vectors
    of pictures reads scores in the same way, and a missing score is never taken for one of 0.

    Args:
        names: of the n scores; they stand in the metadata, as the encoder of the vectors.

    >>> scores_schema(["strong", "weak"]).field("vector").type.list_size
    4
    """
    schema = _schema([pa.field("file", pa.string()), pa.field("vector", pa.list_(pa.float32(), 2 * len(names)))])
    listed = json.dumps(list(names))
    return schema.with_metadata(
        {**schema.metadata, b"encoder": f"scores {listed}".encode(), b"scores": listed.encode()}
    )


def schema_version(schema: pa.Schema) -> str:
    """Return the version that a schema's metadata states, or "none".

    >>> schema_version(SAMPLES), schema_version(pa.schema([]))
    ('2', 'none')
    """
    return str((schema.metadata or {}).get(_VERSION_KEY, b"none").decode("ascii", "replace"))


def check_table(path: str | Path, expected: pa.Schema) -> int:
    """Check one Parquet file against its schema and version, and return its number of rows.

    Raises:
        IndexCorrupt: the file is not readable as Parquet, or its columns differ.
        IndexMismatch: it was written under another schema version.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (OSError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a readable Parquet file ({error})", path=path, remedy=_REBUILD) from error
    version, known = schema_version(schema), schema_version(expected)
    if version != known:
        raise IndexMismatch(f"schema version {version}, this program reads {known}", path=path, remedy=_REBUILD)
    if not schema.equals(expected):
        raise IndexCorrupt("columns differ from the contract", path=path, remedy=_REBUILD)
    return int(rows)


def read_table(path: Path, schema: pa.Schema, remedy: str) -> pa.Table:
    """Read a Parquet file that must have a schema and our schema version.

    Raises:
        IndexCorrupt: it is not readable, or its columns differ.
        IndexMismatch: it was written under another schema version.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a readable Parquet file ({error})", path=path, remedy=remedy) from error
    version, known = schema_version(table.schema), schema_version(schema)
    if version != known:
        raise IndexMismatch(f"schema version {version}, this program reads {known}", path=path, remedy=remedy)
    if not table.schema.equals(schema):
        raise IndexCorrupt("columns differ from the contract", path=path, remedy=remedy)
    if (name := find_null(table)) is not None:
        raise IndexCorrupt("a value is not there", path=path, place=f"column {name}", remedy=remedy)
    return table


def find_null(table: pa.Table) -> str | None:
    """Name the first column whose lists or structures lack a value inside, where the schema cannot forbid it.

    >>> find_null(pa.table({"tags": [None, ["O", None]]}, schema=pa.schema([pa.field("tags", pa.list_(pa.string()))])))
    'tags'
    """
    for field, column in zip(table.schema, table.columns, strict=True):
        for chunk in column.chunks:
            if pa.types.is_list(field.type) and chunk.flatten().null_count:
                return str(field.name)
            if pa.types.is_struct(field.type) and any(part.null_count > chunk.null_count for part in chunk.flatten()):
                return str(field.name)
    return None
