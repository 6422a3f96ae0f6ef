"""The runs that were given, by name: their files are read at first use, and again when they change."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

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

__all__ = ["Fault", "FileCache", "Run", "RunShelf", "unique_names"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file of a run that cannot be used: its name within the run, the place in it, what is wrong, and the remedy."""

    file: str
    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}{f', {self.place}' if self.place else ''}: {self.message}"


class FileCache:
    """What was read of files, or why it could not be, until a file has another time or size. Safe between threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, str], tuple[tuple[int, int], Any]] = {}
        self._lock = threading.RLock()

    def get(self, path: Path, read: Callable[[Path], T]) -> T | None:
        """Return what a function reads of a file, or None where there is no file.

        Raises:
            MieError: of the function.
        """
        with self._lock:
            try:
                state = path.stat()
            except OSError:
                return None
            stamp, key = (state.st_mtime_ns, state.st_size), (path, read.__name__)
            if self._kept.get(key, (None,))[0] != stamp:
                try:
                    self._kept[key] = stamp, read(path)
                except MieError as error:
                    self._kept[key] = stamp, error
            value: T | MieError = self._kept[key][1]
        if isinstance(value, MieError):
            raise value.with_traceback(None)  # else it would grow with every raise
        return value


class Run:
    """A run folder: an expert, or a mixture of some.

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
        """Whether it holds a mixture."""
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
        """Return what a mixture is made of; None for an expert."""
        return read_mixture_facts(self.folder) if self.is_mixture else None

    def scores(self, split: str) -> Scores | None:
        """Return the scores of a split; None where it was not evaluated."""
        return self._files.get(scores_path(self.folder, split), read_scores)

    def predictions(self, split: str) -> list[Prediction] | None:
        """Return the predictions of a split; None where it was not evaluated. The same list as long as the file is."""
        return self._files.get(predictions_path(self.folder, split), read_predictions)

    def has_predictions(self, split: str) -> bool:
        """Say whether a split was evaluated."""
        return predictions_path(self.folder, split).is_file()

    def sources(self) -> tuple[str, ...] | None:
        """Return the sources of contexts that it reads; None where that is not told (a mixture, a broken file)."""
        try:
            settings = self.settings()
        except MieError:
            return None
        found = (settings or {}).get("data", {}).get("sources")
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            return None
        return tuple(found)

    def fault(self, error: MieError) -> Fault:
        """Say which of the run's files an error is about, without the folders above it."""
        path = Path(error.path or self.folder)
        inside = path.relative_to(self.folder) if path.is_relative_to(self.folder) else Path(path.name)
        return Fault(f"{self.name}/{inside}", error.place or "", error.message, error.remedy or "")


class RunShelf:
    """All runs, in the order given.

    Args:
        folders: of the runs.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.runs = {name: Run(name, folder) for name, folder in unique_names(folders).items()}

    def reference(self) -> Run | None:
        """Return the run with which others are compared: the first that reads no contexts, else the first."""
        runs = list(self.runs.values())
        return next((run for run in runs if run.sources() == ()), runs[0] if runs else None)


def unique_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name folders: each by its last part, with the part before it where two are equal, with a number where still so.

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
