"""The settings of the head of choices. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Strict
from pydantic.dataclasses import dataclass

from trainer.blocks import BLOCK, Count, within
from trainer.model.heads import RelationSettings

__all__ = ["ChoiceSettings"]


@dataclass(frozen=True, config=BLOCK)
class ChoiceSettings(RelationSettings):
    """A relation as the option that fits best; each option is read behind the sentence.

    Args:
        option_pieces: of an option at most; they come on top of the window.
        drawn_options: options that are read of a training sample: the right one, that of no relation, and others drawn
            at random; 0 reads all. A prediction reads all.
    """

    kind: Literal["choice"] = "choice"  # type: ignore[assignment]
    option_pieces: Annotated[int, Strict(), within("2 or more", lambda value: value >= 2)] = 48
    drawn_options: Count = 8
