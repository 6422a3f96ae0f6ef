"""The run folders of a mixture and of its experts. Loads no torch."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.run_files import MIXTURE_FACTS, MixtureFacts

__all__ = ["expert_folders", "is_mixture", "relative_to_mixture"]


def is_mixture(folder: Path) -> bool:
    """Return whether a run folder holds a mixture."""
    return (folder / MIXTURE_FACTS).is_file()


def expert_folders(folder: Path, facts: MixtureFacts) -> list[Path]:
    """Return the run folders of a mixture's experts."""
    return [(folder / name).resolve() for name in facts.experts]


def relative_to_mixture(path: Path, out: Path) -> str:
    """Return the path of an expert as the mixture in out keeps it: both may move together."""
    return os.path.relpath(path.resolve(), out.resolve())
