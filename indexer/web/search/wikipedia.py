"""Where an article of the index stands in its Wikipedia."""

from __future__ import annotations

import re

from schemas.manifest import Manifest

__all__ = ["wikipedia_url"]

_DUMP_NAME = re.compile(r"(?:^|/)([a-z]{2,3}(?:_[a-z]+)*)wiki-")


def wikipedia_url(manifest: Manifest) -> str | None:
    """Return the URL of an article up to its page id; None if the dump's name is not that of a Wikipedia's dump."""
    match = _DUMP_NAME.search(manifest.inputs[0].path) if manifest.inputs else None
    return f"https://{match[1].replace('_', '-')}.wikipedia.org/?curid=" if match else None
