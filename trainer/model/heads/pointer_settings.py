"""The settings of the heads that write answers. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, Flag, Number, PartSettings, Share, Text, within

__all__ = ["FinePointerSettings", "JointPointerSettings", "PointerSettings", "RegionPointerSettings"]

_FORMATS = ("index", "phrase", "umie", "sel", "jmere")


@dataclass(frozen=True, config=BLOCK)
class PointerSettings(PartSettings):
    """A decoder that writes an answer in a format, under its grammar.

    Args:
        format: index, phrase, umie, sel or jmere.
        width: of the decoder, a multiple of attention_heads.
        layers, attention_heads: of the decoder.
        dropout: in its layers.
        beams: texts that are kept in the search; 1 is greedy.
        mixed_beams: the same for the probabilities that a mixture reads.
        longest: symbols of an answer; what is longer is cut, and counted.
    """

    kind: Literal["pointer"] = "pointer"
    format: Annotated[Text, within(", ".join(_FORMATS), _FORMATS.__contains__)] = "index"
    width: AtLeastOne = 256
    layers: AtLeastOne = 2
    attention_heads: AtLeastOne = 4
    dropout: Share = 0.1
    beams: AtLeastOne = 1
    mixed_beams: AtLeastOne = 4
    longest: Annotated[int, Strict(), within("in [1, 500]", lambda value: 1 <= value <= 500)] = 160


@dataclass(frozen=True, config=BLOCK)
class FinePointerSettings(PointerSettings):
    """The same, with fine types."""

    kind: Literal["fine_pointer"] = "fine_pointer"  # type: ignore[assignment]
    format: Annotated[Text, within("phrase", lambda value: value == "phrase")] = "phrase"


@dataclass(frozen=True, config=BLOCK)
class JointPointerSettings(PointerSettings):
    """The same, with relations of any number."""

    kind: Literal["joint_pointer"] = "joint_pointer"  # type: ignore[assignment]
    format: Annotated[Text, within("jmere", lambda value: value == "jmere")] = "jmere"


@dataclass(frozen=True, config=BLOCK)
class RegionPointerSettings(PointerSettings):
    """The same, and each entity that the picture shows points at a region.

    Args:
        feature_dim: components of a region's vector.
        region_weight: of the regions' loss.
        absent_share: of the samples, which have no picture in training. A decoder that has always seen one writes next
            to nothing without.
        is_published: text does not see the regions before the decoder, and a region is chosen by the state that writes
            "which region", though that which reads it was trained: the two defects of the release of H-Index.
    """

    kind: Literal["region_pointer"] = "region_pointer"  # type: ignore[assignment]
    format: Annotated[Text, within("index or phrase", ("index", "phrase").__contains__)] = "index"
    feature_dim: Count = 2048
    region_weight: Number = 1.0
    absent_share: Share = 0.0
    is_published: Flag = False
