"""Which contexts a run reads: each source from the first cache that has it, the best of each, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.context_cache import read_cache
from schemas.errors import UsageError
from schemas.records import Context, Sample
from trainer.config import DataConfig
from trainer.inputs.contexts import read_contexts

__all__ = ["describe_sources", "read_sources"]


def read_sources(data: DataConfig, samples: Sequence[Sample]) -> dict[str, list[Context]]:
    """Read the contexts of samples.

    Returns:
        sample_id -> contexts by source in the order of data.sources, and by rank; an empty list where there are none.

    Raises:
        UsageError: no cache has a source.
        IndexMismatch: a cache was made for other samples.
    """
    found: dict[str, list[Context]] = {sample.sample_id: [] for sample in samples}
    for source, folder in _folders(data).items():
        for sample_id, contexts in read_contexts(folder, [source], samples).items():
            found[sample_id] += [context for context in contexts if context.rank <= data.contexts_per_source]
    return found


def describe_sources(data: DataConfig) -> dict[str, dict[str, Any]]:
    """Say of each source how its contexts were made: the index's fingerprint and the parameters of its cache."""
    infos = {source: read_cache(folder) for source, folder in _folders(data).items()}
    return {source: {"index": info.index_fingerprint, "parameters": info.parameters} for source, info in infos.items()}


def _folders(data: DataConfig) -> dict[str, str]:
    """Return the first cache that has a source, for each of them."""
    known = {folder: read_cache(folder).sources for folder in data.contexts} if data.sources else {}
    found: dict[str, str] = {}
    for source in data.sources:
        folder = next((folder for folder, sources in known.items() if source in sources), None)
        if folder is None:
            there = sorted({name for sources in known.values() for name in sources})
            raise UsageError(
                f"no cache has the source {source!r}, there are: {', '.join(there) or 'none'}",
                path=", ".join(data.contexts),
                remedy="name the caches that have it: data.contexts (fit), --contexts (predict)",
            )
        found[source] = folder
    return found
