"""Trains experts and mixtures of several seeds side by side, and prints one table of their F1 on dev and test."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from schemas.run_files import read_mixture_facts
from trainer.commands import evaluate_run, fit_and_evaluate, main_f1, mean_and_deviation
from trainer.config import RunConfig
from trainer.metrics import to_markdown
from trainer.mixture import expert_folders, fit_mixture
from trainer.reports import compare_runs

Scores = list[tuple[str, float | None, float]]
"""Rows of a system: its name, F1 on dev (None where it has none of its own), F1 on test."""

GATES = ("gate fixed", "gate sample", "gate token", "gate hard")
ORACLES = ("oracle by sample", "oracle by token")


def add_arguments(parser: argparse.ArgumentParser, epochs: int) -> None:
    """Add the arguments that every table of systems has."""
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument(
        "--subset", type=int, default=0, help="training samples; half as many dev, as many test; 0: all"
    )
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--systems", default="", help="these experts alone, parted by commas")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all experts")


def shared_settings(arguments: argparse.Namespace, samples: Path, seed: int) -> list[str]:
    """Return the settings that all experts of a table have in common."""
    settings = [f"data.samples={samples}", f"training.epochs={arguments.epochs}", f"training.seed={seed}"]
    if arguments.subset:
        settings += [
            f"data.train_samples={arguments.subset}",
            f"data.dev_samples={max(2, arguments.subset // 2)}",
            f"data.test_samples={arguments.subset}",
        ]
    return settings


def run_table(
    arguments: argparse.Namespace,
    title: str,
    experts: Sequence[str],
    mixtures: Sequence[tuple[str, ...]],
    configure: Callable[[str, int], RunConfig],
) -> None:
    """Train what is missing, and print the table and the comparisons with the first expert.

    Args:
        arguments: of the script.
        title: of the table.
        experts: their names, the baseline first.
        mixtures: names of their experts; one whose experts are not all there is left out.
        configure: an expert's settings for a seed.
    """
    started = time.perf_counter()
    names = [name for name in experts if not arguments.systems or name in arguments.systems.split(",")]
    members = [row for row in mixtures if set(row) <= set(names)]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    runs = arguments.work / f"runs-{arguments.subset or 'all'}"
    expert_jobs = [(name, runs / f"seed-{seed}", configure(name, seed)) for seed in seeds for name in reversed(names)]
    mixture_jobs = [(members, runs / f"seed-{seed}") for seed in seeds]
    rows = [row for part in _map(arguments.jobs, _train_expert, expert_jobs) for row in part]
    rows += [row for part in _map(arguments.jobs, _train_mixtures, mixture_jobs) for row in part]
    _print_scores(rows, names, title, arguments, time.perf_counter() - started)
    _print_comparisons([runs / f"seed-{seed}" for seed in seeds], names)


def _map(jobs: int, function: Callable[[Any], Scores], items: Sequence[Any]) -> Iterable[Scores]:
    if jobs == 1:
        return [function(item) for item in items]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, items))


def _train_expert(job: tuple[str, Path, RunConfig]) -> Scores:
    name, folder, config = job
    facts = fit_and_evaluate(config, folder / name, talk=_talk)
    return [(name, facts["dev_f1"], facts["test_f1"])]


def _train_mixtures(job: tuple[Sequence[tuple[str, ...]], Path]) -> Scores:
    """Fit the mixtures of a seed one by one: they share their experts' cached posteriors."""
    mixtures, runs = job
    return [row for members in mixtures for row in _train_mixture(members, runs)]


def _train_mixture(members: tuple[str, ...], runs: Path) -> Scores:
    """Fit the gates on dev and, to compare, on train; return the F1 of each on test."""
    label, folder = " + ".join(members), runs / f"mixture-{'-'.join(members)}"
    held_out, test, chosen = _mixture_scores([runs / name for name in members], folder, "dev")
    rows: Scores = [(f"mixture of {label}", held_out[f"gate {chosen}"], test["chosen"])]
    rows += [(f"- {label}: {name}", held_out[name], test[name]) for name in (*GATES, *ORACLES)]
    folder = folder.with_name(f"{folder.name}-fitted-on-train")
    _, test, _ = _mixture_scores([runs / name for name in members], folder, "train")
    rows += [(f"- {label}: {name}, fitted on train", None, test[name]) for name in ("gate sample", "gate token")]
    return rows


def _mixture_scores(
    experts: Sequence[Path], folder: Path, split: str
) -> tuple[dict[str, float], dict[str, float], str]:
    """Return F1 by cross-fitting on the split, F1 on test, and the gate that was chosen."""
    if not (folder / "mixture.json").exists():
        fit_mixture(experts, folder, split=split)
    facts = json.loads((folder / "mixture.json").read_text())
    scores = evaluate_run(folder, "test")
    held_out = {name: row["f1"] for name, row in facts["scores"].items()}
    return held_out, {**scores["experts and gates"], "chosen": main_f1(scores)}, facts["gate"]


def _print_scores(
    rows: Scores, experts: Sequence[str], title: str, arguments: argparse.Namespace, seconds: float
) -> None:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    table: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in experts}
    for name, dev, test in rows:
        found = table.setdefault(name, ([], []))
        found[1].append(test)
        if dev is not None:
            found[0].append(dev)
    print(f"\n{title}, {arguments.subset or 'all'} training samples, seeds {arguments.seeds}, ", end="")
    print(f"{arguments.epochs} epochs at most, offline:minilm, {device}, {os.cpu_count()} cores, ", end="")
    print(f"{seconds / 60:.0f} min in this call. F1 in %, mean ± deviation over seeds.\n")
    lines = [[name, _cell(dev), _cell(test)] for name, (dev, test) in table.items()]
    print(to_markdown(["system", "dev F1", "test F1"], lines))
    print("\nDev F1 of gates is by 5-fold cross-fitting; of experts it is the one their epoch was chosen by.")


def _print_comparisons(folders: Sequence[Path], experts: Sequence[str]) -> None:
    """Compare experts with the first of them, and mixtures with their best expert on dev, of each seed."""
    print("\nPaired bootstrap on test, experts against the first, mixtures against their best expert by dev F1:\n")
    rows: list[list[Any]] = []
    for folder in folders:
        pairs = [(folder / name, folder / experts[0]) for name in experts[1:]]
        mixtures = sorted(path for path in folder.glob("mixture-*") if not path.name.endswith("train"))
        pairs += [(path, _best_expert(path)) for path in mixtures]
        for run, other in pairs:
            found = compare_runs(run, other, "test")
            bounds = f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}]"
            difference = f"{100 * found.difference:+.2f}"
            rows.append([folder.name, run.name, other.name, difference, bounds, f"{found.p_value:.3f}"])
    print(to_markdown(["seed", "system", "against", "difference", "95 %", "p"], rows), flush=True)


def _best_expert(mixture: Path) -> Path:
    facts = read_mixture_facts(mixture)
    return max(expert_folders(mixture, facts), key=lambda path: facts.scores[f"expert {path.name}"]["f1"])


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    mean, deviation = mean_and_deviation([100 * value for value in values])
    return f"{mean:.2f} ± {deviation:.2f}"


def _talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
