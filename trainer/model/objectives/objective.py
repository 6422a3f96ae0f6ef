"""What an objective is: a loss of each sample, beside the one of the head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from trainer.inputs import Batch
from trainer.model.heads import Head, View

__all__ = ["Objective", "Views"]


class Views(NamedTuple):
    """A batch as the head saw it.

    Args:
        head: turns views into posteriors.
        full: with contexts.
        plain: without contexts; None where no objective needs it.
    """

    head: Head
    full: View
    plain: View | None


class Objective(nn.Module, ABC):
    """A term of the loss. Its weights, if it has any, are saved and trained with the expert's parts."""

    needs_plain: ClassVar[bool] = False
    """Whether it compares with the view without contexts; the head then learns from both views."""

    def __init__(self, name: str, weight: float) -> None:
        super().__init__()
        self.name, self.weight = name, weight

    @property
    def head_share(self) -> float:
        """The factor that the head's loss gets beside this objective."""
        return 1.0

    @abstractmethod
    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the objective of each sample [B], without its weight."""
