"""What the inspector shows: an opened index, and the data sets, caches, runs and pictures given beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from indexer.index import WikiIndex

__all__ = ["Inspector"]


@dataclass(frozen=True)
class Inspector:
    """What `mie-index serve` was given; fixed at its start. Pages read it as `request.app.state.inspector`.

    Args:
        index: opened.
        dataset: folder of `mie-train data convert`.
        sample_images: the folder of its pictures.
        contexts: caches of `mie-index retrieve` or `contexts import`.
        runs: run folders of `mie-train`.
        images: folder of the index's pictures, under their Commons names.
    """

    index: WikiIndex
    dataset: Path | None = None
    sample_images: Path | None = None
    contexts: tuple[Path, ...] = ()
    runs: tuple[Path, ...] = ()
    images: Path | None = None
