"""The experts of a system: each one's posteriors on a split, computed or taken from its run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from schemas.errors import InputError, UsageError
from schemas.records import Context
from trainer.blocks import PartSettings
from trainer.config import RunConfig
from trainer.inputs import LabelSet, check_stores
from trainer.mixture.posteriors import (
    Posteriors,
    cache_key,
    compute_posteriors,
    load_posteriors,
    save_posteriors,
    weights_digest,
)
from trainer.model import head_class, read_expert_facts
from trainer.model.grounding import RegionSettings
from trainer.model.heads import Head
from trainer.training import SplitData, encode_split, open_expert, read_facts, read_run_config, recover_folder

__all__ = ["Member", "Reader", "check_posterior", "expert_posteriors", "used_contexts"]

Reader = Callable[[RunConfig], SplitData]
"""Returns the samples and contexts that an expert with these settings reads."""


class Member(NamedTuple):
    """An expert's answer for a split.

    Args:
        data: what it read.
        posteriors: on the samples of data.
        labels: that it predicts.
        head: the class of its head, which names and decodes classes.
        settings: of its head.
    """

    data: SplitData
    posteriors: Posteriors
    labels: LabelSet
    head: type[Head]
    settings: PartSettings


def expert_posteriors(folder: Path, split: str, reader: Reader, cache: bool = True) -> Member:
    """Return an expert's posteriors on a split, from its run folder where they were computed before.

    Raises:
        UsageError: no samples.
        InputError: no run, no best checkpoint, or other labels.
    """
    config = read_run_config(folder)
    data = reader(config)
    if not data.samples:
        raise UsageError("no samples to predict", path=config.data.samples)
    labels, head, settings = _read_checkpoint(folder)
    _check_labels(labels, data, folder)
    check_stores(data.features, read_facts(folder).get("features", []))
    stores = () if data.features is None else data.features.fingerprints
    weights, length = weights_digest(folder / "best"), config.encoder.max_length_pieces
    window = length if config.data.long_contexts == "skip" else f"{length} {config.data.long_contexts}"
    key = cache_key(weights, window, data.samples, data.contexts, stores)
    path = folder / "posteriors" / f"{split}-{key[:16]}.safetensors"
    found = load_posteriors(path, has_pairs=head.has_pairs) if cache else None
    if found is not None and not (isinstance(settings, RegionSettings) and _lacks_regions(found)):
        return Member(data, found, labels, head, settings)
    run = open_expert(folder)
    examples = encode_split(run.expert, config, data)
    posteriors = compute_posteriors(run.expert, examples.rows, data.samples, config.training)
    if cache:
        save_posteriors(path, posteriors)
    return Member(data, posteriors, labels, head, settings)


def _lacks_regions(posteriors: Posteriors) -> bool:
    """Return whether posteriors were kept by a version that did not keep what each candidate had."""
    return any(len(row.groundings) != len(row.entities) for row in posteriors.answers or ())


def check_posterior(folder: Path) -> None:
    """Check that an expert can join a mixture.

    Raises:
        UsageError: its head has no posterior.
    """
    head = _read_checkpoint(folder)[1]
    if not head.has_posterior:
        raise UsageError(
            f"the head {head.kind} has no posterior, so it cannot be mixed",
            path=folder,
            remedy="mix experts with other heads",
        )


def used_contexts(member: Member) -> list[list[Context]]:
    """Return the contexts that were in the window of each sample."""
    data = member.data
    return [
        [data.contexts.get(sample.sample_id, [])[position] for position in positions]
        for sample, positions in zip(data.samples, member.posteriors.used, strict=True)
    ]


def _read_checkpoint(folder: Path) -> tuple[LabelSet, type[Head], PartSettings]:
    """Read the labels, the head and its settings of a checkpoint without loading it."""
    recover_folder(folder / "best")
    if not (folder / "best" / "head.json").is_file():
        raise InputError(
            "this run has no best/ (no epoch was finished)", path=folder, remedy="give the same mie-train fit again"
        )
    facts = read_expert_facts(folder / "best")
    return facts.labels, head_class(facts.model, facts.labels), facts.model.head


def _check_labels(labels: LabelSet, data: SplitData, folder: Path) -> None:
    """Check that the checkpoint knows all labels of the data."""
    if data.dataset.task != labels.task_name:
        raise InputError(
            f"the checkpoint is for {labels.task_name}, the data for {data.dataset.task}",
            path=folder,
            remedy="check the data: samples of relations have head and tail, those of entities have none",
        )
    known = labels.task.known_types(labels.names)
    others = [label for label in data.dataset.labels if label not in known]
    if others:
        raise InputError(
            f"the checkpoint has other labels: the data has {', '.join(others)}, it knows {', '.join(labels.names)}",
            path=folder,
            remedy="train on this data, or convert the data with the checkpoint's labels",
        )
