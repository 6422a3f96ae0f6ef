"""The samples of a split that a run reads, with their contexts and features, and as examples for an expert."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.dataset import Dataset, read_dataset, read_samples
from schemas.errors import InputError
from schemas.records import Context, Sample
from trainer.config import RunConfig
from trainer.inputs import LabelSet, read_features, read_sources

if TYPE_CHECKING:
    from trainer.inputs import Examples, SampleFeatures
    from trainer.model import Expert

__all__ = ["SplitData", "encode_split", "labels_of", "read_split"]


@dataclass(frozen=True)
class SplitData:
    """The samples of a split and their contexts.

    image_vectors are the files with the image vectors of the samples, for a mixture's gate; None: the files to which
    the gate was fitted. features are those of the samples' pictures; None for an expert that reads none.
    """

    dataset: Dataset
    samples: list[Sample]
    contexts: dict[str, list[Context]]
    image_vectors: tuple[Path, ...] | None = None
    features: SampleFeatures | None = None


def read_split(config: RunConfig, split: str, *, is_training: bool = False) -> SplitData:
    """Read the samples of a split that a run uses, and their contexts from the caches.

    Args:
        config: of the run.
        split: its name.
        is_training: read the contexts from which one is drawn in each epoch, where data.contexts_mode says so.

    Raises:
        UsageError: no such split or source.
        IndexMismatch: a cache was made for other samples.
    """
    dataset = read_dataset(config.data.samples)
    samples = read_samples(config.data.samples, split)
    limit = getattr(config.data, f"{split}_samples")
    samples = samples[:limit] if limit else samples
    features = read_features(config.data.features, samples)
    return SplitData(dataset, samples, read_sources(config.data, samples, is_training=is_training), features=features)


def encode_split(expert: Expert, config: RunConfig, data: SplitData) -> Examples:
    """Make the examples of a split for an expert."""
    from trainer.inputs import make_examples

    length = config.encoder.max_length_pieces
    return make_examples(
        data.samples,
        data.contexts,
        expert.tokenizer,
        expert.labels.task,
        expert.head.targets,
        length,
        data.features,
        is_cutting=config.data.long_contexts == "cut",
    )


def labels_of(train: SplitData) -> LabelSet:
    """Return the labels that there are to learn.

    Raises:
        InputError: no samples, or one without labels.
    """
    if not train.samples:
        raise InputError("no training samples")
    labels = LabelSet.of(train.dataset, train.samples)
    for sample in train.samples:
        if labels.task.gold_records(sample) is None:
            lacking = "tags" if labels.task.has_tags else labels.task.noun
            raise InputError(f"a training sample without {lacking}", place=f"sample {sample.sample_id}")
    return labels
