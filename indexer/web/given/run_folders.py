"""The runs that were given, by name: their files are read at first use, and again when they change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.web.given.errors import NotFound
from indexer.web.given.file_cache import Fault, FileCache
from schemas.errors import MieError
from schemas.predictions import Prediction, predictions_path, read_predictions
from schemas.run_files import (
    MIXTURE_FACTS,
    LogRow,
    MixtureFacts,
    RunFacts,
    Scores,
    read_log,
    read_mixture_facts,
    read_run_facts,
    read_scores,
    read_settings,
    scores_path,
)

__all__ = ["Run", "RunFolders", "unique_names"]


class Run:
    """The folder of an expert's run, or of a mixture of experts.

    Args:
        name: unique among the runs.
        folder: of the run.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._files = FileCache()

    @property
    def is_mixture(self) -> bool:
        """Whether it is a mixture."""
        return (self.folder / MIXTURE_FACTS).is_file()

    def settings(self) -> dict[str, dict[str, Any]] | None:
        """Return the settings by section; None for a mixture."""
        return self._files.get(self.folder / "config.toml", read_settings)

    def facts(self) -> RunFacts | None:
        """Return how training went; None for a mixture."""
        return self._files.get(self.folder / "run.json", read_run_facts)

    def log(self) -> list[LogRow]:
        """Return the rows of the training's log."""
        return self._files.get(self.folder / "metrics.jsonl", read_log) or []

    def mixture(self) -> MixtureFacts | None:
        """Return the experts of a mixture and how its gates were fitted; None for an expert."""
        return read_mixture_facts(self.folder) if self.is_mixture else None

    def scores(self, split: str) -> Scores | None:
        """Return the scores on a split; None where it was not evaluated."""
        return self._files.get(scores_path(self.folder, split), read_scores)

    def predictions(self, split: str) -> list[Prediction] | None:
        """Return the predictions of a split; None where it was not evaluated. The same list until the file changes."""
        return self._files.get(predictions_path(self.folder, split), read_predictions)

    def has_predictions(self, split: str) -> bool:
        """Return whether the run was evaluated on a split."""
        return predictions_path(self.folder, split).is_file()

    def sources(self) -> tuple[str, ...] | None:
        """Return the sources of contexts that an expert reads; None for a mixture, or where the file is broken."""
        try:
            settings = self.settings()
        except MieError:
            return None
        sources = (settings or {}).get("data", {}).get("sources")
        if not isinstance(sources, list) or not all(isinstance(name, str) for name in sources):
            return None
        return tuple(sources)

    def fault(self, error: MieError) -> Fault:
        """Return an error about one of the run's files as a fault, without the names of the folders above the run."""
        path = Path(error.path or self.folder)
        inside = path.relative_to(self.folder) if path.is_relative_to(self.folder) else Path(path.name)
        return Fault(f"{self.name}/{inside}", error.place or "", error.message, error.remedy or "")


class RunFolders:
    """All runs, in the order given.

    Args:
        folders: of the runs.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.by_name = {name: Run(name, folder) for name, folder in unique_names(folders).items()}

    def run(self, name: str) -> Run:
        """Return a run by its name.

        Raises:
            NotFound: there is none.
        """
        if name not in self.by_name:
            raise NotFound("no such run", remedy="take one from the list: /runs")
        return self.by_name[name]

    def reference(self) -> Run | None:
        """Return the run with which others are compared: the first that reads no contexts, else the first."""
        runs = list(self.by_name.values())
        return next((run for run in runs if run.sources() == ()), runs[0] if runs else None)

    def evaluated_on(self, split: str) -> bool:
        """Return whether at least one run was evaluated on a split."""
        return any(run.has_predictions(split) for run in self.by_name.values())


def unique_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name each folder by its last part, with its parent where two are equal, and with a number where still equal.

    >>> list(unique_names([Path("/a/text"), Path("/s1/image"), Path("/s2/image"), Path("/x/s2/image")]))
    ['text', 's1/image', 's2/image', 's2/image (2)']
    """
    paths = list(dict.fromkeys(folder.resolve() for folder in folders))
    counts = Counter(path.name for path in paths)
    named: dict[str, Path] = {}
    for path in paths:
        name = path.name if counts[path.name] == 1 else f"{path.parent.name}/{path.name}"
        number = 2
        while (unique := name if number == 2 else f"{name} ({number - 1})") in named:
            number += 1
        named[unique] = path
    return named
