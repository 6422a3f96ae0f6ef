"""Sources, gates and objectives on fixed subsets: F1 with their contexts, without them and with those of other samples.

Every expert of a set has the same encoder, rates, epochs and seeds. What is finished is not done again: give the same
command to go on after an interrupt.

    python -m benchmarks.sources --data twitter2015 --work FOLDER [--seeds 1,2] [--systems baseline,pgim] [--index DIR]

Test sets are whole. The second pass (spans) looks up on an index of text: that of `benchmarks.rocky` has the
introductions of 10,033 vital articles.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.cells import percent
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from benchmarks.source_sets import SETS, SPANS, Row, SourceSet
from benchmarks.twitter2015 import SHARED
from indexer.contexts import SPAN_BOOST, RetrievalSettings, retrieve_spans
from indexer.index import WikiIndex
from schemas.context_cache import CACHE_NAME
from schemas.manifest import write_json_atomically
from schemas.run_files import GateName, read_run_facts
from trainer.commands import (
    ablate_run,
    evaluate_run,
    fit_and_evaluate,
    main_f1,
    predict_rows,
    write_jsonl,
)
from trainer.config import RunConfig, load_config
from trainer.metrics import to_markdown
from trainer.mixture import fit_mixture
from trainer.reports import compare_runs

OTHERS = "contexts of other samples"
Scores = dict[str, dict[int, dict[str, float]]]
"""Of each expert, by seed: F1 by what it read."""
Routes = dict[tuple[str, ...], dict[int, dict[str, Any]]]
"""Of mixed experts, by seed: F1 of the mixture, of each gate and of each expert."""


def main() -> None:
    """Train what is missing, print the tables and write the result files."""
    arguments = parse_arguments()
    group = SETS[arguments.data]
    work = arguments.work / arguments.data
    work.mkdir(parents=True, exist_ok=True)
    caches = group.make(arguments.shared, work)
    if arguments.subset is None:
        arguments.subset = group.subset
    if arguments.length is None:
        arguments.length = group.length
    names = [name for name in group.rows if not arguments.systems or name in arguments.systems.split(",")]
    if arguments.index is None:
        names = [name for name in names if SPANS not in group.rows[name].sources]
    runs = work / f"runs-{arguments.subset or 'all'}-{arguments.epochs}"
    scores: Scores = {name: {} for name in names}
    for seed in arguments.seeds:
        for name in names:
            folder = runs / f"seed-{seed}"
            if SPANS in group.rows[name].sources:
                caches[SPANS] = look_up(work / "samples", folder / "baseline", folder / "spans", arguments.index)
            config = configure(arguments, group.rows[name], caches, folder, seed)
            scores[name][seed] = train(config, folder / name)
            if any(row.teacher == name for row in group.rows.values()):
                keep_posteriors(folder / name)
    print_table(arguments, group, scores, runs)
    comparisons = compare(runs, group, scores)
    routes = route(runs, group, arguments.seeds, names)
    write_results(arguments, group, scores, comparisons, routes)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(SETS), required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--subset", type=int, help="training samples, half as many dev; 0: all; by default the set's")
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--index", type=Path, help="to look up spans in")
    parser.add_argument(
        "--precision", default="bf16", help="bf16 takes half the time of fp32 where the processor has it"
    )
    parser.add_argument("--length", type=int, help="pieces in a window; by default the set's")
    parser.add_argument("--systems", default="", help="these experts alone, parted by commas")
    parser.add_argument("--write", action="store_true", help="write the result files")
    return parser.parse_args()


def command(arguments: argparse.Namespace) -> str:
    """Return the command that prints the figures."""
    seeds = ",".join(map(str, arguments.seeds))
    options = f"--data {arguments.data} --work FOLDER --subset {arguments.subset} --seeds {seeds}"
    options += f" --epochs {arguments.epochs} --length {arguments.length}"
    return f"python -m benchmarks.sources {options}" + (" --index INDEX" if arguments.index else "")


def configure(arguments: argparse.Namespace, row: Row, caches: dict[str, Path], folder: Path, seed: int) -> RunConfig:
    """Return the settings of an expert for a seed."""
    settings = [
        f"data.samples={arguments.work / arguments.data / row.samples}",
        f"training.epochs={arguments.epochs}",
        f"training.seed={seed}",
        f"data.train_samples={arguments.subset}",
        f"data.dev_samples={arguments.subset // 2}",
        f"training.precision={arguments.precision}",
        f"encoder.max_length_pieces={arguments.length}",
        "data.contexts_per_source=1",
        "data.long_contexts=cut",
    ]
    sources = row.sources or load_config(row.preset, is_complete=False).data.sources
    if sources:
        settings += [f"data.sources={json.dumps(sources)}"]
        settings += [f"data.contexts={json.dumps([str(caches[source]) for source in sources])}"]
    settings += row.settings
    if row.teacher:  # of an objective that the settings may have brought
        settings.append(f"model.objectives.0.teacher={folder / row.teacher}")
    return load_config(row.preset, settings)


def look_up(samples: Path, run: Path, out: Path, index: Path) -> Path:
    """Look up the spans that a run predicts on all splits, and return the cache.

    The run has seen train, where its spans are nearer to the right ones than on test.
    """
    if not (out / CACHE_NAME).exists():
        files = []
        for split in ("train", "dev", "test"):  # whole: the run itself may have read a subset
            path = run / "spans" / f"{split}.jsonl"
            path.parent.mkdir(exist_ok=True)
            write_jsonl(path, predict_rows(run, samples, split))
            files.append(str(path))
        settings = RetrievalSettings(("text",), 1, title_boost=SPAN_BOOST, description_first=True)
        retrieve_spans(samples, WikiIndex(index), out, files, settings)
    return out


def train(config: RunConfig, run: Path) -> dict[str, float]:
    """Train an expert, and return its F1: on dev, on test, and on test with changed contexts."""
    path = run / "changed_contexts.json"
    if not path.exists():
        facts = fit_and_evaluate(config, run, talk=lambda text: print(text, file=sys.stderr, flush=True))
        values = {"dev": facts["dev_f1"], "test": facts["test_f1"]}
        if config.data.sources:
            values |= {row.name: row.f1 for row in ablate_run(run, "test", ks=(0,))}
        write_json_atomically(path, values)
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return found


def keep_posteriors(run: Path) -> None:
    """Keep the posteriors of the training samples, for students."""
    if not list((run / "posteriors").glob("train-*.safetensors")):
        evaluate_run(run, "train")


def print_table(arguments: argparse.Namespace, group: SourceSet, scores: Scores, runs: Path) -> None:
    """Print F1 of each expert, and how many of its contexts were cut."""
    print(f"\n## {group.title}, {arguments.subset or 'all'} training samples\n\n    {command(arguments)}\n")
    print(f"{group.metric}, whole test set, in %, mean ± deviation over seeds; offline:minilm.\n")
    lines = []
    for name, seeds in scores.items():
        columns = [[row[key] for row in seeds.values() if key in row] for key in ("dev", "test", "k = 0", OTHERS)]
        lines.append([name, *map(percent, columns), *cuts(runs / f"seed-{next(iter(seeds))}" / name)])
    heads = ["expert", "dev", "test", "without contexts", "with those of others", "contexts cut", "left out"]
    print(to_markdown(heads, lines))


def cuts(run: Path) -> list[str]:
    """Return the shares of the training contexts that were cut at a sentence's end and left out, "-" without any."""
    windows = read_run_facts(run / "run.json").windows["train"]
    if not windows.contexts:
        return ["-", "-"]
    return [f"{100 * number / windows.contexts:.0f} %" for number in (windows.cut_contexts, windows.skipped)]


def compare(runs: Path, group: SourceSet, scores: Scores) -> dict[str, list[dict[str, float]]]:
    """Print the paired bootstrap of each expert against its control, by seed, and return it."""
    found: dict[str, list[dict[str, float]]] = {}
    lines = []
    for name, seeds in scores.items():
        control = group.rows[name].control
        for seed in seeds if name != control and control in scores else ():
            row = compare_runs(runs / f"seed-{seed}" / name, runs / f"seed-{seed}" / control, "test")
            values = {"seed": seed, "difference": row.difference, "low": row.low, "high": row.high, "p": row.p_value}
            found.setdefault(name, []).append(values)
            low, high = 100 * row.low, 100 * row.high
            cells = [f"{100 * row.difference:+.2f}", f"[{low:+.2f}, {high:+.2f}]", f"{row.p_value:.3f}"]
            lines.append([str(seed), name, control, *cells])
    print("\nPaired bootstrap on test:\n")
    print(to_markdown(["seed", "expert", "against", "difference", "95 %", "p"], lines))
    return found


def route(runs: Path, group: SourceSet, seeds: list[int], names: list[str]) -> Routes:
    """Mix experts, two by reward, and return F1 of what predicts, of all gates and of the experts by seed."""
    found: Routes = {}
    for experts in group.mixtures:
        if not set(experts) <= set(names):
            continue
        for seed in seeds:
            folder = runs / f"seed-{seed}" / f"rds-{'-'.join(experts)}"
            if not (folder / "mixture.json").exists():
                gate: GateName | None = "reward" if len(experts) == 2 else None  # of more than two, the best on dev
                fit_mixture([runs / f"seed-{seed}" / name for name in experts], folder, gate=gate)
            scores = evaluate_run(folder, "test")
            found.setdefault(experts, {})[seed] = {**scores["experts and gates"], "chosen": main_f1(scores)}
        print(f"\nMixtures of {', '.join(experts)}, gates fitted on dev, F1 on test:\n")
        keys = list(found[experts][seeds[0]])[:-1]
        lines = [[key, percent([found[experts][seed][key] for seed in seeds])] for key in keys]
        print(to_markdown(["system", "test"], lines))
    return found


def write_results(
    arguments: argparse.Namespace,
    group: SourceSet,
    scores: Scores,
    comparisons: dict[str, list[dict[str, float]]],
    routes: Routes,
) -> None:
    """Write a result file for each system that has a figure here."""
    if not arguments.write:
        return
    data = f"{group.title}, {format(arguments.subset, ',') if arguments.subset else 'all'} training samples"
    for name, seeds in scores.items():
        row = group.rows[name]
        if not row.number or row.control not in scores:
            continue
        control = make_control(row.control, [part["test"] for part in scores[row.control].values()])
        values = {seed: part["test"] for seed, part in seeds.items()}
        figure = make_figure(data, group.metric, values, command(arguments), control)
        detail = {
            "f1_by_input": {key: fmean(part[key] for part in seeds.values()) for key in next(iter(seeds.values()))},
            "bootstrap_against_control": comparisons.get(name, []),
        }
        write_result(SystemResult(row.number, row.system, data, (figure,), detail))
    for experts, by_seed in routes.items():
        if len(experts) > 2:  # not routed
            continue
        best = [max(value for key, value in row.items() if key.startswith("expert ")) for row in by_seed.values()]
        control = make_control("the better expert", best)
        values = {seed: row["chosen"] for seed, row in by_seed.items()}
        figure = make_figure(data, group.metric, values, command(arguments), control)
        write_result(SystemResult(7, "rds", f"{data}, {'-'.join(experts)}", (figure,), {"by_seed": by_seed}))


if __name__ == "__main__":
    main()
