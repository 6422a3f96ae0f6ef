"""The device and the precision of a run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from schemas.errors import UsageError
from trainer.config import TrainingConfig

__all__ = ["choose_device", "precision_context"]


def choose_device(config: TrainingConfig) -> str:
    """Return the device to run on: cpu or cuda.

    Raises:
        UsageError: cuda without a GPU.
    """
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise UsageError("training.device is cuda, but there is no GPU", remedy="set training.device=auto")
    return "cuda" if has_gpu and config.device != "cpu" else "cpu"


def precision_context(config: TrainingConfig, device: str) -> AbstractContextManager[Any]:
    """Return the context of a forward pass: bf16 where the settings ask for it, or by default on a GPU that has it."""
    is_bf16 = config.precision == "bf16" or (
        config.precision == "auto" and device == "cuda" and torch.cuda.is_bf16_supported()
    )
    return torch.autocast(device, dtype=torch.bfloat16) if is_bf16 else nullcontext()
