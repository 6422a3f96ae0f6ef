"""Posteriors of an expert on a split: computed once, kept in its run folder, read by mixtures and reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from schemas.dataset import input_digest
from schemas.display import tell
from schemas.manifest import sha256_file
from schemas.records import Context, Sample
from trainer.config import TrainingConfig
from trainer.inputs import (
    Answer,
    Example,
    answer_from_json,
    answer_to_json,
    collate,
    given_pairs,
    order_by_length,
)
from trainer.model import Expert
from trainer.model.heads import Reading
from trainer.training import precision_context, writing

__all__ = ["Posteriors", "cache_key", "compute_posteriors", "load_posteriors", "save_posteriors", "weights_digest"]

_BATCHES = 4
"""A batch without gradients may hold this many batches of training."""


@dataclass(frozen=True)
class Posteriors:
    """The posteriors of an expert for N samples with M states in all (tokens; or one per sample for relations).

    Args:
        log_probs: log p(class) [M, K] float32, samples one behind the other.
        classes: numbers of the decoded classes [M] int64.
        lengths: states of each sample [N] int64.
        pooled: mean state of each sample [N, H] float32.
        used: for each sample, the positions of the contexts that were in its window.
        log_pairs: log p(class of the state before, class) [M, K, K] float32, of chains; None for relations.
        cut_tokens: for each sample, how many of its tokens did not fit into its window; () where nobody counted.
        answers: of each sample, where they say more than the classes; else None.
        look: share of each column of features in what was read of the picture [N, K] float32; None where nobody says.
    """

    log_probs: Tensor
    classes: Tensor
    lengths: Tensor
    pooled: Tensor
    used: tuple[tuple[int, ...], ...]
    log_pairs: Tensor | None = None
    cut_tokens: tuple[int, ...] = ()
    answers: tuple[Answer, ...] | None = None
    look: Tensor | None = None

    def sample_numbers(self) -> Tensor:
        """Return the number of the sample of each state [M]."""
        return torch.repeat_interleave(torch.arange(len(self.lengths)), self.lengths)


def compute_posteriors(
    expert: Expert, rows: Sequence[Example], samples: Sequence[Sample], config: TrainingConfig
) -> Posteriors:
    """Compute the posteriors of samples, batched by length, also for the tokens beyond a window."""
    expert.eval()
    device = next(expert.parameters()).device.type
    kept: dict[int, Reading] = {}
    for numbers in order_by_length([len(row.ids) for row in rows], _BATCHES * config.batch_samples):
        tell("read", len(kept), len(rows), "samples")
        batch = collate([rows[i] for i in numbers], expert.padding, device)
        with precision_context(config, device):
            reading = expert.read(batch)
        there = expert.head.state_mask(batch.mask).cpu()
        for row, i in enumerate(numbers):
            kept[i] = expert.head.extend(_of_sample(reading, row, there[row]), samples[i])
    each = [kept[i] for i in range(len(rows))]
    pairs = [reading.log_pairs for reading in each if reading.log_pairs is not None]
    answers = [answer for reading in each for answer in reading.answers or ()]
    looks = [reading.look for reading in each if reading.look is not None]
    return Posteriors(
        log_probs=torch.cat([reading.log_probs for reading in each]),
        classes=torch.cat([reading.classes for reading in each]),
        lengths=torch.tensor([len(reading.classes) for reading in each]),
        pooled=torch.stack([reading.pooled for reading in each]),
        used=tuple(row.used for row in rows),
        log_pairs=torch.cat(pairs) if pairs else None,
        cut_tokens=tuple(row.cut_tokens for row in rows),
        answers=tuple(answers) if expert.head.says_more else None,
        look=torch.stack(looks) if looks else None,
    )


def _of_sample(reading: Reading, row: int, there: Tensor) -> Reading:
    """Return one sample of a batch, in memory of its own: the batch with its padding can then be freed.

    Args:
        reading: of the batch.
        row: number of the sample in it.
        there: its states [S]; all of them are left out where the head has no posterior.
    """
    own = there[: reading.classes.shape[1]]

    def take(rows: Tensor) -> Tensor:
        return rows[row].cpu()[own].clone()

    pairs = None if reading.log_pairs is None else take(reading.log_pairs)
    answers = None if reading.answers is None else (reading.answers[row],)
    look = None if reading.look is None else reading.look[row].float().cpu().clone()
    pooled = reading.pooled[row].cpu().clone()
    return Reading(take(reading.log_probs), take(reading.classes), pooled, pairs, answers, look)


def weights_digest(best: Path) -> str:
    """Return a digest of the weights of a checkpoint: of the bytes of all its safetensors, one file or more a part."""
    return _hash([(path.name, sha256_file(path)) for path in sorted(best.glob("*.safetensors"))])


def cache_key(
    weights: str,
    window: int | str,
    samples: Sequence[Sample],
    contexts: Mapping[str, Sequence[Context]],
    features: Sequence[str] = (),
) -> str:
    """Return a digest of all that posteriors depend on: weights, window, samples without labels, contexts, features.

    Args:
        weights: digest of the checkpoint.
        window: its size in pieces, and how it is filled where that is not the usual way.
        samples: that are read.
        contexts: of each.
        features: fingerprints of the feature stores.
    """
    inputs = [
        (input_digest(s), s.head, s.tail, [c.text for c in contexts.get(s.sample_id, ())], *(given_pairs(s) or ()))
        for s in samples
    ]
    return _hash([weights, window, inputs, *([list(features)] if features else [])])


def save_posteriors(path: Path, posteriors: Posteriors) -> None:
    """Write posteriors to a temporary name and rename it."""
    temporary = path.with_name(path.name + ".new")
    tensors = {name: getattr(posteriors, name).contiguous() for name in _TENSORS}
    if posteriors.log_pairs is not None:
        tensors[_PAIRS] = posteriors.log_pairs.contiguous()
    if posteriors.look is not None:
        tensors[_LOOK] = posteriors.look.contiguous()
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, metadata=_to_metadata(posteriors))
        temporary.replace(path)


def _to_metadata(posteriors: Posteriors) -> dict[str, str]:
    values = {"used": json.dumps(posteriors.used), "cut_tokens": json.dumps(posteriors.cut_tokens)}
    if posteriors.answers is not None:
        values["answers"] = json.dumps([answer_to_json(answer) for answer in posteriors.answers])
    return values


def load_posteriors(path: Path, *, has_pairs: bool) -> Posteriors | None:
    """Read posteriors, with those of pairs or without; None where the file is absent, damaged or lacks a tensor."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in (*_TENSORS, *([_PAIRS] if has_pairs else []))}
            look = file.get_tensor(_LOOK) if _LOOK in file.keys() else None  # noqa: SIM118 - a file is no mapping
            metadata = file.metadata() or {}
            used, cut = json.loads(metadata["used"]), json.loads(metadata["cut_tokens"])
            kept = json.loads(metadata["answers"]) if "answers" in metadata else None
            answers = None if kept is None else tuple(answer_from_json(row) for row in kept)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None
    rows = tuple(tuple(row) for row in used)
    return Posteriors(**tensors, used=rows, cut_tokens=tuple(cut), answers=answers, look=look)


_TENSORS = ("log_probs", "classes", "lengths", "pooled")
_PAIRS, _LOOK = "log_pairs", "look"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()
