"""Retrieval of contexts for new samples, by the program `mie-index`, as for the training of an expert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.context_cache import keeps_addresses, puts_description_first, read_cache
from schemas.dataset import read_samples
from schemas.manifest import read_manifest
from trainer.commands.index_program import run_index_program
from trainer.training import Talk

__all__ = ["ContextNeeds", "Retriever", "SampleSplit"]

_VIEWS = ("text", "image")


@dataclass(frozen=True)
class SampleSplit:
    """A split of a converted data set.

    Args:
        folder: of the set.
        split: its name.
        images: the folder of its images; None: they are not at hand.
    """

    folder: Path
    split: str
    images: Path | None

    def has_images(self) -> bool:
        """Return whether a sample names an image, and there is a folder of them."""
        rows = read_samples(self.folder, self.split) if self.images is not None else ()
        return any(row.image is not None for row in rows)


@dataclass(frozen=True)
class ContextNeeds:
    """What the experts and the gate of a run read.

    Args:
        sources: the sources of contexts of all experts.
        k: contexts per source.
        has_vectors: whether the gate reads image vectors.
        caches: context caches that are there already; their sources are not retrieved again.
    """

    sources: tuple[str, ...]
    k: int
    has_vectors: bool
    caches: tuple[Path, ...]


class Retriever:
    """Makes context caches of a split from an index, one for each set of parameters.

    The trainer itself opens no index: `mie-index retrieve` runs as a process of its own.

    Args:
        index: the folder of the index.
        samples: the samples to retrieve for.
        needs: what is retrieved.
        work: the folder that gets the caches.
        talk: called with a line about each thing that is missing.

    Raises:
        StoreError: there is no index.
    """

    def __init__(self, index: Path, samples: SampleSplit, needs: ContextNeeds, work: Path, talk: Talk) -> None:
        self._manifest = read_manifest(index)
        self._work, self._talk = work, talk
        self._caches: dict[tuple[str, ...], Path] = {}
        self._views = self._find_views(samples, needs)
        self._arguments = ["retrieve", str(samples.folder), "--index", str(index), "--split", samples.split]
        self._arguments += ["-k", str(needs.k)]
        for view in self._views:
            self._arguments += ["--view", view]
        if "image" in self._views and samples.images is not None:
            self._arguments += ["--images", str(samples.images)]

    def _find_views(self, samples: SampleSplit, needs: ContextNeeds) -> list[str]:
        """Return the views to retrieve: those that no cache has. The image view also brings the vectors of a gate."""
        cached = {source for cache in needs.caches for source in read_cache(cache).sources}
        views = [view for view in _VIEWS if view in needs.sources and view not in cached]
        lacks_vectors = needs.has_vectors and "image" not in {*views, *cached}
        if lacks_vectors and self._manifest.image_index and samples.has_images():
            views.append("image")
        return views

    def retrieve(self, trained: Mapping[str, Any]) -> list[Path]:
        """Return the caches that an expert needs beside those that are there already: one, or none.

        Args:
            trained: how the contexts of its training were made: source -> facts (`contexts` in its run.json).
        """
        if not self._views:
            return []
        found = {view: trained.get(view, {}).get("parameters", {}).get("query", {}) for view in self._views}
        options = _query_options({view: query for view, query in found.items() if isinstance(query, dict)})
        indexes = {view: trained.get(view, {}).get("index") for view in self._views}
        others = [view for view, index in indexes.items() if index not in (None, self._manifest.fingerprint)]
        if others:
            self._talk(f"the {' and '.join(others)} contexts of the training came from another index")
        if options not in self._caches:
            self._caches[options] = self._run(options, self._work / f"contexts-{len(self._caches)}")
        return [self._caches[options]]

    def _run(self, options: Sequence[str], out: Path) -> Path:
        """Run `mie-index retrieve`, and return the cache that it wrote; its errors become ours."""
        run_index_program([*self._arguments, *options, "--out", str(out)], "retrieval")
        for source, row in read_cache(out).sources.items():
            lost = {name: row.statuses[name] for name in ("missing_image", "broken_image") if name in row.statuses}
            if lost:
                counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in lost.items())
                self._talk(f"{source} view of {row.samples} samples: {counts}")
        return out


def _query_options(queries: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the options of `mie-index retrieve` under which queries and texts are those of the training.

    Args:
        queries: how the contexts of each view were made; the first two options are of the text view alone.

    >>> _query_options({"text": {"text": "tokens joined by blanks", "title_boost": 2.0}})
    ('--title-boost', '2.0', '--keep-addresses')
    >>> _query_options({"image": {"text": "tokens joined by blanks", "description": "before the text"}})
    ('--description-first',)
    """
    query = queries.get("text", {})
    boost = float(query.get("title_boost", 0.0))
    options = ["--title-boost", str(boost)] if boost else []
    if keeps_addresses(query):
        options.append("--keep-addresses")
    if any(puts_description_first(one) for one in queries.values()):
        options.append("--description-first")
    return tuple(options)
