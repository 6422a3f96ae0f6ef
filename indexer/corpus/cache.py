"""Contexts that are made from a data set itself, topics and words of a lexicon, as the rows of a cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from indexer.contexts import CachePart, CacheWriter
from schemas.context_cache import CacheInfo, summarise
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.records import Context, Query, Sample

__all__ = ["Made", "read_splits", "write_made"]


class Made(NamedTuple):
    """A context that was made for a sample."""

    text: str
    score: float | None = None
    doc_id: str = ""
    matched: str = ""


def read_splits(samples: Path) -> dict[str, list[Sample]]:
    """Read all samples of a data set by split."""
    return {split: read_samples(samples, split) for split in read_dataset(samples).splits}


def write_made(
    out: Path,
    source: str,
    samples: Path,
    made: Mapping[str, Sequence[Made]],
    parameters: Mapping[str, Any],
    *,
    overwrite: bool,
) -> CacheInfo:
    """Write the contexts of all samples of a data set as a cache.

    Args:
        out: the folder of the cache.
        source: its name there.
        samples: the folder of the data set.
        made: by sample_id, best first; a sample without any has no_hit.
        parameters: how they were made.
        overwrite: replace another cache.

    Raises:
        UsageError: another cache is at out and overwrite is false.
    """
    dataset, rows = read_dataset(samples), read_splits(samples)
    prints = {split: dataset.splits[split].fingerprint for split in rows}
    folder = CacheWriter(out, {**parameters, "source": source, "samples": prints}, overwrite=overwrite)
    if folder.finished is not None:
        return folder.finished
    contexts: list[Context] = []
    queries: list[Query] = []
    for sample in (row for part in rows.values() for row in part):
        found = made.get(sample.sample_id, ())
        status = "hit" if found else "no_hit"
        queries.append(Query(sample.sample_id, source, input_digest(sample), status, len(found)))
        contexts += [
            Context(sample.sample_id, source, rank, row.score, row.doc_id, "", row.text, row.matched)
            for rank, row in enumerate(found, start=1)
        ]
    folder.write_part(0, CachePart(contexts, queries))
    values = {**parameters, "source": source, "samples": prints}
    return folder.publish(1, CacheInfo(dataset.name, prints, summarise(queries), None, values, {}))
