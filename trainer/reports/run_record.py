"""An evaluated run folder as a report reads it, and the names that tell several runs apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.run_files import (
    MIXTURE_FACTS,
    LogRow,
    MixtureFacts,
    RunFacts,
    ScoreRow,
    Scores,
    read_log,
    read_mixture_facts,
    read_run_facts,
    read_scores,
    read_settings,
    scores_path,
)
from trainer.reports.text import evaluated_splits

__all__ = ["RunRecord", "by_size", "name_runs", "percent", "read_run"]


@dataclass(frozen=True)
class RunRecord:
    """What the files of a run folder say.

    Args:
        name: as the report shows it.
        folder: of the run.
        scores: by split.
        log: rows of `metrics.jsonl`; empty for a mixture.
        facts: of `run.json`; empty for a mixture.
        settings: sections of `config.toml`; empty for a mixture.
        mixture: of `mixture.json`; None for an expert.
    """

    name: str
    folder: Path
    scores: dict[str, Scores]
    log: list[LogRow]
    facts: RunFacts
    settings: dict[str, dict[str, Any]]
    mixture: MixtureFacts | None

    @property
    def epochs(self) -> list[LogRow]:
        """Return the rows of the log that close an epoch."""
        return [row for row in self.log if row.kind == "epoch"]


def read_run(name: str, folder: Path) -> RunRecord:
    """Read an evaluated expert or mixture.

    Raises:
        InputError: the run was not evaluated, or a file of it is missing.
        IndexCorrupt: a file of it is damaged.
    """
    mixture = read_mixture_facts(folder) if (folder / MIXTURE_FACTS).is_file() else None
    scores = {split: read_scores(scores_path(folder, split)) for split in evaluated_splits(folder)}
    if mixture is not None:
        return RunRecord(name, folder, scores, [], RunFacts(), {}, mixture)
    log, settings = read_log(folder / "metrics.jsonl"), read_settings(folder / "config.toml")
    return RunRecord(name, folder, scores, log, read_run_facts(folder / "run.json"), settings, None)


def name_runs(folders: Iterable[Path]) -> dict[str, Path]:
    """Name runs by the ends of their paths, as short as keeps all names different; a folder given twice counts once.

    >>> list(name_runs([Path("/a/seed-1/text"), Path("/a/seed-2/text")]))
    ['seed-1/text', 'seed-2/text']
    """
    paths = list(dict.fromkeys(folder.resolve() for folder in folders))
    most_parts = max(len(path.parts) for path in paths)
    for count in range(1, most_parts + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, paths, strict=True))


def by_size(classes: Mapping[str, ScoreRow]) -> list[tuple[str, ScoreRow]]:
    """Sort classes by their number of gold labels, most frequent first."""
    return sorted(classes.items(), key=lambda item: -item[1].gold)


def percent(share: float | None) -> str:
    """Write a share in [0, 1] as per cent with two digits; nothing for None.

    >>> percent(0.5), percent(None)
    ('50.00', '')
    """
    return "" if share is None else f"{100 * share:.2f}"
