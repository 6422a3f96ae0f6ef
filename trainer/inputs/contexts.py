"""The contexts that a run reads: each source from the first cache that has it, the best of each, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.context_cache import read_cache, read_context_rows, read_query_rows
from schemas.dataset import input_digest
from schemas.errors import IndexMismatch, UsageError
from schemas.records import Context, Sample
from trainer.blocks import DataConfig

__all__ = ["describe_sources", "read_contexts", "read_sources"]


def read_sources(data: DataConfig, samples: Sequence[Sample], *, is_training: bool = False) -> dict[str, list[Context]]:
    """Read the contexts of samples.

    Args:
        data: names the sources.
        samples: to read them of.
        is_training: read all sources, also where one of them is drawn in each epoch; else that is the first of them.

    Returns:
        sample_id -> contexts by source in the order of data.sources, and by rank; an empty list where there are none.

    Raises:
        UsageError: no cache has a source.
        IndexMismatch: a cache was made for other samples.
    """
    found: dict[str, list[Context]] = {sample.sample_id: [] for sample in samples}
    folders = _folders(data)
    if data.contexts_mode == "one" and not is_training:
        folders = dict(list(folders.items())[:1])
    for source, folder in folders.items():
        for sample_id, contexts in read_contexts(folder, [source], samples).items():
            found[sample_id] += [context for context in contexts if context.rank <= data.contexts_per_source]
    return found


def describe_sources(data: DataConfig) -> dict[str, dict[str, Any]]:
    """Return how the contexts of each source were made: the index's fingerprint and the parameters of its cache."""
    infos = {source: read_cache(folder) for source, folder in _folders(data).items()}
    return {source: {"index": info.index_fingerprint, "parameters": info.parameters} for source, info in infos.items()}


def _folders(data: DataConfig) -> dict[str, str]:
    """Return for each source the first cache that has it."""
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


def read_contexts(folder: str | Path, sources: Sequence[str], samples: Sequence[Sample]) -> dict[str, list[Context]]:
    """Read the contexts of samples from a cache, and check that it was made for exactly these samples.

    Args:
        folder: a finished cache.
        sources: which of its sources, in the order of the result.
        samples: all or some of the samples that it was made for; labels do not matter.

    Returns:
        sample_id -> contexts, by source in the order given and by rank; an empty list where there are none.

    Raises:
        UsageError: the cache has no such source.
        IndexMismatch: the cache was made without a sample, or the sample had other tokens or another image.
    """
    known = read_cache(folder).sources
    for source in sources:
        if source not in known:
            raise UsageError(f"no source {source!r} in this cache, there are: {', '.join(known)}", path=folder)
    digests = {(query.sample_id, query.source): query.digest for query in read_query_rows(folder)}
    found: dict[str, list[Context]] = {}
    for sample in samples:
        for source in sources:
            _check_digest(digests.get((sample.sample_id, source)), sample, source, folder)
        found[sample.sample_id] = []
    order = {source: position for position, source in enumerate(sources)}
    for context in read_context_rows(folder):
        if context.source in order and context.sample_id in found:
            found[context.sample_id].append(context)
    for contexts in found.values():
        contexts.sort(key=lambda context: (order[context.source], context.rank))
    return found


def _check_digest(digest: str | None, sample: Sample, source: str, folder: str | Path) -> None:
    if digest == input_digest(sample):
        return
    fault = "is not in it" if digest is None else "had other tokens or another image"
    raise IndexMismatch(
        f"the cache was made for other samples: {sample.sample_id} {fault}",
        path=folder,
        place=f"source {source}",
        remedy="make the cache for these samples: mie-index retrieve, or mie-index contexts import",
    )
