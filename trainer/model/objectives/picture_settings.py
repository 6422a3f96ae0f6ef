"""The settings of the objectives that read pictures. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Flag, Number, Share, Text, within
from trainer.model.objectives.settings import ObjectiveSettings

__all__ = ["AdaptiveContrastSettings", "SoftPromptsSettings"]

_Positive = Annotated[float, Strict(), within("above 0", lambda value: value > 0)]


@dataclass(frozen=True, config=BLOCK)
class AdaptiveContrastSettings(ObjectiveSettings):
    """Text and picture find each other within a batch; a pair that fits has a smaller temperature.

    Args:
        feature_dim: components of a feature.
        temperature: of a pair whose consistency is 0.
        alpha: how much the consistency, in [-1, 1], changes it; 0 is the usual contrast.
        has_matching: whether to tell the own picture from another's too.

    Source: CAG (CIKM 2024): t' = t (1 - alpha consistency). Temperature and alpha are not stated there; these are ours.
    """

    kind: Literal["adaptive_contrast"] = "adaptive_contrast"
    weight: Number = 0.1
    feature_dim: AtLeastOne = 1280
    temperature: _Positive = 0.07
    alpha: Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)] = 0.5
    has_matching: Flag = False


@dataclass(frozen=True, config=BLOCK)
class SoftPromptsSettings(ObjectiveSettings):
    """The text learns which prompts of a bank fit its picture, from a teacher that sees picture and prompts alone.

    Args:
        bank: a .safetensors file with `prompts` [N, D] or [N, templates, D], in the space of the features.
        bank_prompts: N, of the bank.
        temperature: of the teacher.
        least: a picture or region whose best prompt has a smaller probability teaches nothing.
        region_weight: of the soft labels of regions beside those of the whole picture; 0 leaves them out.
        feature_dim: components of a region's vector; read where region_weight is above 0.

    Source: THU-BPM/PROMU (ACM MM 2023), promu_models.py: 1,000 nouns, 0.2. The temperature is learned there.
    """

    kind: Literal["soft_prompts"] = "soft_prompts"
    weight: Number = 1.0
    bank: Text = ""
    bank_prompts: AtLeastOne = 1000
    temperature: _Positive = 0.07
    least: Share = 0.2
    region_weight: Number = 0.0
    feature_dim: AtLeastOne = 1280
