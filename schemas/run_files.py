"""The other files of a run folder: settings, facts, the log of training, scores, and the experts of a mixture."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas.checked_json import read_bounded, read_checked, read_checked_lines
from schemas.errors import IndexCorrupt

__all__ = [
    "GATES",
    "MAIN_SCORES",
    "MIXTURE_FACTS",
    "GateName",
    "LogRow",
    "MixtureFacts",
    "RunFacts",
    "ScoreRow",
    "Scores",
    "WindowFacts",
    "read_log",
    "read_mixture_facts",
    "read_run_facts",
    "read_scores",
    "read_settings",
    "scores_path",
]

GateName = Literal["fixed", "sample", "token", "hard", "reward", "stack"]
GATES: tuple[GateName, ...] = ("fixed", "sample", "token", "hard", "reward")
"""fixed: the plain average. sample: one weight per expert and sample. token: one per expert and token. hard: trained as
the sample gate, but only the expert with the largest weight predicts. reward: one expert per sample too, whose own
answer is taken; trained by what its samples gain in F1. Beside these stands stack, which is no gate: it classifies the
candidate spans of taggers."""
MIXTURE_FACTS = "mixture.json"
MAIN_SCORES = ("FMNERG", "fine MNER", "GMNER", "JMERE", "relations", "default", "micro without None")
"""Names of scores that can be the main one of a run: the first of them that it has. A run has only what it answers."""
_SYSTEMS = "experts and gates"
_SMALL, _LOG = 4 * 1024 * 1024, 64 * 1024 * 1024
_TRAIN_AGAIN = "train it again: mie-train fit ... --overwrite"
_SCORE_AGAIN = "score it again: mie-train evaluate RUN --split SPLIT"
_FIT_AGAIN = "fit it again: mie-train moe ... --overwrite"


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Precision, recall and F1 in [0, 1], and the counts behind them; by class where that was scored."""

    precision: float
    recall: float
    f1: float
    right: int
    predicted: int
    gold: int
    macro_f1: float | None = None
    by_class: dict[str, ScoreRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a split: by the name of a convention or group; for a mixture, also F1 of each expert and gate."""

    rows: dict[str, ScoreRow]
    systems: dict[str, float]

    @property
    def main(self) -> ScoreRow | None:
        """The main score, by MAIN_SCORES."""
        return next((self.rows[name] for name in MAIN_SCORES if name in self.rows), None)


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of `metrics.jsonl`: an epoch (loss, dev_f1), its speed, or settings that changed."""

    kind: str
    step: int
    epoch: int = 0
    loss: float | None = None
    dev_f1: float | None = None
    is_best: bool = False
    dev_seconds: float | None = None
    seconds: float | None = None
    pieces_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """Sums over the windows of a split: what they hold and what they leave out; runs of before cut no contexts."""

    windows: int
    contexts: int
    skipped: int
    cut_sentences: int
    cut_tokens: int
    mean_pieces: float
    truncation_rate: float
    cut_contexts: int = 0


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The content of `run.json`: the data, and the outcome of training."""

    dataset: str = ""
    task: str = ""
    best_dev_f1: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    steps: int | None = None
    windows: dict[str, WindowFacts] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MixtureFacts:
    """The description of a mixture.

    Args:
        experts: run folders, absolute or relative to the mixture's.
        digests: of their weights.
        gate: the one that predicts.
        split: to whose posteriors the gates were fitted.
        folds: of the cross-fitting.
        steps: for how many each gate was fitted.
        image_vectors: a cache or Parquet of image vectors; "" where the gates read none.
        sizes: features of a sample, features of a token, text dimension, image dimension.
        scores: of the experts, the oracle and the gates on that split: F1, and the gates' held-out loss.
        image_encoder: fingerprint of the weights that made the image vectors; "" where the files do not name it.
        share: of the samples that the reward gate sends to the last expert; None where the larger weight decides.
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
    share: float | None = None


def scores_path(run: Path, split: str) -> Path:
    """Return where a run folder keeps the scores of a split."""
    return run / "predictions" / f"{split}.scores.json"


def read_scores(path: Path) -> Scores:
    """Read the scores of a split.

    Raises:
        InputError: the run was not evaluated on it.
        IndexCorrupt: the file holds no scores, or a score is not a number in [0, 1].
    """
    shape: Any = dict[str, ScoreRow | dict[str, float]]
    found = read_checked(path, shape, limit=_SMALL, remedy=_SCORE_AGAIN)
    systems = found.pop(_SYSTEMS, {})
    numbers = [*systems.values(), *(number for row in found.values() for number in _shares(row))]
    wrong = [number for number in numbers if not 0 <= number <= 1]
    if wrong or not isinstance(systems, dict):
        raise IndexCorrupt(f"a score of {wrong[0] if wrong else '?'}, not in [0, 1]", path=path, remedy=_SCORE_AGAIN)
    return Scores(found, systems)


def _shares(row: Any) -> Iterator[float]:
    if isinstance(row, ScoreRow):
        yield from (row.precision, row.recall, row.f1, row.macro_f1 or 0.0)
        for part in row.by_class.values():
            yield from _shares(part)
    else:
        yield math.nan


def read_log(path: Path) -> list[LogRow]:
    """Read the log of training, row by row; a last line that is still being written is left out.

    Raises:
        InputError: the file is not there, or a line is no row of it.
        IndexCorrupt: more than 64 MiB.
    """
    rows = []
    for number, row in read_checked_lines(path, LogRow, limit=_LOG, remedy=_TRAIN_AGAIN, is_growing=True):
        values = (row.loss, row.dev_f1, row.seconds, row.pieces_per_second, row.dev_seconds)
        if not all(value is None or math.isfinite(value) for value in values):
            raise IndexCorrupt("a number is not finite", path=path, place=f"line {number}", remedy=_TRAIN_AGAIN)
        rows.append(row)
    return rows


def read_run_facts(path: Path) -> RunFacts:
    """Read `run.json`.

    Raises:
        InputError: the file is not there.
        IndexCorrupt: the file is not JSON, or a value has another type.
    """
    return read_checked(path, RunFacts, limit=_SMALL, remedy=_TRAIN_AGAIN)


def read_settings(path: Path) -> dict[str, dict[str, Any]]:
    """Read `config.toml` by its sections; whether the trainer knows their keys is not checked.

    Raises:
        InputError: the file is not there.
        IndexCorrupt: the file is not TOML, or holds values outside of sections.
    """
    try:
        values = tomllib.loads(read_bounded(path, _SMALL, _TRAIN_AGAIN).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"not TOML ({reason})", path=path, remedy=_TRAIN_AGAIN) from error
    for name, section in values.items():
        if not isinstance(section, dict):
            raise IndexCorrupt("not a section of settings", path=path, place=name[:200], remedy=_TRAIN_AGAIN)
    return dict(pair for name, section in values.items() for pair in _sections(name, section))


def _sections(name: str, values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return a section and those within it: `model.head`, `model.objectives.0`; those without values are left out."""
    inner: list[tuple[str, dict[str, Any]]] = []
    for key, value in values.items():
        rows = {key: value} if isinstance(value, dict) else {}
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            rows = {f"{key}.{position}": row for position, row in enumerate(value)}
        inner += rows.items()
    names = {place.partition(".")[0] for place, _ in inner}
    own = {key: value for key, value in values.items() if key not in names}
    if own or not inner:
        yield name, own
    for place, section in inner:
        yield from _sections(f"{name}.{place}", section)


def read_mixture_facts(folder: Path) -> MixtureFacts:
    """Read the description of a mixture; its experts are not read.

    Raises:
        InputError: there is no mixture here.
        IndexCorrupt: the file is damaged.
    """
    return read_checked(folder / MIXTURE_FACTS, MixtureFacts, limit=_SMALL, remedy=_FIT_AGAIN)
