"""Self-distillation: labels are trusted as far as a teacher trusts them, which was trained before on the same data."""

from __future__ import annotations

from torch import Tensor

from schemas.errors import UsageError
from trainer.inputs import Batch
from trainer.model.objectives.objective import Objective, Views, log_posterior
from trainer.model.objectives.settings import SelfDistilSettings

__all__ = ["SelfDistillation", "trust_loss"]


class SelfDistillation(Objective):
    """a CE(label, student) + (1 - a) KL(teacher || student), where a is what the teacher gives the label."""

    def __init__(self, hidden: int, settings: SelfDistilSettings) -> None:  # noqa: ARG002 - the same for all
        super().__init__(settings.kind, settings.weight)

    @property
    def head_share(self) -> float:
        """The head's own loss has the rest of the weight."""
        return 1 - self.weight

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the loss of each sample [B], summed over its states.

        Raises:
            UsageError: the batch has no posteriors of a teacher.
        """
        student = log_posterior(views, views.full, self.name)
        if batch.teacher is None or batch.targets is None:
            raise UsageError("no posteriors of a teacher", remedy="set the objective's teacher to a run folder")
        mask = views.head.state_mask(batch.mask)
        return trust_loss(batch.teacher[:, : student.shape[1]], student, batch.targets, mask)


def trust_loss(teacher: Tensor, student: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Return sum over states of a CE + (1 - a) KL(teacher || student) [B]; the teacher is held fixed.

    Args:
        teacher: log posteriors [B, S, K].
        student: log posteriors [B, S, K].
        targets: labels [B, S].
        mask: which states are there [B, S] bool.

    Source: SCANNER (NAACL 2024) weighs by the teacher's score of the label; a = p(label) is our reading.

    >>> import torch
    >>> teacher, student = (torch.tensor([[row]]).log() for row in ([0.7, 0.2, 0.1], [0.5, 0.3, 0.2]))
    >>> round(float(trust_loss(teacher, student, torch.tensor([[0]]), torch.tensor([[True]]))), 6)
    0.51074
    """
    teacher = teacher.detach()
    trust = teacher.gather(2, targets[:, :, None])[:, :, 0].exp()  # [B, S]
    cross = -student.gather(2, targets[:, :, None])[:, :, 0]
    divergence = (teacher.exp() * (teacher - student)).sum(-1)
    return (trust * cross + (1 - trust) * divergence).masked_fill(~mask, 0.0).sum(1)
