"""The settings of grounding. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, Flag, PartSettings, Rate, Share, within
from trainer.model.fusion import FusionSettings
from trainer.model.heads import TaggingSettings

__all__ = ["EdgesSettings", "ObjectRelationSettings", "PreviousSettings", "RegionSettings"]


@dataclass(frozen=True, config=BLOCK)
class RegionSettings(TaggingSettings):
    """Tags, and for each mention a region of the picture.

    Args:
        feature_dim: components of a feature.
        view: the number of the view whose regions are the candidates, in the order of `data.features`, from 0.
        scores: softmax (over the candidates and none, learned from their overlaps), sigmoid (each candidate by itself)
            or relation (each candidate is of a type, or of none).
        query: point (mention and region meet in one product) or attention (the regions look at the mention).
        groundable: a classifier of the mention alone says whether the picture shows it.
        width: components in which mention and region meet.
        region_dropout: share of a region's components that are dropped in training.
        region_weight: of the loss of regions beside that of tags.
        constraint_weight: of RE2's term that no two mentions of a post have one region; 0 leaves it out.
        threshold: a region counts from this probability; of softmax, the likeliest answer does.

    Source: H-Index (Yu et al., ACL 2023) for softmax and its targets; EVG (same paper) for sigmoid.
    """

    kind: Literal["regions"] = "regions"  # type: ignore[assignment]
    feature_dim: AtLeastOne = 1280
    view: Count = 1
    scores: Annotated[
        str, Strict(), within("softmax, sigmoid or relation", ("softmax", "sigmoid", "relation").__contains__)
    ] = "softmax"
    query: Annotated[str, Strict(), within("point or attention", ("point", "attention").__contains__)] = "point"
    groundable: Flag = False
    width: AtLeastOne = 64
    region_dropout: Share = 0.5
    region_weight: Rate = 1.0
    constraint_weight: Rate = 0.0
    threshold: Share = 0.5


@dataclass(frozen=True, config=BLOCK)
class ObjectRelationSettings(PartSettings):
    """The relation of a given span and a given box.

    Args:
        feature_dim: components of a feature.
        view: the number of the view in which the object of a box is looked up, in the order of `data.features`, from 0.
        dropout: share of the object's components that are dropped in training.

    Source: MORE (He et al., ACM MM 2023).
    """

    kind: Literal["object_relation"] = "object_relation"
    feature_dim: AtLeastOne = 1280
    view: Count = 1
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class EdgesSettings(FusionSettings):
    """Regions look at each other along the edges between their boxes; the tokens look at them.

    Args:
        view: the number of the view whose regions are the nodes, in the order of `data.features`, from 0.
        width: components of a node.
        layers, heads: of the attention with edges.
        dropout: in the attention of the tokens.

    Source: RE2 (Ramu et al., NAACL 2024): 2 layers, 8 heads.
    """

    kind: Literal["edges"] = "edges"
    view: Count = 1
    width: AtLeastOne = 64
    layers: AtLeastOne = 2
    heads: AtLeastOne = 8
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class PreviousSettings(FusionSettings):
    """A post looks at the one before it in its group: text at text and picture at picture; then text at picture.

    Args:
        width: components of a region.
        dropout: in the attentions.

    Source: SeqGMPER (LREC-COLING 2024).
    """

    kind: Literal["previous"] = "previous"
    width: AtLeastOne = 64
    dropout: Share = 0.1
