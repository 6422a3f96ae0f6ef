"""The settings of the objectives. Loads no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, Number, PartSettings, Rate, Share, Text, within

__all__ = [
    "BottleneckSettings",
    "ContrastSettings",
    "MatchingSettings",
    "ObjectiveSettings",
    "SelfDistilSettings",
    "ShapleySettings",
    "TransportSettings",
    "TwoViewSettings",
    "ViewDistanceSettings",
]

Temperature = Annotated[float, Strict(), within("above 0", lambda value: value > 0)]
Portion = Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)]
Divided = Annotated[Text, within("logits or posterior", ("logits", "posterior").__contains__)]


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
        temperature: divides the logits of both views, or their log posteriors.
        temperature_of: what it divides. Divided posteriors are brought to sum 1 again, and the divergence is multiplied
            by the squared temperature. Both are the same at 1.
        prompts: so many soft prompts stand before a window without contexts.

    Source: MoRe (Wang et al., Findings of EMNLP 2022), after CLNER (Wang et al., ACL 2021), which divides posteriors.
    """

    needs_contexts: ClassVar[bool] = True

    kind: Literal["two_view_kl"] = "two_view_kl"
    weight: Share = 0.5
    temperature: Temperature = 1.0
    temperature_of: Divided = "logits"
    prompts: Count = 0


@dataclass(frozen=True, config=BLOCK)
class ViewDistanceSettings(ObjectiveSettings):
    """The states with and without contexts are drawn together.

    Source: CLNER's CL-L2 (Wang et al., ACL 2021).
    """

    needs_contexts: ClassVar[bool] = True

    kind: Literal["view_l2"] = "view_l2"
    weight: Rate = 0.5


@dataclass(frozen=True, config=BLOCK)
class SelfDistilSettings(ObjectiveSettings):
    """Labels count as far as a teacher trusts them, its posteriors count for the rest.

    Args:
        weight: of the distillation; the head's own loss has the rest.
        teacher: a run folder whose posteriors of the training samples are kept: `mie-train evaluate RUN --split train`.

    Source: SCANNER (NAACL 2024).
    """

    kind: Literal["self_distil"] = "self_distil"
    weight: Portion = 0.5
    teacher: Text = ""


@dataclass(frozen=True, config=BLOCK)
class ContrastSettings(ObjectiveSettings):
    """Texts and their own contexts are drawn together, those of other samples apart.

    Args:
        temperature: divides the cosines.
        text_share: of the contrast from text to contexts; the other direction has the rest.

    Source: InfoNCE (Oord et al., 2018), of the cosines.
    """

    needs_contexts: ClassVar[bool] = True

    kind: Literal["contrast"] = "contrast"
    weight: Rate = 0.1
    temperature: Temperature = 0.1
    text_share: Portion = 0.5


@dataclass(frozen=True, config=BLOCK)
class MatchingSettings(ObjectiveSettings):
    """A network tells the contexts of a text from swapped ones."""

    needs_contexts: ClassVar[bool] = True

    kind: Literal["matching"] = "matching"
    weight: Rate = 0.1


@dataclass(frozen=True, config=BLOCK)
class ShapleySettings(ObjectiveSettings):
    """The Shapley value of a text's own contexts is raised, that of other samples' lowered.

    Args:
        temperature: of the softmax within a set of contexts.
        permutations: orders that are drawn where a batch has more than 8 samples with contexts.
        seed: of the orders, the same in each step.

    Source: Shap-CA (ACM Multimedia 2024).
    """

    needs_contexts: ClassVar[bool] = True

    kind: Literal["shapley"] = "shapley"
    weight: Rate = 0.1
    temperature: Temperature = 0.1
    permutations: AtLeastOne = 64
    seed: Count = 1


@dataclass(frozen=True, config=BLOCK)
class BottleneckSettings(ObjectiveSettings):
    """Labels are read once more from a short, noisy code of the states.

    Args:
        weight: of the bottleneck.
        dim: components of the code.
        beta: of its bits.

    Source: ISE (Wu et al., ACL 2023), cores/gene of its code: beta 0.01, weight 0.8.
    """

    kind: Literal["bottleneck"] = "bottleneck"
    weight: Rate = 0.8
    dim: AtLeastOne = 64
    beta: Rate = 0.01


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
