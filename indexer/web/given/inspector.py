"""What the inspector shows: an opened index, and the data set, caches, feature stores, runs and pictures beside it."""

from __future__ import annotations

from pathlib import Path

from indexer.index import WikiIndex
from indexer.web.given.dataset import OpenedDataset
from indexer.web.given.errors import NotFound
from indexer.web.given.run_folders import RunFolders

__all__ = ["Inspector"]


class Inspector:
    """What `mie-index serve` was given. It is made at the start and shared by all requests.

    Args:
        index: opened.
        dataset: folder of `mie-train data convert`.
        sample_images: folder of its pictures.
        contexts: caches of `mie-index retrieve` or `contexts import`.
        runs: run folders of `mie-train`.
        images: folder of the index's pictures, under their Commons names.
        features: stores of `mie-index features`.
    """

    def __init__(
        self,
        index: WikiIndex,
        dataset: Path | None = None,
        sample_images: Path | None = None,
        contexts: tuple[Path, ...] = (),
        runs: tuple[Path, ...] = (),
        images: Path | None = None,
        features: tuple[Path, ...] = (),
    ) -> None:
        self.index, self.images = index, images
        self.runs = RunFolders(runs)
        self.dataset: OpenedDataset | None = None
        if dataset is not None:
            fingerprint = index.manifest.fingerprint
            self.dataset = OpenedDataset(dataset, sample_images, contexts, self.runs, fingerprint, features)

    def require_dataset(self) -> OpenedDataset:
        """Return the data set.

        Raises:
            NotFound: none was given.
        """
        if self.dataset is None:
            raise NotFound("no data set was given", remedy="start again with: mie-index serve INDEX --samples FOLDER")
        return self.dataset

    def require_runs(self) -> RunFolders:
        """Return the runs.

        Raises:
            NotFound: none were given.
        """
        if not self.runs.by_name:
            raise NotFound("no runs were given", remedy="start again with: mie-index serve INDEX --run RUN")
        return self.runs
