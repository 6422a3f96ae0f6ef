"""The manifest of an index folder: what was built from which files, and every file of the folder with its hash.

It is written last, by rename: a folder without a manifest is not an index.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from schemas import SCHEMA_VERSION
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound

__all__ = [
    "MANIFEST_NAME",
    "InputFile",
    "Manifest",
    "Shard",
    "fingerprint",
    "is_as_written",
    "read_manifest",
    "sha256_file",
    "write_json_atomically",
    "write_manifest",
]

MANIFEST_NAME = "manifest.json"
_MAX_MANIFEST_BYTES = 256 * 1024 * 1024
_KIND = "wiki-index"
_CHECKSUM = "checksum"
_REBUILD = "build it with: beam run build_wiki_index --dump DUMP --output FOLDER"


@dataclass(frozen=True)
class InputFile:
    """A file that the build read. dump_date is the day in its name (`enwiki-20251101-...`), or None."""

    path: str
    size_bytes: int
    sha256: str
    dump_date: str | None = None


@dataclass(frozen=True)
class Shard:
    """A file of the index folder, by its path in the folder. rows is None unless the file is Parquet."""

    table: str
    path: str
    rows: int | None
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All that is needed to check and to query an index folder.

    Args:
        config: the settings of the build that change its output.
        fingerprint: hash of config, inputs and schema version (`fingerprint`).
        inputs: the files that were read.
        pages_read: number of pages in them.
        counts: pages by fate; they sum to `pages_read`.
        counters: all other counts; a value is a number, or numbers by name; and examples of templates, by name.
        shards: every file of the folder except the manifest itself.
        text_index: documents, analyzer, preset, k1, b; None if there is no text index.
        image_index: vectors, encoder, dim, metric, kind; None if there is no image index.
        versions: of this package and of the libraries that shaped the output.
        created: when the build ended, in ISO 8601.
        is_partial: a part of the input was lost, and the user allowed that.
        kind: of the folder; always that of a wiki index.
        schema_version: of the tables.
    """

    config: dict[str, Any]
    fingerprint: str
    inputs: tuple[InputFile, ...]
    pages_read: int
    counts: dict[str, int]
    counters: dict[str, Any]
    shards: tuple[Shard, ...]
    text_index: dict[str, Any] | None
    image_index: dict[str, Any] | None
    versions: dict[str, str]
    created: str
    is_partial: bool = False
    kind: str = _KIND
    schema_version: int = field(default=SCHEMA_VERSION)


def fingerprint(config: Mapping[str, Any], inputs: tuple[InputFile, ...]) -> str:
    """Hash what decides the output: settings, input bytes and schema version.

    Two builds with one fingerprint write the same tables, wherever their input files lie.

    >>> fingerprint({"a": 1}, ()) == fingerprint({"a": 1}, ()) != fingerprint({"a": 2}, ())
    True
    """
    parts = {
        "config": dict(config),
        "inputs": [[Path(file.path).name, file.size_bytes, file.sha256] for file in inputs],
        "schema_version": SCHEMA_VERSION,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits, in constant memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json_atomically(path: Path, value: Any) -> None:
    """Write JSON to a temporary name, flush it to the disk, and rename it into place."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(_to_text(value))
        # Without this, a power cut after the rename could leave an empty file under the final name.
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_manifest(folder: str | Path, manifest: Manifest) -> None:
    """Write the manifest. A build does this last: it declares the folder finished."""
    values = asdict(manifest)
    write_json_atomically(Path(folder) / MANIFEST_NAME, {**values, _CHECKSUM: _checksum(values)})


def _checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(_to_text(values).encode()).hexdigest()


def is_as_written(folder: str | Path) -> bool:
    """Return whether the bytes of a manifest are those that `write_manifest` wrote.

    The manifest holds a checksum of its own values. Values that are the same but written differently (other blanks,
    another order of keys) are a difference, too.

    Raises:
        OSError, ValueError: the manifest cannot be read as JSON.
    """
    text = (Path(folder) / MANIFEST_NAME).read_text(encoding="utf-8")
    values = json.loads(text)
    # The checksum is that of all other values, written as `write_manifest` writes them.
    rest = {name: value for name, value in values.items() if name != _CHECKSUM}
    return text == _to_text(values) and values.get(_CHECKSUM) == _checksum(rest)


def read_manifest(folder: str | Path) -> Manifest:
    """Read the manifest of a finished index folder.

    Raises:
        IndexNotFound: the folder has no manifest.
        IndexCorrupt: the manifest cannot be read as one of ours.
        IndexMismatch: the manifest has another schema version.
    """
    path = Path(folder) / MANIFEST_NAME
    if not path.is_file():
        raise IndexNotFound("no finished index here (there is no manifest.json)", path=folder, remedy=_REBUILD)
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ValueError(f"larger than {_MAX_MANIFEST_BYTES} bytes")
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("kind") != _KIND:
            raise ValueError("not the manifest of a wiki index")
        _check_version(values, path)  # before the keys, which another version may have changed
        values.pop(_CHECKSUM, None)
        return _to_manifest(values)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise IndexCorrupt(f"unreadable manifest ({error})", path=path, remedy=_REBUILD) from error


def _check_version(values: Mapping[str, Any], path: Path) -> None:
    version = values.get("schema_version")
    if version != SCHEMA_VERSION:
        raise IndexMismatch(
            f"schema version {version}, this program reads {SCHEMA_VERSION}", path=path, remedy=_REBUILD
        )


def _to_manifest(values: dict[str, Any]) -> Manifest:
    known = {item.name for item in fields(Manifest)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown keys {unknown}")
    values["inputs"] = tuple(InputFile(**row) for row in values["inputs"])
    values["shards"] = tuple(_to_shard(row) for row in values["shards"])
    return Manifest(**values)


def _to_shard(row: dict[str, Any]) -> Shard:
    """Read the entry of a file; a path that leaves the folder is refused, for a manifest may come from elsewhere."""
    shard = Shard(**row)
    parts = Path(shard.path).parts
    if not parts or Path(shard.path).is_absolute() or ".." in parts:
        raise ValueError(f"shard path {shard.path!r} leaves the folder")
    return shard
