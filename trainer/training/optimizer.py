"""The optimizer's groups of weights, and the learning rate at each step."""

from __future__ import annotations

from typing import Any

from torch import nn

from trainer.config import TrainingConfig
from trainer.model import Expert

__all__ = ["learning_rate_factor", "parameter_groups"]


def learning_rate_factor(step: int, total: int, warmup_share: float) -> float:
    """Return the share of the peak rate at a step (from 0): a linear rise, then a linear fall to 0.

    >>> [learning_rate_factor(step, 10, 0.2) for step in (0, 1, 2, 6)]
    [0.5, 1.0, 1.0, 0.5]
    """
    warmup = round(total * warmup_share)
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total - step) / max(1, total - warmup))


def parameter_groups(expert: Expert, config: TrainingConfig) -> list[dict[str, Any]]:
    """Divide the weights of all parts by learning rate and decay: the encoder, a CRF's transitions, all others.

    Raises:
        ValueError: a weight belongs to no part, so that it would be neither trained nor saved.
    """
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    rates = {"encoder": config.encoder_lr, "head": config.head_lr, "crf": config.crf_lr}
    seen: set[int] = set()
    for part, module in expert.parts.items():
        for name, weight in module.named_parameters(prefix=part):
            if not weight.requires_grad or id(weight) in seen:  # two parts may share a weight: the first one has it
                continue
            seen.add(id(weight))
            rate = "encoder" if part == "encoder" else "crf" if ".crf." in name else "head"
            decays = weight.ndim > 1 and rate != "crf"
            groups.setdefault((rate, decays), []).append(weight)
    lost = [name for name, weight in expert.named_parameters() if weight.requires_grad and id(weight) not in seen]
    if lost:
        raise ValueError(f"weights of no part: {', '.join(lost)}")
    return [
        {
            "params": weights,
            "peak_lr": rates[rate],
            "lr": rates[rate],
            "weight_decay": config.weight_decay if decays else 0.0,
            "name": f"{rate}{'' if decays else ', no decay'}",
        }
        for (rate, decays), weights in groups.items()
    ]
