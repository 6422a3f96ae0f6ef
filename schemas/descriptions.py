"""The description of a folder: a JSON file, written last, that says what kind of folder it is and of which version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound

__all__ = ["read_description"]

T = TypeVar("T")


def read_description(
    path: Path, build: Callable[[dict[str, Any]], T], *, kind: str, version: int, noun: str, remedy: str
) -> T:
    """Read the description of a finished folder.

    Args:
        path: of the file.
        build: makes the description of its JSON values; what it raises means that they are none.
        kind: that the values must have.
        version: of the schema, likewise.
        noun: what the folder is, in an error: "context cache".
        remedy: for all errors.

    Raises:
        IndexNotFound: there is no such file.
        IndexCorrupt: the file cannot be read as one of ours.
        IndexMismatch: the file has another schema version.
    """
    if not path.is_file():
        raise IndexNotFound(f"no finished {noun} here (there is no {path.name})", path=path.parent, remedy=remedy)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("kind") != kind:
            raise ValueError(f"not the description of a {noun}")
        if values["schema_version"] != version:
            raise IndexMismatch("another schema version", path=path, remedy=remedy)
        return build(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IndexCorrupt(f"unreadable description ({error})", path=path, remedy=remedy) from error
