"""Text and picture of a sample find each other within a batch, and are told from wrong pairs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.inputs import Batch, Features
from trainer.model.fusion import cosines
from trainer.model.heads import View
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.picture_settings import AdaptiveContrastSettings

__all__ = ["AdaptiveContrast", "adapted_temperature", "adaptive_contrast", "mean_picture", "mean_text"]

_LEAST = 0.01
"""No temperature falls below it."""


def adapted_temperature(temperature: float, alpha: float, consistency: Tensor) -> Tensor:
    """Return the temperature of each pair: a pair that fits has a smaller one.

    >>> adapted_temperature(0.07, 0.5, torch.tensor([-1.0, 0.0, 0.4, 1.0])).tolist()  # doctest: +NUMBER
    [0.105, 0.07, 0.056, 0.035]
    """
    return (temperature * (1 - alpha * consistency)).clamp(min=_LEAST)


def adaptive_contrast(
    texts: Tensor, pictures: Tensor, present: Tensor, consistency: Tensor, temperature: float, alpha: float
) -> Tensor:
    """Return how badly texts and pictures find each other within a batch [B]; 0 for a sample without a picture.

    Args:
        texts: vectors [B, D]; their length does not matter.
        pictures: vectors [B, D].
        present: which samples have a picture [B] bool.
        consistency: of text i and picture j, in [-1, 1] [B, B]. Nothing is learned through it.
        temperature: of a pair whose consistency is 0.
        alpha: how much the consistency changes it.
    """
    scores = cosines(texts, pictures) / adapted_temperature(temperature, alpha, consistency.detach())
    both = present[:, None] & present[None, :]
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    scores = scores.masked_fill(~(both | own), -1e9)
    loss = -(scores.log_softmax(1).diagonal() + scores.log_softmax(0).diagonal()) / 2
    return torch.where(present, loss, torch.zeros_like(loss))


def mean_text(view: View) -> Tensor:
    """Return the mean of the states of each sample [B, H]."""
    weights = view.mask[:, :, None].to(view.states.dtype)
    return ((view.states * weights).sum(1) / weights.sum(1).clamp(min=1)).float()


def mean_picture(features: Features) -> Tensor:
    """Return the mean of the vectors of each picture [B, D]; zeros where it is absent."""
    weights = features.present[:, :, None].float()
    return (features.values.float().nan_to_num() * weights).sum(1) / weights.sum(1).clamp(min=1)


class AdaptiveContrast(Objective):
    """The contrast of text and picture with a temperature by consistency.

    The consistency of text i and picture j is that of the store, where it has scores for a sample's pictures and i is
    j; else the cosine of the two vectors as they are now.
    """

    def __init__(self, hidden: int, settings: AdaptiveContrastSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.settings = settings
        width = min(hidden, 256)
        self.of_text, self.of_picture = nn.Linear(hidden, width), nn.Linear(settings.feature_dim, width)
        self.match = nn.Linear(2 * width, 2) if settings.has_matching else None

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the contrast of each sample [B], and the matching beside it."""
        if batch.features is None:
            return views.full.states.new_zeros(len(views.full.states))
        features, settings = batch.features, self.settings
        present = features.present.any(1)
        texts = nn.functional.normalize(self.of_text(mean_text(views.full)), dim=-1)
        pictures = nn.functional.normalize(self.of_picture(_unit(mean_picture(features))), dim=-1)
        consistency = cosines(texts, pictures).detach().clamp(-1, 1)
        loss = adaptive_contrast(texts, pictures, present, consistency, settings.temperature, settings.alpha)
        return loss if self.match is None else loss + self._matching(texts, pictures, present)

    def _matching(self, texts: Tensor, pictures: Tensor, present: Tensor) -> Tensor:
        """Return the cross entropy of the own picture and of the next sample's [B]."""
        assert self.match is not None
        others, has_other = pictures.roll(1, 0), present & present.roll(1, 0)
        if len(texts) < 2:
            has_other = torch.zeros_like(present)
        right = -self.match(torch.cat([texts, pictures], 1)).log_softmax(1)[:, 1]
        wrong = -self.match(torch.cat([texts, others], 1)).log_softmax(1)[:, 0]
        both: Tensor = right.masked_fill(~present, 0.0) / 2 + wrong.masked_fill(~has_other, 0.0) / 2
        return both


def _unit(vectors: Tensor) -> Tensor:
    """Return vectors with a mean square of 1; zeros stay."""
    return vectors / vectors.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)
