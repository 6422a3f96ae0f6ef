"""Retrieval for new samples: the index program makes a cache with the parameters of an expert's training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from schemas.context_cache import ALL_TOKENS, read_cache
from schemas.dataset import read_samples
from schemas.errors import InputError, MieError, MissingDependency, StoreError, UsageError
from schemas.manifest import read_manifest

__all__ = ["Retriever", "Wanted"]

_VIEWS = ("text", "image")
_ERRORS: dict[int, type[MieError]] = {
    kind.exit_code: kind for kind in (UsageError, InputError, StoreError, MissingDependency)
}


@dataclass(frozen=True)
class Wanted:
    """What experts and gates read.

    Args:
        sources: of contexts, of all experts.
        k: contexts per source.
        has_vectors: image vectors too, where the index and the samples have pictures.
    """

    sources: tuple[str, ...]
    k: int
    has_vectors: bool


class Retriever:
    """Makes caches of some samples from an index, each set of parameters once. The trainer itself opens no index.

    Args:
        index: the folder of the index.
        samples: a converted data set.
        split: which of its splits.
        images: the folder of the samples' images; None: none are there.
        wanted: by the experts.
        held: caches that are there; their sources are not retrieved.
        work: where the caches are made.
        talk: told what is lacking.

    Raises:
        StoreError: there is no index.
    """

    def __init__(
        self,
        index: Path,
        samples: Path,
        split: str,
        images: Path | None,
        wanted: Wanted,
        held: Sequence[Path],
        work: Path,
        talk: Callable[[str], object],
    ) -> None:
        self._manifest = read_manifest(index)
        self._arguments = ["retrieve", str(samples), "--index", str(index), "--split", split, "-k", str(wanted.k)]
        self._work, self._talk = work, talk
        self._made: dict[tuple[str, ...], Path] = {}
        there = {source for cache in held for source in read_cache(cache).sources}
        self._views = [view for view in _VIEWS if view in wanted.sources and view not in there]
        has_pictures = images is not None and any(row.image is not None for row in read_samples(samples, split))
        if wanted.has_vectors and has_pictures and self._manifest.image_index and "image" not in {*self._views, *there}:
            self._views.append("image")
        for view in self._views:
            self._arguments += ["--view", view]
        if "image" in self._views and images is not None:
            self._arguments += ["--images", str(images)]

    def retrieve(self, trained: Mapping[str, Any]) -> list[Path]:
        """Return the caches that an expert needs beside those that were there: one, or none.

        Args:
            trained: how the contexts of its training were made (`contexts` in its run.json).
        """
        if not self._views:
            return []
        query = trained.get("text", {}).get("parameters", {}).get("query", {})
        options = _options_of(query) if isinstance(query, dict) and "text" in self._views else ()
        known = {view: trained.get(view, {}).get("index") for view in self._views}
        others = [view for view, index in known.items() if index not in (None, self._manifest.fingerprint)]
        if others:
            self._talk(f"the {' and '.join(others)} contexts of the training came from another index")
        if options not in self._made:
            self._made[options] = self._run(options, self._work / f"contexts-{len(self._made)}")
        return [self._made[options]]

    def _run(self, options: Sequence[str], out: Path) -> Path:
        program = Path(sys.executable).with_name("mie-index")
        command = str(program) if program.exists() else which("mie-index")
        if command is None:
            raise MissingDependency("the program mie-index is not installed", remedy="pip install mie-context")
        arguments = [command, *self._arguments, *options, "--out", str(out)]
        done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            tail = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
            kind = _ERRORS.get(done.returncode, InputError)
            raise kind(f"retrieval failed: {tail.removeprefix('error: ')}")
        for source, row in read_cache(out).sources.items():
            lost = {name: row.statuses[name] for name in ("missing_image", "broken_image") if name in row.statuses}
            if lost:
                told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in lost.items())
                self._talk(f"{source} view of {row.samples} samples: {told}")
        return out


def _options_of(query: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options that ask as the contexts of the training were asked for.

    >>> _options_of({"text": "tokens joined by blanks", "title_boost": 2.0})
    ('--title-boost', '2.0', '--keep-addresses')
    """
    boost = float(query.get("title_boost", 0.0))
    options = ("--title-boost", str(boost)) if boost else ()
    return (*options, "--keep-addresses") if query.get("text") == ALL_TOKENS else options
