"""Soft labels of a prompt bank: a teacher says which prompts fit a picture, the text learns to say the same."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import InputError, UsageError
from trainer.inputs import Batch
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.picture_settings import SoftPromptsSettings
from trainer.model.objectives.pictures import mean_picture, mean_text

__all__ = ["SoftPrompts", "prompt_vectors", "soft_label_loss", "teacher_labels"]

_REMEDY = "set model.objectives.0.bank to a .safetensors file with prompts [N, D] or [N, templates, D]"


def prompt_vectors(prompts: Tensor) -> Tensor:
    """Return one unit vector for each prompt [N, D]: the mean of its templates' vectors, then its unit vector.

    Args:
        prompts: [N, D] or [N, templates, D].

    Source: THU-BPM/PROMU: each template's vector is a unit vector before the mean.

    >>> prompt_vectors(torch.tensor([[[2.0, 0.0], [0.0, 5.0]]])).tolist()  # doctest: +NUMBER
    [[0.7071, 0.7071]]
    """
    unit = nn.functional.normalize(prompts.float(), dim=-1)
    return nn.functional.normalize(unit.mean(1) if unit.dim() == 3 else unit, dim=-1)


def teacher_labels(vectors: Tensor, prompts: Tensor, temperature: float) -> Tensor:
    """Return the probabilities of prompts [B, N] of picture vectors [B, D]: softmax(cosine / temperature)."""
    return (nn.functional.normalize(vectors.float(), dim=-1) @ prompts.T / temperature).softmax(-1)


def soft_label_loss(labels: Tensor, logits: Tensor, present: Tensor, least: float) -> Tensor:
    """Return the cross entropy of soft labels [B]; exactly 0 where there is no picture, or no prompt fits it.

    Args:
        labels: of the teacher [B, N].
        logits: of the student [B, N].
        present: which samples have a picture [B] bool.
        least: probability that the best prompt must have. In the published code its number is compared with it.
    """
    counts = present & (labels.max(-1).values >= least)
    loss = -(labels * logits.float().log_softmax(-1)).sum(-1)
    return torch.where(counts, loss, torch.zeros_like(loss))


class SoftPrompts(Objective):
    """The mean state of a text says which prompts fit its picture."""

    def __init__(self, hidden: int, settings: SoftPromptsSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.settings = settings
        self.student = nn.Sequential(
            nn.Linear(hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, settings.bank_prompts)
        )
        self._bank: Tensor | None = None

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the cross entropy of each sample [B]."""
        if batch.features is None:
            return views.full.states.new_zeros(len(views.full.states))
        bank = self._read_bank().to(views.full.states.device)
        vectors = mean_picture(batch.features)
        if bank.shape[1] != vectors.shape[1]:
            raise UsageError(f"prompts have {bank.shape[1]} components, features {vectors.shape[1]}", remedy=_REMEDY)
        labels = teacher_labels(vectors, bank, self.settings.temperature)
        logits = self.student(mean_text(views.full))
        return soft_label_loss(labels, logits, batch.features.present.any(1), self.settings.least)

    def _read_bank(self) -> Tensor:
        """Return the prompts, read when they are first needed: a trained expert predicts without them."""
        if self._bank is None:
            path = Path(self.settings.bank)
            try:
                prompts = load_file(path)["prompts"]
            except (OSError, SafetensorError, KeyError) as error:
                raise InputError(f"no bank of prompts ({error})", path=path, remedy=_REMEDY) from error
            if prompts.dim() not in (2, 3) or len(prompts) != self.settings.bank_prompts:
                raise InputError(
                    f"prompts {tuple(prompts.shape)}, not {self.settings.bank_prompts}", path=path, remedy=_REMEDY
                )
            self._bank = prompt_vectors(prompts)
        return self._bank
