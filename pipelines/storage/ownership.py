"""Whose files are at an output: which are ours by name, what a manifest of ours is, and which files would be lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["ENTRIES", "OTHER_OUTPUT", "find_foreign", "parse_manifest", "to_state", "to_word"]

ENTRIES = ("pages", "sentences", "paragraphs", "images", "rejects", "ledger", "facts", "embeddings", "bm25", "faiss")
"""Folders that a build may publish. Nothing else at the output is ever touched."""

OTHER_OUTPUT = "give another --output"
"""The remedy for an output that cannot be written."""


def parse_manifest(text: str | bytes) -> dict[str, Any] | None:
    """Parse a manifest of ours whatever its schema version; None if it is something else.

    >>> parse_manifest('{"kind": "wiki-index", "schema_version": 99}')
    {'kind': 'wiki-index', 'schema_version': 99}
    >>> parse_manifest('{"kind": "web-extension"}'), parse_manifest("[]"), parse_manifest("no JSON")
    (None, None, None)
    """
    try:
        values = json.loads(text)
    except ValueError:
        return None
    is_ours = isinstance(values, dict) and values.get("kind") == "wiki-index"
    return values if is_ours else None


def find_foreign(names: Iterable[str], manifest: Mapping[str, Any]) -> str | None:
    """Return the first file in a folder of ours that the manifest does not list: a new index would remove it.

    Args:
        names: of files, relative to the output, with slashes.
        manifest: of the index that is there.

    >>> find_foreign(["notes.txt", "pages/part-00000.parquet"], {"shards": [{"path": "pages/part-00000.parquet"}]})
    >>> find_foreign(["pages/notes.txt"], {"shards": []})
    'pages/notes.txt'
    """
    listed = {shard["path"] for shard in manifest.get("shards", ())}
    return next((name for name in names if name.partition("/")[0] in ENTRIES and name not in listed), None)


def to_state(fingerprint: str, plan: str) -> dict[str, str]:
    """Return what names the build that unfinished work belongs to."""
    return {"kind": "wiki-index-build", "fingerprint": fingerprint, "plan": plan}


def to_word(*, is_index: bool, has_work: bool, is_empty: bool) -> str:
    """Return in a word what is at an output.

    >>> to_word(is_index=False, has_work=False, is_empty=True), to_word(is_index=True, has_work=True, is_empty=False)
    ('new', 'index')
    """
    if is_index:
        return "index"
    if has_work:
        return "unfinished build"
    return "new" if is_empty else "something else"
