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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cells import percent
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from schemas.run_files import read_mixture_facts
from trainer.commands import evaluate_run, fit_and_evaluate, main_f1
from trainer.config import RunConfig
from trainer.metrics import to_markdown
from trainer.mixture import expert_folders, fit_mixture
from trainer.reports import compare_runs


class Row(NamedTuple):
    """F1 of a system for a seed; on dev None where it has none of its own."""

    name: str
    seed: int
    dev: float | None
    test: float


class Published(NamedTuple):
    """A row of a table that is the figure of a published system.

    Args:
        number: of the system in the list of systems.
        system: its short name, for the file's name.
        row: of the table.
        more: what the name of the data says beside the set and its size.
    """

    number: int
    system: str
    row: str
    more: str = ""


@dataclass(frozen=True)
class Table:
    """What is trained, and which of it is the figure of a system.

    Args:
        script: the benchmark, for the command beside a figure.
        data: name of the set.
        metric: of F1.
        experts: their names, the baseline first.
        mixtures: names of their experts; one whose experts are not all there is left out.
        published: rows that go to result files.
    """

    script: str
    data: str
    metric: str
    experts: Sequence[str]
    mixtures: Sequence[tuple[str, ...]]
    published: Sequence[Published]


Scores = list[Row]
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
    parser.add_argument("--write", action="store_true", help="write the result files of the published systems")


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


def run_table(arguments: argparse.Namespace, table: Table, configure: Callable[[str, int], RunConfig]) -> None:
    """Train what is missing, print the table and the comparisons with the first expert, and write result files.

    Args:
        arguments: of the script.
        table: what is trained.
        configure: an expert's settings for a seed.
    """
    started = time.perf_counter()
    names = [name for name in table.experts if not arguments.systems or name in arguments.systems.split(",")]
    members = [row for row in table.mixtures if set(row) <= set(names)]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    runs = arguments.work / f"runs-{arguments.subset or 'all'}"
    expert_jobs = [(name, runs, seed, configure(name, seed)) for seed in seeds for name in reversed(names)]
    rows = [row for part in _map(arguments.jobs, _train_expert, expert_jobs) for row in part]
    mixture_jobs = [(members, runs, seed) for seed in seeds]
    rows += [row for part in _map(arguments.jobs, _train_mixtures, mixture_jobs) for row in part]
    _print_scores(rows, names, f"{table.data}, {table.metric}", arguments, time.perf_counter() - started)
    _print_comparisons([runs / f"seed-{seed}" for seed in seeds], names)
    if arguments.write:
        write_results(rows, table, arguments)


def write_results(rows: Scores, table: Table, arguments: argparse.Namespace) -> None:
    """Write a result file for each published system of a table; all but the baseline have it as their control."""
    command = _command(table.script, arguments)
    size = f"{arguments.subset:,} training samples" if arguments.subset else "whole"
    baseline = table.experts[0]
    for number, system, name, more in table.published:
        values = {row.seed: row.test for row in rows if row.name == name}
        if not values:
            continue
        beside = [row.test for row in rows if row.name == baseline and row.seed in values]
        control = make_control("baseline without contexts", beside) if beside and name != baseline else None
        data = f"{table.data}, {size}{more}"
        figure = make_figure(data, table.metric, values, command, control)
        detail = {"test F1 by row and seed": _by_row(rows)}
        _talk(str(write_result(SystemResult(number, system, data, (figure,), detail))))


def _by_row(rows: Scores) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row.name, {})[str(row.seed)] = row.test
    return found


def _command(script: str, arguments: argparse.Namespace) -> str:
    """Return the command that prints a table, with what was given."""
    words = [f"python -m benchmarks.{script} --work FOLDER", "--index INDEX" if arguments.index else ""]
    words += [f"--systems {arguments.systems}" if arguments.systems else "", f"--subset {arguments.subset}"]
    words += [f"--seeds {arguments.seeds} --epochs {arguments.epochs} --per-source {arguments.per_source}"]
    words += [f"--setting {row}" for row in arguments.setting]
    return " ".join(word for word in words if word)


def _map(jobs: int, function: Callable[[Any], Scores], items: Sequence[Any]) -> Iterable[Scores]:
    if jobs == 1:
        return [function(item) for item in items]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, items))


def _train_expert(job: tuple[str, Path, int, RunConfig]) -> Scores:
    name, runs, seed, config = job
    facts = fit_and_evaluate(config, runs / f"seed-{seed}" / name, talk=_talk)
    return [Row(name, seed, facts["dev_f1"], facts["test_f1"])]


def _train_mixtures(job: tuple[Sequence[tuple[str, ...]], Path, int]) -> Scores:
    """Fit the mixtures of a seed one by one: they share their experts' cached posteriors."""
    mixtures, runs, seed = job
    return [row for members in mixtures for row in _train_mixture(members, runs, seed)]


def mixture_name(members: Sequence[str]) -> str:
    """Return the name of a mixture's row.

    >>> mixture_name(("baseline", "pgim"))
    'mixture of baseline + pgim'
    """
    return f"mixture of {' + '.join(members)}"


def _train_mixture(members: tuple[str, ...], runs: Path, seed: int) -> Scores:
    """Fit the gates on dev and, to compare, on train; return the F1 of each on test."""
    label, place = " + ".join(members), runs / f"seed-{seed}"
    folder = place / f"mixture-{'-'.join(members)}"
    experts = [place / name for name in members]
    held_out, test, chosen = _mixture_scores(experts, folder, "dev")
    rows: Scores = [Row(mixture_name(members), seed, held_out[f"gate {chosen}"], test["chosen"])]
    rows += [Row(f"- {label}: {name}", seed, held_out[name], test[name]) for name in (*GATES, *ORACLES)]
    _, test, _ = _mixture_scores(experts, folder.with_name(f"{folder.name}-fitted-on-train"), "train")
    names = ("gate sample", "gate token")
    return [*rows, *(Row(f"- {label}: {name}, fitted on train", seed, None, test[name]) for name in names)]


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
    for name, _, dev, test in rows:
        found = table.setdefault(name, ([], []))
        found[1].append(test)
        if dev is not None:
            found[0].append(dev)
    print(f"\n{title}, {arguments.subset or 'all'} training samples, seeds {arguments.seeds}, ", end="")
    print(f"{arguments.epochs} epochs at most, offline:minilm, {device}, {os.cpu_count()} cores, ", end="")
    print(f"{seconds / 60:.0f} min in this call. F1 in %, mean ± deviation over seeds.\n")
    lines = [[name, percent(dev), percent(test)] for name, (dev, test) in table.items()]
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


def _talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
