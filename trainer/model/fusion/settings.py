"""The settings of the fusions. Loads no torch."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, PartSettings

__all__ = ["FusionSettings", "PrefixSettings"]


@dataclass(frozen=True, config=BLOCK)
class FusionSettings(PartSettings):
    """What the settings of all fusions have.

    Args:
        feature_dim: components of a feature.
    """

    feature_dim: AtLeastOne = 1280


@dataclass(frozen=True, config=BLOCK)
class PrefixSettings(FusionSettings):
    """Pictures as keys and values before those of the text, in every layer.

    Args:
        positions: so many neighbouring columns of the features are positions of one picture or region, under one gate.
        mixes: learned mixes of a feature's components; the gate of each layer weighs them.
        middle_dim: components between the two linear maps.

    Source: HVPNeT (Chen et al., Findings of NAACL 2022): 4 positions, 4 mixes, 800.
    """

    kind: Literal["prefix"] = "prefix"
    positions: AtLeastOne = 1
    mixes: AtLeastOne = 4
    middle_dim: AtLeastOne = 800
