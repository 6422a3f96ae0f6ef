"""Soft labels of a prompt bank: a teacher says which prompts fit a picture or region, the text learns to say it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import InputError, UsageError
from trainer.inputs import Batch, Features
from trainer.model.fusion import cosines
from trainer.model.heads import View
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
    """Return the probabilities of prompts [..., N] of picture vectors [..., D]: softmax(cosine / temperature)."""
    return (cosines(vectors, prompts) / temperature).softmax(-1)


def soft_label_loss(labels: Tensor, logits: Tensor, present: Tensor, least: float) -> Tensor:
    """Return the cross entropy of soft labels [...]; exactly 0 where there is no picture, or no prompt fits it.

    Args:
        labels: of the teacher [..., N].
        logits: of the student [..., N].
        present: which samples have a picture, or which regions are there [...] bool.
        least: probability that the best prompt must have. In the published code its number is compared with it.
    """
    counts = present & (labels.max(-1).values >= least)
    loss = -(labels * logits.float().log_softmax(-1)).sum(-1)
    return torch.where(counts, loss, torch.zeros_like(loss))


class SoftPrompts(Objective):
    """The text says which prompts fit its picture: all of it for the whole picture, and what a region looks at for it.

    The state of a region is the mean of the text's, weighed by how much the region's vector looks at each: nothing else
    of the vector, which knows its own label, goes on.

    Source: THU-BPM/PROMU, promu_models.py: there the mean of the states of the patches inside an object's box.
    """

    def __init__(self, hidden: int, settings: SoftPromptsSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.settings = settings
        self.student = _student(hidden, settings.bank_prompts)
        if settings.region_weight:
            self.look = nn.Linear(settings.feature_dim, hidden)
            self.region_student = _student(hidden, settings.bank_prompts)
        self._bank: Tensor | None = None

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the cross entropy of each sample [B]: of its picture, and by its weight the mean of its regions."""
        if batch.features is None:
            return views.full.states.new_zeros(len(views.full.states))
        features, settings = batch.features, self.settings
        bank = self._read_bank().to(views.full.states.device)
        if bank.shape[1] != features.values.shape[-1]:
            found = features.values.shape[-1]
            raise UsageError(f"prompts have {bank.shape[1]} components, features {found}", remedy=_REMEDY)
        labels = teacher_labels(mean_picture(_whole(features)), bank, settings.temperature)
        logits = self.student(mean_text(views.full))
        loss = soft_label_loss(labels, logits, features.present.any(1), settings.least)
        if not settings.region_weight:
            return loss
        return loss + settings.region_weight * self._region_loss(views.full, features, bank)

    def _region_loss(self, view: View, features: Features, bank: Tensor) -> Tensor:
        """Return the mean cross entropy of the regions that some prompt fits [B]; 0 where there is none."""
        vectors = features.values.float().nan_to_num()  # [B, K, D]
        labels = teacher_labels(vectors, bank, self.settings.temperature)  # [B, K, N]
        regions = _are_regions(features)
        unit = nn.functional.normalize(vectors, dim=-1)
        states = view.states.float()
        scores = self.look(unit) @ states.transpose(1, 2)  # [B, K, P]
        seen = scores.masked_fill(~view.mask[:, None, :], -1e9).softmax(-1) @ states  # [B, K, H]
        logits = self.region_student(seen)  # [B, K, N]
        each = soft_label_loss(labels, logits, regions, self.settings.least)  # [B, K]
        counts = (regions & (labels.amax(-1) >= self.settings.least)).sum(1)
        total: Tensor = each.sum(1) / counts.clamp(min=1)
        return total

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


def _student(hidden: int, prompts: int) -> nn.Module:
    return nn.Sequential(nn.Linear(hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, prompts))


def _are_regions(features: Features) -> Tensor:
    """Return which vectors have a place in their picture [B, K] bool."""
    if features.boxes is None:
        return torch.zeros_like(features.present)
    return features.present & features.boxes.isfinite().all(-1)


def _whole(features: Features) -> Features:
    """Return features with the vectors of the whole picture alone; of a sample that has none, all."""
    whole = features.present & ~_are_regions(features)
    return features._replace(present=torch.where(whole.any(1, keepdim=True), whole, features.present))
