"""The settings of the objectives. Loads no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, Number, PartSettings, Share, within

__all__ = ["ObjectiveSettings", "TwoViewSettings"]


@dataclass(frozen=True, config=BLOCK)
class ObjectiveSettings(PartSettings):
    """What the settings of all objectives have.

    Args:
        weight: multiplies the objective in the loss.
    """

    needs_contexts: ClassVar[bool] = False
    """Whether there is nothing to learn for an expert without contexts."""

    weight: Number = 1.0


@dataclass(frozen=True, config=BLOCK)
class TwoViewSettings(ObjectiveSettings):
    """The posteriors with and without contexts are drawn together.

    The loss is (1 - weight) (NLL with contexts + NLL without) + weight KL.

    Args:
        weight: of the divergence; the likelihoods have the rest.
        temperature: divides the logits of both views.

    Source: MoRe (Wang et al., Findings of EMNLP 2022), after CLNER (Wang et al., ACL 2021).
    """

    needs_contexts: ClassVar[bool] = True

    kind: Literal["two_view_kl"] = "two_view_kl"
    weight: Share = 0.5
    temperature: Annotated[float, Strict(), within("above 0", lambda value: value > 0)] = 1.0
