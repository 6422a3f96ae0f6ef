"""The settings of the fusions. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, AtLeastOne, Count, Flag, PartSettings, Rate, Share, as_tuple, within

__all__ = [
    "AlignedSettings",
    "AppendedSettings",
    "CaptionedSettings",
    "ExpertsSettings",
    "FramedSettings",
    "FusionSettings",
    "GatedSettings",
    "ObjectsSettings",
    "PrefixSettings",
    "PromptsSettings",
    "QueriesSettings",
    "ScoredSettings",
    "SideSettings",
    "TwoWaySettings",
]

Temperature = Annotated[float, Strict(), within("above 0", lambda value: value > 0)]
Views = Annotated[
    tuple[Count, ...], BeforeValidator(as_tuple), within("different views", lambda value: len(set(value)) == len(value))
]
Counts = Annotated[tuple[AtLeastOne, ...], BeforeValidator(as_tuple), within("one or more", lambda value: bool(value))]
Portion = Annotated[float, Strict(), within("in [0, 1]", lambda value: 0 <= value <= 1)]


@dataclass(frozen=True, config=BLOCK)
class FusionSettings(PartSettings):
    """What the settings of all fusions have.

    Args:
        feature_dim: components of a feature.
        scaled: bring each feature to a mean square of 1.
        feature_dropout: of the components of a feature, in training.
        absent_share: of the samples, which have no picture in training.
        wrong_share: of the samples, which have the picture of another one in training.
    """

    feature_dim: AtLeastOne = 1280
    scaled: Flag = True
    feature_dropout: Share = 0.0
    absent_share: Share = 0.0
    wrong_share: Share = 0.0


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
class GatedSettings(FusionSettings):
    """Tokens look at the picture, through one gate for a sample.

    Args:
        dropout: in the attention and in the picture's encoder.
        layers: of the picture's encoder.
        places: so many columns have a vector for their order; those behind share the last.
        slope: of the rectifier of the gate below 0, which is applied twice; 1 leaves the cosine as it is. With 0.01, a
            gate whose cosines are negative at first lets nothing through and learns nothing.

    Source: UMIE (Sun et al., AAAI 2024): 2 layers; 37 columns, the whole picture and 36 regions; 0.01.
    """

    kind: Literal["gated"] = "gated"
    dropout: Share = 0.1
    layers: AtLeastOne = 2
    places: AtLeastOne = 37
    slope: Portion = 0.01


@dataclass(frozen=True, config=BLOCK)
class TwoWaySettings(FusionSettings):
    """Text and picture look at each other.

    Args:
        dropout: in the blocks of attention.
    """

    kind: Literal["two_way"] = "two_way"
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class SideSettings(FusionSettings):
    """Layers of the picture beside the last layers of the text, which feed its feed-forward networks.

    Args:
        layers: of the picture, each beside one layer of the text; at most all but its first.
        dropout: in the layers of the picture.

    Source: MKGformer (Chen et al., SIGIR 2022): layers 9 to 12 of 12.
    """

    kind: Literal["side"] = "side"
    layers: AtLeastOne = 4
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class ExpertsSettings(FusionSettings):
    """Prefixes from several sources, mixed by a gate of each layer.

    Args:
        views: the numbers of the views that are a source each, as they come in `data.features`, from 0.
        tokens: of a prefix; a source has at most as many columns.
        has_free: one more source of learned vectors, which do not hang on the picture.
        middle_dim: components between the two linear maps.
        noise: standard deviation of what is added to the gate's scores in training.
        balance_weight: of the term that keeps the gate from one source alone; the labels have the rest.

    Source: VisualPT-MoE (Xu et al., DASFAA 2023), model/moe_model.py of its code: 16 tokens, 1024, 1/16, 1e-4.
    """

    kind: Literal["experts"] = "experts"
    views: Annotated[Views, within("one view or more", lambda value: bool(value))] = (0, 1)
    tokens: AtLeastOne = 16
    has_free: Flag = True
    middle_dim: AtLeastOne = 1024
    noise: Rate = 0.0625
    balance_weight: Share = 1e-4


@dataclass(frozen=True, config=BLOCK)
class FramedSettings(FusionSettings):
    """Pictures with a frame drawn around a box, each with an attention and a gate of its own.

    Args:
        frames: how many of each group, for instance of grounding and of a detector; each group gives states.
        positions: so many neighbouring columns of the features belong to one framed picture. With one, its attention
            has nothing to choose from, and sees the same for each token.
        dropout: in the attentions.

    Source: FocalMRE (ACM Multimedia 2024): 4 and 3 frames.
    """

    kind: Literal["framed"] = "framed"
    frames: Counts = (4,)
    positions: AtLeastOne = 1
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class PromptsSettings(FusionSettings):
    """Words that fit the picture, to which the tokens look beside each other.

    Args:
        weighs_by_score: multiply each word's vector by its score relative to the mean of the picture's scores.
        dropout: in the attention.

    Source: PromptMNER (Wang et al., DASFAA 2022).
    """

    kind: Literal["prompts"] = "prompts"
    weighs_by_score: Flag = True
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class QueriesSettings(FusionSettings):
    """Queries that weigh the regions of a picture; the tokens take what the queries that fit them see.

    Args:
        queries: as many as there are entity types.
        weight: of the term by which the weights learn from the scores of the regions.
    """

    kind: Literal["queries"] = "queries"
    queries: AtLeastOne = 4
    weight: Rate = 0.1


@dataclass(frozen=True, config=BLOCK)
class ObjectsSettings(FusionSettings):
    """Objects that look at the tokens; their sum stands beside each state.

    Args:
        dropout: of the sum.
        reads_objects: add each object's own vector to what it sees, and take the mean in place of the sum. In MEGA the
            objects only choose where in the text to look.

    Source: MEGA (Zheng et al., ACM Multimedia 2021).
    """

    kind: Literal["objects"] = "objects"
    dropout: Share = 0.5
    reads_objects: Flag = False


@dataclass(frozen=True, config=BLOCK)
class ScoredSettings(FusionSettings):
    """Features that look at the tokens, weighed by scores that were computed before.

    Args:
        dropout: in the attention.

    Source: TMR (Zheng et al., ACL 2023).
    """

    kind: Literal["scored"] = "scored"
    dropout: Share = 0.1


@dataclass(frozen=True, config=BLOCK)
class CaptionedSettings(ScoredSettings):
    """Regions and the words of a caption look at each other, then at the tokens.

    Args:
        words_view: number of the view of words, in the order of `data.features`, from 0; the others are regions.
        weight: of the mutual information of regions and words.
        temperature: of the contrast that estimates it.

    Source: CAMIM (Zhang et al., ACM Multimedia 2024), opennre/encoder/bert_encoder.py of its code: 0.1, 1.
    """

    kind: Literal["captioned"] = "captioned"  # type: ignore[assignment]
    words_view: Count = 1
    weight: Rate = 0.1
    temperature: Temperature = 1.0
