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
from schemas.manifest import sha256_file
from schemas.records import Context, Sample
from trainer.batches import collate, order_by_length
from trainer.config import TrainingConfig
from trainer.examples import Example
from trainer.experts import Expert
from trainer.loop import precision_context
from trainer.states import writing

__all__ = ["Posteriors", "cache_key", "compute_posteriors", "load_posteriors", "save_posteriors", "weights_digest"]

_NEVER = -30.0
"""Log probability of the other tags of a token beyond the window, which gets O."""


@dataclass(frozen=True)
class Posteriors:
    """What an expert says of N samples with M states in all (tokens; or one per sample for relations).

    Args:
        log_probs: log p(class) [M, K] float32, samples one behind the other.
        classes: numbers of the decoded classes [M] int64.
        lengths: states of each sample [N] int64.
        pooled: mean state of each sample [N, H] float32.
        used: for each sample, the places of the contexts that were in its window.
    """

    log_probs: Tensor
    classes: Tensor
    lengths: Tensor
    pooled: Tensor
    used: tuple[tuple[int, ...], ...]

    def sample_numbers(self) -> Tensor:
        """Give the number of the sample of each state [M]."""
        return torch.repeat_interleave(torch.arange(len(self.lengths)), self.lengths)


def compute_posteriors(
    expert: Expert, rows: Sequence[Example], samples: Sequence[Sample], config: TrainingConfig
) -> Posteriors:
    """Compute the posteriors of samples, batched by length; tokens beyond the window get O."""
    expert.eval()
    device = next(expert.parameters()).device.type
    kept: list[tuple[Tensor, Tensor, Tensor]] = [()] * len(rows)  # type: ignore[list-item]
    for numbers in order_by_length([len(row.ids) for row in rows], 4 * config.batch_samples):
        batch = collate([rows[i] for i in numbers], expert.padding, device)
        with precision_context(config, device):
            log_probs, classes, pooled = (tensor.cpu() for tensor in expert.read(batch))
        for place, i in enumerate(numbers):
            states = 1 if expert.labels.task == "re" else len(rows[i].positions)
            kept[i] = (log_probs[place, :states].clone(), classes[place, :states].clone(), pooled[place].clone())
    filled = [
        (_fill(log_probs, classes, 1 if expert.labels.task == "re" else len(sample.tokens)), pooled)
        for (log_probs, classes, pooled), sample in zip(kept, samples, strict=True)
    ]
    return Posteriors(
        log_probs=torch.cat([log_probs for (log_probs, _), _ in filled]),
        classes=torch.cat([classes for (_, classes), _ in filled]),
        lengths=torch.tensor([len(classes) for (_, classes), _ in filled]),
        pooled=torch.stack([pooled for _, pooled in filled]),
        used=tuple(row.used for row in rows),
    )


def _fill(log_probs: Tensor, classes: Tensor, states: int) -> tuple[Tensor, Tensor]:
    beyond = states - len(classes)
    if not beyond:
        return log_probs, classes
    outside = torch.full((beyond, log_probs.shape[1]), _NEVER)
    outside[:, 0] = 0.0
    return torch.cat([log_probs, outside]), torch.cat([classes, torch.zeros(beyond, dtype=torch.long)])


def weights_digest(best: Path) -> str:
    """Identify the weights of a checkpoint by the bytes of its safetensors."""
    return _hash([(path.name, sha256_file(path)) for path in sorted(best.glob("*.safetensors"))])


def cache_key(weights: str, window: int, samples: Sequence[Sample], contexts: Mapping[str, Sequence[Context]]) -> str:
    """Identify posteriors by all that they depend on: weights, window, samples without labels, their contexts."""
    inputs = [(input_digest(s), s.head, s.tail, [c.text for c in contexts.get(s.sample_id, ())]) for s in samples]
    return _hash([weights, window, inputs])


def save_posteriors(path: Path, posteriors: Posteriors) -> None:
    """Write posteriors to a temporary name and rename it."""
    temporary = path.with_name(path.name + ".new")
    tensors = {name: getattr(posteriors, name).contiguous() for name in _TENSORS}
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, metadata={"used": json.dumps(posteriors.used)})
        temporary.replace(path)


def load_posteriors(path: Path) -> Posteriors | None:
    """Read posteriors; None where there are none, or the file is damaged (they are computed again)."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in _TENSORS}
            used = json.loads((file.metadata() or {})["used"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    return Posteriors(**tensors, used=tuple(tuple(row) for row in used))


_TENSORS = ("log_probs", "classes", "lengths", "pooled")


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()
