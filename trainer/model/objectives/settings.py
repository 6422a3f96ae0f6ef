"""The settings of the objectives. Loads no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Number, PartSettings, Share, within

__all__ = ["ObjectiveSettings", "TransportSettings", "TwoViewSettings"]

Portion = Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)]


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


@dataclass(frozen=True, config=BLOCK)
class TransportSettings(ObjectiveSettings):
    """The words of a text are drawn to the regions of its picture, and their pairs to the pairs of regions.

    Args:
        weight: of both distances in the loss.
        share: of the Wasserstein distance; Gromov-Wasserstein has the rest.
        feature_dim: components of a region's vector in the feature stores.

    Source: EEGA (Yuan et al., AAAI 2023): 0.6 and 0.4; its code has 0.2 of either.
    """

    kind: Literal["transport"] = "transport"
    weight: Number = 0.6
    share: Portion = 0.4
    feature_dim: AtLeastOne = 1280
