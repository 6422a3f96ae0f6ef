"""The settings of the heads. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, Count, Flag, PartSettings, Rate, Share, within

__all__ = ["AutoHeadSettings", "RelationSettings", "SpanSettings", "TaggingSettings"]

Portion = Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)]


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
class SpanSettings(TaggingSettings):
    """Tags, helped by a second tagger that knows spans and no types.

    Args:
        span_dim: the last so many components of a state are for the spans, the others for the tags; 0 gives all to
            both.
        span_share: of the span scores in the mixed scores.
        span_weight: of the loss of the spans.

    Source: UMT (Yu et al., ACL 2020): 0.5 both.
    """

    kind: Literal["spans"] = "spans"  # type: ignore[assignment]
    span_dim: Count = 0
    span_share: Portion = 0.5
    span_weight: Rate = 0.5


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
