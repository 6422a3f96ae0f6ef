"""Two views of a sample, with and without its contexts: the student without them learns from the teacher with them."""

from __future__ import annotations

from torch import Tensor

from trainer.inputs import Batch
from trainer.model.heads import View
from trainer.model.objectives.objective import Objective, Views, log_posterior
from trainer.model.objectives.prompt import SoftPrompt
from trainer.model.objectives.settings import TwoViewSettings, ViewDistanceSettings

__all__ = ["TwoViewDivergence", "ViewDistance", "posterior_divergence", "tempered"]


class TwoViewDivergence(Objective):
    """KL(posterior with contexts || posterior without), with the teacher held fixed."""

    needs_plain = learns_plain = True

    def __init__(self, hidden: int, settings: TwoViewSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.temperature, self.temperature_of = settings.temperature, settings.temperature_of
        self.prompt = SoftPrompt(hidden, settings.prompts) if settings.prompts else None

    @property
    def head_share(self) -> float:
        """The likelihoods have the rest of the weight."""
        return 1 - self.weight

    def forward(self, views: Views, batch: Batch) -> Tensor:  # noqa: ARG002
        """Return the divergence of each sample [B]."""
        assert views.plain is not None
        teacher, student = self._log_probs(views, views.full).detach(), self._log_probs(views, views.plain)
        divergence = posterior_divergence(teacher, student)
        return divergence * self.temperature**2 if self.temperature_of == "posterior" else divergence

    def _log_probs(self, views: Views, view: View) -> Tensor:
        if self.temperature_of == "logits":
            return log_posterior(views, view, self.name, self.temperature)
        return tempered(log_posterior(views, view, self.name), self.temperature, views.head.state_mask(view.mask))


class ViewDistance(Objective):
    """The squared distance of the states with and without contexts, with those that have contexts held fixed."""

    needs_plain = learns_plain = True

    def __init__(self, hidden: int, settings: ViewDistanceSettings) -> None:  # noqa: ARG002 - the same for all
        super().__init__(settings.kind, settings.weight)

    def forward(self, views: Views, batch: Batch) -> Tensor:  # noqa: ARG002
        """Return the distance of each sample [B]: the sum over its states of the mean square over the dimensions."""
        assert views.plain is not None
        squares = (views.full.states.detach() - views.plain.states).square().mean(-1)  # [B, P]
        return squares.masked_fill(~views.full.mask, 0.0).sum(1)


def posterior_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return KL(teacher || student) [B], summed over the states, of log posteriors [B, S, K].

    Beyond the mask both are 0 in every class, which adds nothing.
    """
    return (teacher.exp() * (teacher - student)).sum(dim=(1, 2))


def tempered(log_probs: Tensor, temperature: float, mask: Tensor) -> Tensor:
    """Return log posteriors [B, S, K] divided by a temperature and brought to sum 1 again; 0 beyond the mask [B, S].

    Source: CLNER (Wang et al., ACL 2021), flair/trainers/finetune_trainer.py of its code.

    >>> import torch
    >>> log_probs = torch.tensor([[[0.2, 0.8]]]).log()
    >>> tempered(log_probs, 2.0, torch.tensor([[True]])).exp()  # 1 : 2, the roots of 0.2 : 0.8
    tensor([[[0.3333, 0.6667]]])
    """
    return (log_probs / temperature).log_softmax(-1).masked_fill(~mask[:, :, None], 0.0)
