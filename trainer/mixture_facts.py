"""What a mixture is made of: `mixture.json`, and where its experts lie."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from schemas.errors import IndexCorrupt
from schemas.manifest import write_json_atomically
from trainer.gates import GateName

__all__ = ["FIT_AGAIN", "MIXTURE_FACTS", "MixtureFacts", "expert_folders", "read_mixture_facts", "write_mixture_facts"]

FIT_AGAIN = "fit it again: mie-train moe ... --overwrite"
MIXTURE_FACTS = "mixture.json"


@dataclass(frozen=True)
class MixtureFacts:
    """What a mixture is made of.

    Args:
        experts: run folders, absolute or relative to the mixture's.
        digests: of their weights.
        gate: the one that predicts.
        split: on whose posteriors the gates were fitted.
        folds: of the cross-fitting.
        steps: for which each gate was fitted.
        image_vectors: a cache or Parquet of image vectors; "" where the gates read none.
        sizes: features of a sample, features of a token, text dimension, image dimension.
        scores: of the experts, the oracle and the gates on that split: F1, and the gates' held-out loss.
        image_encoder: fingerprint of the weights that made the image vectors; "" where it is not told.
    """

    experts: tuple[str, ...]
    digests: tuple[str, ...]
    gate: GateName
    split: str
    folds: int
    steps: dict[str, int]
    image_vectors: str
    sizes: tuple[int, int, int, int]
    scores: dict[str, dict[str, float]]
    image_encoder: str = ""


def read_mixture_facts(folder: Path) -> MixtureFacts:
    """Read what a mixture is made of; its experts are not looked at.

    Raises:
        IndexCorrupt: the file is damaged.
    """
    try:
        values = json.loads((folder / MIXTURE_FACTS).read_text(encoding="utf-8"))
        tuples = {name: tuple(values[name]) for name in ("experts", "digests", "sizes")}
        return MixtureFacts(**{**values, **tuples})
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"unreadable mixture ({reason})", path=folder, remedy=FIT_AGAIN) from error


def write_mixture_facts(folder: Path, facts: MixtureFacts) -> None:
    """Declare a mixture finished."""
    write_json_atomically(folder / MIXTURE_FACTS, asdict(facts))


def expert_folders(folder: Path, facts: MixtureFacts) -> list[Path]:
    """Give the run folders of a mixture's experts."""
    return [(folder / name).resolve() for name in facts.experts]
