"""What an objective is: a loss of each sample, beside the one of the head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Batch
from trainer.model.heads import Head, View
from trainer.model.objectives.prompt import SoftPrompt

__all__ = ["Objective", "Views", "log_posterior", "mean_state"]


class Views(NamedTuple):
    """A batch as the head saw it.

    Args:
        head: turns views into posteriors.
        full: with contexts.
        plain: without contexts; None where no objective needs it.
        contexts: the mean state of the contexts alone [B, H]; None where no objective needs it.
    """

    head: Head
    full: View
    plain: View | None
    contexts: Tensor | None = None


class Objective(nn.Module, ABC):
    """A term of the loss. Its weights, if it has any, are saved and trained with the expert's parts.

    The views that only objectives of weight 0 need are not made, so that these change nothing, to the bit.
    """

    needs_plain: ClassVar[bool] = False
    """Whether it compares with the view without contexts."""
    learns_plain: ClassVar[bool] = False
    """Whether the head then learns from both views."""
    needs_contexts_alone: ClassVar[bool] = False
    """Whether it compares with the contexts alone."""
    prompt: SoftPrompt | None
    """What stands before a window without contexts."""

    def __init__(self, name: str, weight: float) -> None:
        super().__init__()
        self.name, self.weight, self.prompt = name, weight, None

    @property
    def head_share(self) -> float:
        """The factor that the head's loss gets beside this objective."""
        return 1.0

    def attach(self, head: Head) -> None:
        """Make what depends on the head, once, before the first batch."""

    @abstractmethod
    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the objective of each sample [B], without its weight."""


def log_posterior(views: Views, view: View, name: str, temperature: float = 1.0) -> Tensor:
    """Return log posteriors [B, S, K] of a view, of its logits divided by a temperature.

    Args:
        views: of the batch.
        view: one of them.
        name: of the objective, for the error.
        temperature: divides the logits.

    Raises:
        UsageError: the head has none.
    """
    posterior = views.head.posterior(view, temperature)
    if posterior is None:
        raise UsageError(
            f"the head {views.head.kind} has no posterior, which the objective {name} compares",
            remedy="take the objective out of model.objectives",
        )
    return posterior.log_probs


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the states [B, P, H] that are there [B, H]; 0 where none is.

    >>> import torch
    >>> mean_state(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]))
    tensor([[2.]])
    """
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)
