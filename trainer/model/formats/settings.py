"""The settings of the formats. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, Count, Flag, PartSettings, within

__all__ = [
    "BoxesSettings", "ChoicesSettings", "IndexSettings", "JmereSettings", "PhraseSettings", "ReamoSettings",
    "SelSettings", "UmieSettings",
]  # fmt: skip

Content = Annotated[str, Strict(), within("entities or relations", lambda value: value in ("entities", "relations"))]


@dataclass(frozen=True, config=BLOCK)
class IndexSettings(PartSettings):
    """H-Index: positions of words, whether a region shows them, and their type, all as numbers."""

    kind: Literal["index"] = "index"


@dataclass(frozen=True, config=BLOCK)
class PhraseSettings(PartSettings):
    """TIGER: a clause for each entity.

    Args:
        has_regions: whether a clause says if the picture shows the entity.
    """

    kind: Literal["phrase"] = "phrase"
    has_regions: Flag = True


@dataclass(frozen=True, config=BLOCK)
class UmieSettings(PartSettings):
    """UMIE as its description writes it.

    Args:
        content: entities or relations.
    """

    kind: Literal["umie"] = "umie"
    content: Content = "entities"


@dataclass(frozen=True, config=BLOCK)
class SelSettings(UmieSettings):
    """UMIE as its code writes it: the nested brackets of UIE."""

    kind: Literal["sel"] = "sel"  # type: ignore[assignment]


@dataclass(frozen=True, config=BLOCK)
class JmereSettings(PartSettings):
    """A sentence for each relation of two typed entities."""

    kind: Literal["jmere"] = "jmere"


@dataclass(frozen=True, config=BLOCK)
class BoxesSettings(PartSettings):
    """E2E: name, type and boxes in pixels."""

    kind: Literal["boxes"] = "boxes"


@dataclass(frozen=True, config=BLOCK)
class ReamoSettings(UmieSettings):
    """Reamo: types and names, and calls of the tool that finds an entity in the picture."""

    kind: Literal["reamo"] = "reamo"  # type: ignore[assignment]


@dataclass(frozen=True, config=BLOCK)
class ChoicesSettings(PartSettings):
    """MQA: the letter of an option.

    Args:
        seed: of the order of the options.
    """

    kind: Literal["choices"] = "choices"
    seed: Count = 0
