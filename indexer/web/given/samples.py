"""The samples of a data set beside what each run says of them: read at first use, judged once per file."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from indexer.web.given.contexts import ContextShelf
from indexer.web.given.mistakes import Mistake, compare_entities, compare_relations, kinds_of
from indexer.web.given.runs import Fault, Run, RunShelf, unique_names
from schemas.dataset import NO_RELATION, Dataset, find_fault, read_dataset, read_samples
from schemas.entities import Entity, find_entities
from schemas.errors import IndexCorrupt, MieError
from schemas.image_files import find_image
from schemas.predictions import Prediction
from schemas.records import Sample

__all__ = ["Judged", "Judgement", "SampleBook", "SplitRows"]

_NOTHING: list[Prediction] = []
_REMEDY = "convert it again: mie-train data convert SOURCE --out FOLDER --overwrite"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run says of a sample, and what is wrong with it. kinds are of `mistakes.KINDS`."""

    prediction: Prediction | None
    entities: tuple[Entity, ...]
    mistakes: tuple[Mistake, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What a run says of a split.

    Args:
        rows: one per sample of the split, in its order.
        orphans: predictions of samples that the split does not hold.
        others: predictions for other tokens than the sample has: not shown.
        absent: samples without a prediction.
        fault: why the predictions cannot be used; None where they can, or where there are none.
    """

    rows: list[Judged]
    orphans: int = 0
    others: int = 0
    absent: int = 0
    fault: Fault | None = None


@dataclass(frozen=True)
class SplitRows:
    """The samples of a split, with gold entities, and whether a picture is there.

    Args:
        samples: in the order of the data set.
        places: position by sample id.
        gold: entities of each sample; empty for relations and without gold.
        pictures: with, missing or without, of each sample.
        judged: what was judged last of each run, by its name.
    """

    samples: list[Sample]
    places: dict[str, int]
    gold: list[tuple[Entity, ...]]
    pictures: list[str]
    judged: dict[str, tuple[list[Prediction], Judgement]] = field(default_factory=dict)


class SampleBook:
    """A data set, its caches and runs; safe to share between threads.

    Args:
        folder: of the data set.
        images: folder of its pictures; None where there is none.
        contexts: folders of caches.
        shelf: the runs.
        index_fingerprint: of the index that is served: a cache made from it names documents that can be opened.
    """

    def __init__(
        self,
        folder: Path,
        images: Path | None,
        contexts: tuple[Path, ...],
        shelf: RunShelf,
        index_fingerprint: str = "",
    ) -> None:
        self.folder, self.images, self.shelf = folder, images, shelf
        self.index_fingerprint = index_fingerprint
        self.contexts = ContextShelf(unique_names(contexts))
        self._splits: dict[str, SplitRows] = {}
        self._lock = threading.RLock()

    @cached_property
    def dataset(self) -> Dataset:
        """What the data set says of itself."""
        return read_dataset(self.folder)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Entity types, or relations without the class None."""
        return tuple(name for name in self.dataset.labels if name != NO_RELATION)

    def split(self, name: str) -> SplitRows:
        """Return the samples of a split.

        Raises:
            UsageError: there is no such split.
            StoreError: the data set cannot be used.
        """
        with self._lock:
            if name not in self._splits:
                self._splits[name] = self._read(name)
            return self._splits[name]

    def judge(self, split: str, run: Run) -> Judgement:
        """Judge what a run says of a split; a file that cannot be used makes a judgement with a fault."""
        rows = self.split(split)
        with self._lock:
            try:
                predictions = run.predictions(split) or _NOTHING
            except MieError as error:
                return _judge(rows, [], run.fault(error))
            judged = rows.judged.get(run.name)
            if judged is None or judged[0] is not predictions:  # it is another list when the file has changed
                judged = rows.judged[run.name] = predictions, _judge(rows, predictions)
            return judged[1]

    def _read(self, name: str) -> SplitRows:
        path = self.folder / f"{name}.parquet"
        try:
            samples = read_samples(self.folder, name)
        except UnicodeDecodeError as error:
            raise IndexCorrupt(f"text that is not UTF-8 ({error})", path=path, remedy=_REMEDY) from error
        for sample in samples:
            fault = find_fault(sample)
            if fault:
                raise IndexCorrupt(fault, path=path, place=f"sample {sample.sample_id}", remedy=_REMEDY)
        gold = [tuple(find_entities(sample.tags or ())) for sample in samples]
        places = {sample.sample_id: place for place, sample in enumerate(samples)}
        return SplitRows(samples, places, gold, [self._picture(sample) for sample in samples])

    def _picture(self, sample: Sample) -> str:
        if sample.image is None:
            return "without"
        if self.images is not None and find_image(self.images, sample.split, sample.image) is None:
            return "missing"
        return "with"


def _judge(rows: SplitRows, predictions: list[Prediction], fault: Fault | None = None) -> Judgement:
    by_id = {row.sample_id: row for row in predictions}
    judged = []
    others = absent = 0
    for sample, gold in zip(rows.samples, rows.gold, strict=True):
        prediction = by_id.get(sample.sample_id)
        if prediction is not None and (prediction.tokens != sample.tokens or not _is_same_task(prediction, sample)):
            others, prediction = others + 1, None
        elif prediction is None:
            absent += 1
        judged.append(_judge_one(sample, gold, prediction))
    orphans = sum(row.sample_id not in rows.places for row in predictions)
    return Judgement(judged, orphans, others, absent, fault)


def _is_same_task(prediction: Prediction, sample: Sample) -> bool:
    return (prediction.relation is not None) == (sample.head is not None)


def _judge_one(sample: Sample, gold: tuple[Entity, ...], prediction: Prediction | None) -> Judged:
    if prediction is None:
        return Judged(None, (), (), ("no prediction",))
    entities = tuple(find_entities(prediction.tags or ()))
    if sample.tags is None and sample.relation is None:
        return Judged(prediction, entities, (), ("no gold",))
    if sample.relation is not None:
        mistakes = compare_relations(sample.relation, str(prediction.relation))
        has_gold = sample.relation != NO_RELATION
    else:
        mistakes, has_gold = compare_entities(gold, entities), bool(gold)
    return Judged(prediction, entities, tuple(mistakes), kinds_of(mistakes, has_gold))
