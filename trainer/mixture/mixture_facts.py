"""What a mixture is made of: `mixture.json`, and where its experts lie."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from schemas.manifest import write_json_atomically
from schemas.run_files import MIXTURE_FACTS, MixtureFacts, read_mixture_facts

__all__ = ["FIT_AGAIN", "MIXTURE_FACTS", "MixtureFacts", "expert_folders", "read_mixture_facts", "write_mixture_facts"]

FIT_AGAIN = "fit it again: mie-train moe ... --overwrite"


def write_mixture_facts(folder: Path, facts: MixtureFacts) -> None:
    """Declare a mixture finished."""
    write_json_atomically(folder / MIXTURE_FACTS, asdict(facts))


def expert_folders(folder: Path, facts: MixtureFacts) -> list[Path]:
    """Return the run folders of a mixture's experts."""
    return [(folder / name).resolve() for name in facts.experts]
