"""The settings of the heads. Loads no torch."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, Flag, PartSettings, Share

__all__ = ["AutoHeadSettings", "RelationSettings", "TaggingSettings"]


@dataclass(frozen=True, config=BLOCK)
class TaggingSettings(PartSettings):
    """Tags by a linear-chain CRF.

    Args:
        dropout: share of the states' components that are dropped before the linear layer.
        constrained_decoding: decode only sequences in which each I- follows a B- or an I- of its type.
    """

    kind: Literal["tagging"] = "tagging"
    dropout: Share = 0.1
    constrained_decoding: Flag = False


@dataclass(frozen=True, config=BLOCK)
class RelationSettings(PartSettings):
    """One relation between two marked entities.

    Args:
        dropout: share of the states' components that are dropped before the linear layer.
    """

    kind: Literal["relation"] = "relation"
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class AutoHeadSettings(PartSettings):
    """The usual head of the data set's task, tagging or relation; it takes those of these settings that it has."""

    kind: Literal["auto"] = "auto"
    dropout: Share = 0.1
    constrained_decoding: Flag = False
