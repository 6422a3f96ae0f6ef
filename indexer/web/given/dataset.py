"""A data set beside its context caches and runs: samples are read at first use, predictions again when they change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from indexer.web.given.contexts import ContextCaches
from indexer.web.given.errors import NotFound
from indexer.web.given.evaluation import SplitEvaluation, evaluate_split
from indexer.web.given.regions import FeatureStores
from indexer.web.given.run_folders import Run, RunFolders, unique_names
from schemas.dataset import NO_RELATION, Dataset, find_fault, read_dataset, read_samples
from schemas.entities import find_entities
from schemas.errors import IndexCorrupt, MieError
from schemas.image_files import find_image
from schemas.predictions import Prediction
from schemas.records import Entity, Sample

__all__ = ["OpenedDataset", "SplitSamples"]

_NO_PREDICTIONS: list[Prediction] = []
_REMEDY = "convert it again: mie-train data convert SOURCE --out FOLDER --overwrite"


@dataclass(frozen=True)
class SplitSamples:
    """The samples of a split, with gold entities, and whether there is a picture.

    Args:
        samples: in the order of the data set.
        positions: position in `samples`, by sample id.
        gold: entities of each sample; empty for relations and without gold.
        pictures: with, missing or without, for each sample.
        evaluations: for each run, by its name, the predictions that were compared last, and the outcome.
    """

    samples: list[Sample]
    positions: dict[str, int]
    gold: list[tuple[Entity, ...]]
    pictures: list[str]
    evaluations: dict[str, tuple[list[Prediction], SplitEvaluation]] = field(default_factory=dict)


class OpenedDataset:
    """A data set, its context caches and runs. Threads may share it.

    Args:
        folder: of the data set.
        images: folder of its pictures; None where none was given.
        contexts: folders of context caches.
        runs: the runs.
        index_fingerprint: of the index that is served; the documents that a cache made from it names can be opened.
        features: folders of feature stores, whose regions are shown.
    """

    def __init__(
        self,
        folder: Path,
        images: Path | None,
        contexts: tuple[Path, ...],
        runs: RunFolders,
        index_fingerprint: str = "",
        features: tuple[Path, ...] = (),
    ) -> None:
        self.folder, self.images, self.runs = folder, images, runs
        self.index_fingerprint = index_fingerprint
        self.contexts = ContextCaches(unique_names(contexts))
        self.features = FeatureStores(unique_names(features))
        self.sizes: dict[tuple[str, str], tuple[int, int] | None] = {}
        """Width and height in pixels of the pictures that were measured, by split and sample id."""
        self._splits: dict[str, SplitSamples] = {}
        self._lock = threading.RLock()

    @cached_property
    def info(self) -> Dataset:
        """The data set's description: name, task, labels, splits."""
        return read_dataset(self.folder)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Entity types, or relations without the class None."""
        return tuple(name for name in self.info.labels if name != NO_RELATION)

    def split(self, name: str) -> SplitSamples:
        """Return the samples of a split.

        Raises:
            UsageError: there is no such split.
            StoreError: the data set cannot be used.
        """
        with self._lock:
            if name not in self._splits:
                self._splits[name] = self._read(name)
            return self._splits[name]

    def position_of(self, split: str, sample_id: str) -> int:
        """Return the position of a sample in its split.

        Raises:
            NotFound: there is none.
        """
        position = self.split(split).positions.get(sample_id) if split in self.info.splits else None
        if position is None:
            raise NotFound("no such sample", remedy="take one from the list: /samples")
        return position

    def evaluate(self, split: str, run: Run) -> SplitEvaluation:
        """Compare a run's predictions with gold, once per file; a file that cannot be used becomes a fault."""
        rows = self.split(split)
        # Under the lock, so that two requests at once do not compare 5,000 samples twice.
        with self._lock:
            try:
                predictions = run.predictions(split) or _NO_PREDICTIONS
            except MieError as error:
                return evaluate_split(rows.samples, rows.gold, rows.positions, [], run.fault(error))
            known = rows.evaluations.get(run.name)
            if known is None or known[0] is not predictions:  # the run returns another list once its file has changed
                evaluation = evaluate_split(rows.samples, rows.gold, rows.positions, predictions)
                known = rows.evaluations[run.name] = predictions, evaluation
            return known[1]

    def _read(self, name: str) -> SplitSamples:
        path = self.folder / f"{name}.parquet"
        try:
            samples = read_samples(self.folder, name)
        except UnicodeDecodeError as error:
            raise IndexCorrupt(f"text that is not UTF-8 ({error})", path=path, remedy=_REMEDY) from error
        for sample in samples:
            fault = find_fault(sample)
            if fault:
                raise IndexCorrupt(fault, path=path, place=f"sample {sample.sample_id}", remedy=_REMEDY)
        gold = [_gold_of(sample) for sample in samples]
        positions = {sample.sample_id: position for position, sample in enumerate(samples)}
        return SplitSamples(samples, positions, gold, [self._picture(sample) for sample in samples])

    def _picture(self, sample: Sample) -> str:
        if sample.image is None:
            return "without"
        if self.images is not None and find_image(self.images, sample.split, sample.image) is None:
            return "missing"
        return "with"


def _gold_of(sample: Sample) -> tuple[Entity, ...]:
    """Return the gold entities: of the tags, each with the fine type and the boxes that its record has; or the records.

    >>> _gold_of(Sample("a", ("x", "y"), tags=("B-PER", "B-LOC"), entities=(Entity(0, 1, "PER", "actor"),)))[0].fine
    'actor'
    """
    records = sample.entities or ()
    if sample.tags is None:
        return records
    known = {row[:3]: row for row in records}
    return tuple(known.get(row[:3], row) for row in find_entities(sample.tags))
