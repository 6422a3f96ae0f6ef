"""A trained system, an expert or a mixture, asked for a split: labels, probabilities, contexts used, gate weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.records import Context, Sample
from trainer.config import RunConfig
from trainer.inputs import LabelSet
from trainer.mixture.gates import mix
from trainer.mixture.posteriors import (
    Posteriors,
    cache_key,
    compute_posteriors,
    load_posteriors,
    save_posteriors,
    weights_digest,
)
from trainer.training import SplitData, encode_split, name_labels, open_expert, read_run_config

__all__ = [
    "Output",
    "Reader",
    "expert_posteriors",
    "gold_targets",
    "is_mixture",
    "label_mixed",
    "label_states",
    "oracle_choice",
    "oracle_classes",
    "run_system",
    "used_contexts",
]

Reader = Callable[[RunConfig], SplitData]
"""Gives the samples and contexts that an expert with these settings is to read."""


@dataclass(frozen=True)
class Output:
    """What a system says of N samples with M states.

    Args:
        samples: of the split.
        labels: of the system.
        predicted: tags of all tokens, or (relation,), of each sample.
        log_probs: log p(class) [M, K].
        lengths: states of each sample.
        used: the contexts that were in a window, of each sample.
        experts: their names; one for an expert.
        weights: weight of each expert for each state [M, E]; None for an expert.
        has_vector: whether the gate read an image vector of each sample; None where it reads none.
    """

    samples: Sequence[Sample]
    labels: LabelSet
    predicted: list[tuple[str, ...]]
    log_probs: Tensor
    lengths: tuple[int, ...]
    used: list[list[Context]]
    experts: tuple[str, ...]
    weights: Tensor | None = None
    has_vector: tuple[bool, ...] | None = None


def is_mixture(folder: Path) -> bool:
    """Say whether a run folder holds a mixture."""
    return (folder / "mixture.json").is_file()


def run_system(folder: Path, split: str, reader: Reader, cache: bool = True) -> Output:
    """Ask a system for a split.

    Args:
        folder: the run of an expert or of a mixture.
        split: names the cached posteriors.
        reader: gives what each expert reads.
        cache: keep posteriors in the experts' run folders, and take those that are there.

    Raises:
        InputError: no run, no best checkpoint, or other labels.
    """
    if is_mixture(folder):
        from trainer.mixture.fit import run_mixture

        return run_mixture(folder, split, reader, cache)
    data, posteriors, labels = expert_posteriors(folder, split, reader, cache)
    predicted = label_states(labels, posteriors.classes, posteriors.lengths.tolist(), data.samples)
    used = used_contexts(data, posteriors)
    return Output(
        data.samples,
        labels,
        predicted,
        posteriors.log_probs,
        tuple(posteriors.lengths.tolist()),
        used,
        (folder.name,),
    )


def expert_posteriors(
    folder: Path, split: str, reader: Reader, cache: bool = True
) -> tuple[SplitData, Posteriors, LabelSet]:
    """Return an expert's posteriors on a split, from its run folder where they were computed before."""
    config = read_run_config(folder)
    data = reader(config)
    if not data.samples:
        raise UsageError("no samples to predict", path=config.data.samples)
    labels = _known_labels(folder)
    _check_labels(labels, data, folder)
    key = cache_key(weights_digest(folder / "best"), config.encoder.max_length_pieces, data.samples, data.contexts)
    path = folder / "posteriors" / f"{split}-{key[:16]}.safetensors"
    found = load_posteriors(path, has_pairs=labels.task == "ner") if cache else None
    if found is not None:
        return data, found, labels
    run = open_expert(folder)
    examples = encode_split(run.expert, config, data)
    posteriors = compute_posteriors(run.expert, examples.rows, data.samples, config.training)
    if cache:
        save_posteriors(path, posteriors)
    return data, posteriors, labels


def label_states(
    labels: LabelSet, classes: Tensor, lengths: Sequence[int], samples: Sequence[Sample]
) -> list[tuple[str, ...]]:
    """Name the classes [M] of each sample's states."""
    rows = torch.split(classes, list(lengths))
    return [
        name_labels(labels, row.tolist(), sample, states)
        for row, sample, states in zip(rows, samples, lengths, strict=True)
    ]


def label_mixed(
    labels: LabelSet, posteriors: Sequence[Posteriors], weights: Tensor, samples: Sequence[Sample]
) -> list[tuple[str, ...]]:
    """Take the likeliest class of a relation, and of a sentence the likeliest of the sound sequences of tags.

    Args:
        labels: of all experts.
        posteriors: of each of E experts.
        weights: of each expert for each state [M, E].
        samples: to label.
    """
    from trainer.model.heads import likeliest_path

    lengths, log_weights = posteriors[0].lengths.tolist(), weights.clamp(min=1e-12).log()
    if labels.task == "re":
        mixed = mix(torch.stack([part.log_probs for part in posteriors]), log_weights)
        return label_states(labels, mixed.argmax(-1), lengths, samples)
    pairs = [part.log_pairs for part in posteriors if part.log_pairs is not None]
    return label_states(
        labels, likeliest_path(mix(torch.stack(pairs), log_weights), lengths, labels.names), lengths, samples
    )


def used_contexts(data: SplitData, posteriors: Posteriors) -> list[list[Context]]:
    """Return the contexts that were in the window of each sample."""
    return [
        [data.contexts.get(sample.sample_id, [])[place] for place in places]
        for sample, places in zip(data.samples, posteriors.used, strict=True)
    ]


def gold_targets(labels: LabelSet, samples: Sequence[Sample]) -> Tensor:
    """Return the numbers of the gold labels of all states [M].

    Raises:
        InputError: a sample without labels, or with unknown ones.
    """
    rows: list[int] = []
    for sample in samples:
        gold = sample.tags if labels.task == "ner" else None if sample.relation is None else (sample.relation,)
        if gold is None:
            raise InputError("a sample without labels", place=f"sample {sample.sample_id}")
        rows += labels.numbers(gold, sample.sample_id)
    return torch.tensor(rows)


def oracle_choice(
    labels: LabelSet, samples: Sequence[Sample], predictions: Sequence[list[tuple[str, ...]]]
) -> list[tuple[str, ...]]:
    """Take for each sample the prediction of the expert with the fewest errors there: a bound for gates by sample."""
    from trainer.metrics import entity_counts, relation_counts

    errors: list[list[int]] = []
    for predicted in predictions:
        if labels.task == "re":
            counts = relation_counts([str(s.relation) for s in samples], [row[0] for row in predicted])
        else:
            counts = entity_counts([s.tags or () for s in samples], predicted)
        errors.append([part.predicted + part.gold - 2 * part.right for part in counts])
    best = [min(range(len(predictions)), key=lambda e: errors[e][i]) for i in range(len(samples))]
    return [predictions[e][i] for i, e in enumerate(best)]


def oracle_classes(classes: Sequence[Tensor], gold: Tensor) -> Tensor:
    """Take for each state the right class where any expert has it, else the first expert's: a bound by token.

    >>> oracle_classes([torch.tensor([1, 1, 1]), torch.tensor([2, 2, 1])], torch.tensor([1, 2, 3])).tolist()
    [1, 2, 1]
    """
    anyone = torch.stack([rows == gold for rows in classes]).any(0)
    return torch.where(anyone, gold, classes[0])


def _known_labels(folder: Path) -> LabelSet:
    """Read the labels of a checkpoint without loading it."""
    import json

    from trainer.training import recover_folder

    recover_folder(folder / "best")
    path = folder / "best" / "head.json"
    if not path.is_file():
        raise InputError(
            "this run has no best/ (no epoch was finished)", path=folder, remedy="give the same mie-train fit again"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return LabelSet(facts["task"], tuple(facts["labels"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IndexCorrupt(f"unreadable ({error})", path=path, remedy="train it again: --overwrite") from error


def _check_labels(labels: LabelSet, data: SplitData, folder: Path) -> None:
    """Check that all labels of the data are known to the checkpoint."""
    if data.dataset.task != labels.task:
        raise InputError(
            f"the checkpoint is for {labels.task}, the data for {data.dataset.task}",
            path=folder,
            remedy="check the data: samples of relations have head and tail, those of entities have none",
        )
    known = set(labels.names) if labels.task == "re" else {name.partition("-")[2] for name in labels.names}
    others = [label for label in data.dataset.labels if label not in known]
    if others:
        raise InputError(
            f"the checkpoint has other labels: the data has {', '.join(others)}, it knows {', '.join(labels.names)}",
            path=folder,
            remedy="train on this data, or convert the data with the checkpoint's labels",
        )
