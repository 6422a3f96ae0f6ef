"""The model's block of settings: its head, its objectives and its fusion, each by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, PartSettings, as_tuple
from trainer.model.build import part_settings
from trainer.model.heads import AutoHeadSettings
from trainer.model.objectives import ObjectiveSettings

__all__ = ["ModelConfig"]


def _by_kind(family: str, default: str | None = None) -> BeforeValidator:
    """Return a validator that reads a mapping as the settings of the kind which it names."""

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        settings = part_settings(family, value.get("kind", default))
        return TypeAdapter(settings).validate_python(dict(value))

    return BeforeValidator(read)


OneObjective = Annotated[ObjectiveSettings, _by_kind("objectives")]


@dataclass(frozen=True, config=BLOCK)
class ModelConfig:
    """The parts that stand on the encoder.

    Args:
        head: turns the states of tokens into labels.
        objectives: what is learned beside the labels; each with its weight.
        fusion: brings visual features into the encoder; None without pictures.
    """

    head: Annotated[PartSettings, _by_kind("head", "auto")] = field(default_factory=AutoHeadSettings)
    objectives: Annotated[tuple[OneObjective, ...], BeforeValidator(as_tuple)] = ()
    fusion: Annotated[PartSettings | None, _by_kind("fusion")] = None
