"""Which contexts a run reads: each source from the first cache that has it, the best of each, in order."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.context_cache import read_cache
from schemas.errors import UsageError
from schemas.records import Context, Sample
from trainer.config import DataConfig
from trainer.contexts import read_contexts

__all__ = ["read_sources"]


def read_sources(data: DataConfig, samples: Sequence[Sample]) -> dict[str, list[Context]]:
    """Read the contexts of samples.

    Returns:
        sample_id -> contexts by source in the order of data.sources, and by rank; an empty list where there are none.

    Raises:
        UsageError: no cache has a source.
        IndexMismatch: a cache was made for other samples.
    """
    found: dict[str, list[Context]] = {sample.sample_id: [] for sample in samples}
    known = {folder: read_cache(folder).sources for folder in data.contexts} if data.sources else {}
    for source in data.sources:
        folder = next((folder for folder, sources in known.items() if source in sources), None)
        if folder is None:
            there = sorted({name for sources in known.values() for name in sources})
            raise UsageError(
                f"no cache has the source {source!r}, there are: {', '.join(there) or 'none'}",
                path=", ".join(data.contexts),
                remedy="set data.contexts to the folders of the caches",
            )
        for sample_id, contexts in read_contexts(folder, [source], samples).items():
            found[sample_id] += [context for context in contexts if context.rank <= data.contexts_per_source]
    return found
