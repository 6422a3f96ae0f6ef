"""Two views of a sample, with and without its contexts: the student without them learns from the teacher with them."""

from __future__ import annotations

from torch import Tensor

from schemas.errors import UsageError
from trainer.inputs import Batch
from trainer.model.heads import View
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.settings import TwoViewSettings

__all__ = ["TwoViewDivergence", "posterior_divergence"]


class TwoViewDivergence(Objective):
    """KL(posterior with contexts || posterior without), with the teacher held fixed."""

    needs_plain = True

    def __init__(self, hidden: int, settings: TwoViewSettings) -> None:  # noqa: ARG002 - the same for all objectives
        super().__init__(settings.kind, settings.weight)
        self.temperature = settings.temperature

    @property
    def head_share(self) -> float:
        """The likelihoods have the rest of the weight."""
        return 1 - self.weight

    def forward(self, views: Views, batch: Batch) -> Tensor:  # noqa: ARG002
        """Return the divergence of each sample [B]."""
        assert views.plain is not None
        teacher = self._log_probs(views, views.full).detach()
        return posterior_divergence(teacher, self._log_probs(views, views.plain))

    def _log_probs(self, views: Views, view: View) -> Tensor:
        posterior = views.head.posterior(view, self.temperature)
        if posterior is None:
            raise UsageError(
                f"the head {views.head.kind} has no posterior, which the objective {self.name} compares",
                remedy="take the objective out of model.objectives",
            )
        return posterior.log_probs


def posterior_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return KL(teacher || student) [B], summed over the states, of log posteriors [B, S, K].

    Beyond the mask both are 0 in every class, which adds nothing.
    """
    return (teacher.exp() * (teacher - student)).sum(dim=(1, 2))
