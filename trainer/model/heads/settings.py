"""The settings of the heads. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, Flag, Number, PartSettings, Rate, Share, within

__all__ = [
    "AutoHeadSettings",
    "FineSettings",
    "GridSettings",
    "HierarchicalSettings",
    "PrototypeSettings",
    "QuerySettings",
    "RelationSettings",
    "SpanSettings",
    "TaggingSettings",
]

_CANDIDATES = ("all", "gold", "gold or predicted")
Positive = Annotated[float, Strict(), within("above 0", lambda value: value > 0)]
AtLeastTwo = Annotated[int, Strict(), within("2 or more", lambda value: value >= 2)]
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
class FineSettings(TaggingSettings):
    """Tags of the fine types of the data, by one chain."""

    kind: Literal["fine"] = "fine"  # type: ignore[assignment]


@dataclass(frozen=True, config=BLOCK)
class HierarchicalSettings(FineSettings):
    """Tags of types and of fine types, by two chains.

    Args:
        share: by which the scores of the types are added to those of the fine types; 0 parts the two.
        coarse_weight: of the loss of the types.

    Source: GEM (Findings of EMNLP 2024): a share (beta) of 0.1.
    """

    kind: Literal["hierarchical"] = "hierarchical"  # type: ignore[assignment]
    share: Number = 0.1
    coarse_weight: Rate = 1.0


@dataclass(frozen=True, config=BLOCK)
class RelationSettings(PartSettings):
    """One relation between two marked entities.

    Args:
        dropout: share of the states' components that are dropped before the linear layer.
    """

    kind: Literal["relation"] = "relation"
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class GridSettings(PartSettings):
    """A class for each pair of words: entities that may lie within each other, or entities and relations.

    Args:
        scorer: "biaffine" has conditional norm, distances, regions, dilated convolutions and a biaffine (W2NER);
            "concat" one linear layer on two words and their distance (EEGA).
        recurrent_dim: of both directions of an LSTM on the states; 0 is none.
        biaffine_dim, channels, pair_dim: sizes of the scorer "biaffine": of a word in the biaffine, of each of three
            convolutions, of a pair behind them.
        dropout: share of the states' components that are dropped.
        conv_dropout: share of the channels that are dropped before the convolutions.
        layer_dropout: share of the components that are dropped before the last layers.

    Source: ljynlp/W2NER, config/resume-zh.json: 512, 768, 96, 288, .5, .5 and .33, with an encoder of 768.
    """

    kind: Literal["grid"] = "grid"
    scorer: Annotated[str, Strict(), within("biaffine or concat", ("biaffine", "concat").__contains__)] = "biaffine"
    recurrent_dim: Annotated[
        int, Strict(), within("even and 0 or more", lambda value: value >= 0 and value % 2 == 0)
    ] = 512
    biaffine_dim: AtLeastOne = 768
    channels: AtLeastOne = 96
    pair_dim: AtLeastOne = 288
    dropout: Share = 0.5
    conv_dropout: Share = 0.5
    layer_dropout: Share = 0.33


@dataclass(frozen=True, config=BLOCK)
class QuerySettings(PartSettings):
    """One query for each entity type: where spans start and end, which of these belong together, if there are any.

    Args:
        match_dim: of the layer that looks at a start and an end.
        dropout: share of the components that are dropped from states and before the match.
        start_weight, end_weight, match_weight: of the three losses, as shares of their sum.
        existence_weight: of the loss of whether a type is there at all.
        candidates: which pairs of start and end the match learns from: "all", those that are "gold", or
            "gold or predicted".

    Source: ShannonAI/mrc-for-flat-nested-ner, train/mrc_ner_trainer.py: 1, 1, 1 and all; its layer has 1024.
    """

    kind: Literal["query"] = "query"
    match_dim: AtLeastOne = 256
    dropout: Share = 0.1
    start_weight: Rate = 1.0
    end_weight: Rate = 1.0
    match_weight: Rate = 1.0
    existence_weight: Rate = 1.0
    candidates: Annotated[str, Strict(), within("all, gold or gold or predicted", _CANDIDATES.__contains__)] = "all"


@dataclass(frozen=True, config=BLOCK)
class PrototypeSettings(RelationSettings):
    """A relation by the nearest prototype; each training batch is an episode of ways x (shots + queries) samples.

    Args:
        ways: relations in an episode.
        shots: samples of each relation from which its prototype is made.
        queries: samples of each relation that are asked.
        distance: squared (of the difference) or dot (the negative product).
        temperature: divides the distances. In hundreds of components they are so large that a small encoder learns to
            make all vectors equal; the square root of their number is a good one.
        memory: share of the old prototype that stays when a batch brings a new one; for prediction among all relations.

    Source: FL-MSRE (AAAI 2021): squared distances, temperature 1, dropout 0.5, 20,000 episodes of one query.
    """

    kind: Literal["prototype"] = "prototype"  # type: ignore[assignment]
    dropout: Share = 0.5
    ways: AtLeastTwo = 5
    shots: AtLeastOne = 1
    queries: AtLeastOne = 1
    distance: Literal["squared", "dot"] = "squared"
    temperature: Positive = 1.0
    memory: Share = 0.9


@dataclass(frozen=True, config=BLOCK)
class AutoHeadSettings(PartSettings):
    """The usual head of the data set's task, tagging or relation; it takes those of these settings that it has."""

    kind: Literal["auto"] = "auto"
    dropout: Share = 0.1
    constrained_decoding: Flag = False
