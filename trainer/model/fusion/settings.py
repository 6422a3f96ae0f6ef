"""The settings of the fusions. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, PartSettings, Rate, Share, within

__all__ = ["AlignedSettings", "AppendedSettings", "FusionSettings", "PrefixSettings", "TwoWaySettings"]

Temperature = Annotated[float, Strict(), within("above 0", lambda value: value > 0)]
Portion = Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)]


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


@dataclass(frozen=True, config=BLOCK)
class AppendedSettings(FusionSettings):
    """Features as further tokens behind the text.

    Args:
        embedding_dim: components of a word's embedding; 0 for as many as a state has.
        relation_weight: of telling the own picture from one of the batch; 0 leaves that out, and a pass of the encoder.

    Source: RpBERT (Sun et al., AAAI 2021) weighs its text-image relation by 0.05.
    """

    kind: Literal["appended"] = "appended"
    embedding_dim: Count = 0
    relation_weight: Rate = 0.05


@dataclass(frozen=True, config=BLOCK)
class AlignedSettings(FusionSettings):
    """Tokens look at the picture, through gates of the sample and of the token.

    Args:
        dropout: in the cross attention.
        weight: of matching and contrast; the labels have the rest.
        temperature: of the contrast.
        text_share: of the contrast from text to picture; the other direction has the rest.

    Source: MAF (Xu et al., WSDM 2022): 0.38, 0.179, 0.7.
    """

    kind: Literal["aligned"] = "aligned"
    dropout: Share = 0.1
    weight: Share = 0.38
    temperature: Temperature = 0.179
    text_share: Portion = 0.7


@dataclass(frozen=True, config=BLOCK)
class TwoWaySettings(FusionSettings):
    """Text and picture look at each other.

    Args:
        dropout: in the blocks of attention.
    """

    kind: Literal["two_way"] = "two_way"
    dropout: Share = 0.1
