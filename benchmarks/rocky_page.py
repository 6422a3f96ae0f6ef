"""The page of the benchmark rocky: its tables, and a result file for each published system."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cells import percent
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from benchmarks.rocky_scores import OF_PHOTO, PICTURES, SCORES_NAME
from benchmarks.rocky_systems import (
    EXPERTS,
    MIXTURES,
    RECIPE,
    RECIPE_OF_PHOTOS,
    RECIPE_OF_POSTS,
    TRUST,
    VISUAL,
    WINDOWS,
)
from trainer.metrics import to_markdown

__all__ = ["BY_PHOTOS", "DEV", "EXPERTS_OF_MORE", "WORDS", "Found", "print_page", "write_results"]

TYPES = ("all", OF_PHOTO, "PER", "MISC", "LOC")
MORE, MORE_MIXTURES = 2, ("mixture-text-image", "mixture-baseline-image")
"""The row of MoRe, and what stands for it: the first mixture that is finished."""
NUMBERS = {"rds": 7, "shap-ca": 31, **{name: visual.number for name, visual in VISUAL.items()}}
"""The rows of the others."""
BY_PHOTOS, DEV = "F1 on test by seed, photos and type", "F1 on dev by seed"
WORDS, EXPERTS_OF_MORE = "words alone, F1 on test by seed and type", "its experts, F1 on test by seed, photos and type"
"""Names of what a result file tells beside its figures."""


@dataclass(frozen=True)
class Found:
    """What a finished run found.

    Args:
        name: of the system.
        seed: of the run.
        dev: F1 on dev, by which its epoch or gate was chosen.
        scores: F1 on test by kind of pictures and by type.
        facts: of `run.json`; empty for a mixture.
    """

    name: str
    seed: int
    dev: float
    scores: dict[str, dict[str, float]]
    facts: dict[str, Any]

    @classmethod
    def read(cls, name: str, seed: int, folder: Path) -> Found | None:
        """Read a run folder; None where the run is not finished."""
        if not (folder / SCORES_NAME).exists():
            return None
        scores = _read_json(folder / SCORES_NAME)
        if name in MIXTURES:
            mixture = _read_json(folder / "mixture.json")
            return cls(name, seed, mixture["scores"][f"gate {mixture['gate']}"]["f1"], scores, {})
        facts = _read_json(folder / "run.json")
        return cls(name, seed, facts["best_dev_f1"], scores, facts)


def print_page(found: Sequence[Found], windows: Mapping[str, tuple[float, str]], command: str) -> None:
    """Print the tables of what is finished.

    Args:
        found: the runs.
        windows: of the image expert, from `count_windows`.
        command: that prints them.
    """
    print("# rocky: does the photo decide?\n")
    print(f"    {command}\n")
    print(f"{platform.machine()}, {os.cpu_count()} cores. F1 in % on test (334 posts), mean ± deviation over seeds.\n")
    print(f"All systems have {_listed(RECIPE)} beside their presets; all but those on contexts of the photo have")
    print(f"{_listed(RECIPE_OF_POSTS)}, and those that read the photo itself")
    print(f"{_listed(RECIPE_OF_PHOTOS)}. Some have further ones:\n")
    for name, visual in VISUAL.items():
        if visual.settings:
            print(f"- {name}: {_listed(visual.settings)}")
    print()
    print("## With the true photos\n")
    rows = [
        [name, _seeds(runs), percent(run.dev for run in runs), *(_cell_of(runs, "true", part) for part in TYPES)]
        for name, runs in _by_name(found, [*EXPERTS, *MIXTURES, *VISUAL])
    ]
    print(to_markdown(["system", "seeds", "dev, all", *TYPES], rows))
    print(f"\n## With the photos of other posts, and without ({OF_PHOTO}; all types)\n")
    heads = ["system", *(f"{kind}, {part}" for part in (OF_PHOTO, "all") for kind in PICTURES)]
    by_name = _by_name(found, [*EXPERTS, *MIXTURES, *VISUAL])
    rows = [[name, *_controls(runs)] for name, runs in by_name if name != "text"]
    print(to_markdown(heads, rows))
    trust = list(_by_name(found, [*TRUST, "maf"]))
    if len(trust) > 1:
        print("\n## How far the photo is trusted: MAF by the share of exchanged photos in training (maf: 10 %)\n")
        print(to_markdown(["system", "seeds", *heads[1:]], [[n, _seeds(r), *_controls(r)] for n, r in trust]))
    if windows:
        print("\n## The window of the image expert, three contexts at most\n")
        runs = dict(_by_name(found, WINDOWS))
        rows = [
            [
                name,
                f"{pieces:.0f}",
                told,
                *(_cell_of(runs[name], "true", part) if name in runs else "-" for part in ("all", OF_PHOTO)),
            ]
            for name, (pieces, told) in windows.items()
        ]
        heads = ["window", "pieces on dev", "ranks on dev: read whole/cut/left out", "all", OF_PHOTO]
        print(to_markdown(heads, rows))


def write_results(found: Sequence[Found], command: str) -> None:
    """Write the result file of each published system that is finished."""
    words = {run.seed: run.scores["true"] for run in found if run.name == "baseline"}
    mixtures = [name for name, _ in _by_name(found, MORE_MIXTURES)][:1]
    for name, runs in _by_name(found, [*mixtures, *NUMBERS]):
        number, short = (NUMBERS[name], name) if name in NUMBERS else (MORE, "more")
        control = make_control("shuffled photos", [run.scores["shuffled"]["all"] for run in runs])
        figure = make_figure("rocky", "f1", {run.seed: run.scores["true"]["all"] for run in runs}, command, control)
        detail: dict[str, Any] = {
            "run": name,
            BY_PHOTOS: {run.seed: run.scores for run in runs},
            DEV: {run.seed: run.dev for run in runs},
            WORDS: words,
        }
        if name in MIXTURES:
            experts = _by_name(found, MIXTURES[name])
            detail |= {EXPERTS_OF_MORE: {one: {run.seed: run.scores for run in own} for one, own in experts}}
        write_result(SystemResult(number, short, "rocky", (figure,), detail))


def _by_name(found: Sequence[Found], names: Iterable[str]) -> Iterable[tuple[str, list[Found]]]:
    """Return the runs of each system that has any."""
    for name in names:
        runs = [run for run in found if run.name == name]
        if runs:
            yield name, runs


def _controls(runs: Sequence[Found]) -> list[str]:
    return [_cell_of(runs, kind, part) for part in (OF_PHOTO, "all") for kind in PICTURES]


def _seeds(runs: Sequence[Found]) -> str:
    return ", ".join(str(run.seed) for run in runs)


def _cell_of(runs: Sequence[Found], pictures: str, part: str) -> str:
    """Return a cell; a system that reads no photo has the same answers whatever the photo."""
    return percent(run.scores.get(pictures, run.scores["true"]).get(part, 0.0) for run in runs)


def _listed(settings: Sequence[str]) -> str:
    return ", ".join(f"`{row}`" for row in settings)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
