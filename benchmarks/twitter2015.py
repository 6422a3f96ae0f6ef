"""Twitter-2015 on a CPU: baseline, experts on three kinds of context, and mixtures of two and of three.

Every expert has the same encoder, rates, epochs and seeds; only the contexts differ. What is finished is not done
again: give the same command to go on after an interrupt.

    python benchmarks/twitter2015.py --work FOLDER [--subset 1000] [--seeds 1,2] [--index INDEX]

INDEX is an index folder of `beam run build_wiki_index`; without it the expert on retrieved text is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from indexer.context_files import import_captions, import_columns
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.text_files import find_split_files
from trainer.config import RunConfig, load_config
from trainer.evaluation import compare_runs, evaluate_run, mean_and_deviation
from trainer.mixture import fit_mixture
from trainer.samples import convert
from trainer.score_tables import to_markdown
from trainer.seeds import fit_and_evaluate, main_f1

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MIXTURES = (("baseline", "pgim"), ("baseline", "text"), ("baseline", "pgim", "caption"), ("baseline", "text", "pgim"))


def main() -> None:
    """Make the data, train what is missing, and print the table."""
    arguments = parse_arguments()
    started = time.perf_counter()
    work: Path = arguments.work
    caches = make_data(work, arguments.shared, arguments.index)
    experts = ["baseline", *caches]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    results: dict[str, dict[str, list[float]]] = {}
    for seed in seeds:
        runs = work / f"runs-{arguments.subset or 'all'}" / f"seed-{seed}"
        for name in experts:
            config = make_config(name, work, caches, arguments, seed)
            facts = fit_and_evaluate(config, runs / name, talk=talk)
            collect(results, name, facts["dev_f1"], facts["test_f1"])
        for members in MIXTURES:
            if set(members) <= set(experts):
                mix_experts(results, runs, members)
    print_results(results, seeds, arguments, time.perf_counter() - started)
    print_comparisons(work / f"runs-{arguments.subset or 'all'}" / f"seed-{seeds[0]}", experts)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--index", type=Path, help="an index to retrieve text from")
    parser.add_argument(
        "--subset", type=int, default=0, help="training samples; half as many dev, as many test; 0: all"
    )
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--length", type=int, default=288, help="pieces in a window with contexts")
    parser.add_argument("--per-source", type=int, default=3, help="contexts of a source at most")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all experts")
    return parser.parse_args()


def make_data(work: Path, shared: Path, index: Path | None) -> dict[str, Path]:
    """Convert the set and make the caches that are not there yet: source -> cache."""
    work.mkdir(parents=True, exist_ok=True)
    samples, caches = work / "samples", {"pgim": work / "pgim", "caption": work / "caption"}
    if not (samples / DATASET_NAME).exists():
        convert(find_split_files(shared / "twitter2015"), samples, name="twitter2015")
    if not (caches["pgim"] / CACHE_NAME).exists():
        import_columns(shared / "contexts" / "pgim_twitter2015.zip", samples, caches["pgim"], "pgim")
    if not (caches["caption"] / CACHE_NAME).exists():
        import_captions(shared / "captions" / "blip2_twitter2015.txt", samples, caches["caption"], "caption")
    if index is not None or (work / "text" / CACHE_NAME).exists():
        caches = {"text": work / "text", **caches}
    if index is not None:
        program = Path(sys.executable).with_name("mie-index")
        command = [str(program), "retrieve", str(samples), "--index", str(index), "--out", str(caches["text"])]
        subprocess.run([*command, "--view", "text"], check=True)
    return caches


def make_config(name: str, work: Path, caches: dict[str, Path], arguments: argparse.Namespace, seed: int) -> RunConfig:
    """The settings of an expert: those of the small preset, the same for all but for the contexts."""
    settings = [f"data.samples={work / 'samples'}", f"training.epochs={arguments.epochs}", f"training.seed={seed}"]
    if arguments.subset:
        settings += [
            f"data.train_samples={arguments.subset}",
            f"data.dev_samples={max(2, arguments.subset // 2)}",
            f"data.test_samples={arguments.subset}",
        ]
    if name != "baseline":
        settings += [f"data.contexts={caches[name]}", f"data.contexts_per_source={arguments.per_source}"]
        settings.append(f"encoder.max_length_pieces={arguments.length}")
    return load_config(f"small-{name}", [*settings, *arguments.setting])


def mix_experts(results: dict[str, dict[str, list[float]]], runs: Path, members: tuple[str, ...]) -> None:
    """Fit the gates on dev (and, to compare, on train), and collect what each system has on test."""
    label = " + ".join(members)
    folder = runs / f"mixture-{'-'.join(members)}"
    if not (folder / "mixture.json").exists():
        fit_mixture([runs / name for name in members], folder)
    facts = json.loads((folder / "mixture.json").read_text())
    scores = evaluate_run(folder, "test")
    gates = scores["experts and gates"]
    held_out = {name: row["f1"] for name, row in facts["scores"].items()}
    collect(results, f"mixture of {label}", held_out[f"gate {facts['gate']}"], main_f1(scores))
    for name in ("gate fixed", "gate sample", "gate token", "gate hard", "oracle by sample", "oracle by token"):
        collect(results, f"- {label}: {name}", held_out[name], gates[name])
    trained = runs / f"mixture-{'-'.join(members)}-fitted-on-train"
    if not (trained / "mixture.json").exists():
        fit_mixture([runs / name for name in members], trained, gate="token", split="train")
    collect(results, f"- {label}: gate token, fitted on train", None, main_f1(evaluate_run(trained, "test")))


def collect(results: dict[str, dict[str, list[float]]], name: str, dev: float | None, test: float) -> None:
    row = results.setdefault(name, {"dev": [], "test": []})
    row["test"].append(test)
    if dev is not None:
        row["dev"].append(dev)


def print_results(
    results: dict[str, dict[str, list[float]]], seeds: list[int], arguments: argparse.Namespace, seconds: float
) -> None:
    print(f"\nTwitter-2015, {arguments.subset or 'all'} training samples, seeds {arguments.seeds}, ", end="")
    print(f"{arguments.epochs} epochs at most, offline:minilm, {os.cpu_count()} cores ({platform.machine()}), ", end="")
    print(f"{seconds / 60:.0f} min in this call. F1 by seqeval's default, mean ± deviation over seeds.\n")
    rows = [[name, cell(row["dev"]), cell(row["test"])] for name, row in results.items()]
    print(to_markdown(["system", "dev F1", "test F1"], rows))
    print("\nDev F1 of gates is by 5-fold cross-fitting; of experts it is the one their epoch was chosen by.")
    assert all(len(row["test"]) == len(seeds) for row in results.values())


def print_comparisons(runs: Path, experts: list[str]) -> None:
    print(f"\nPaired bootstrap on test against the baseline ({runs.name}):\n")
    others = [name for name in experts if name != "baseline"]
    others += sorted(path.name for path in runs.glob("mixture-*") if not path.name.endswith("train"))
    rows: list[list[Any]] = []
    for name in others:
        found = compare_runs(runs / name, runs / "baseline", "test")
        bounds = f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}]"
        rows.append([name, f"{100 * found.difference:+.2f}", bounds, f"{found.p_value:.3f}"])
    print(to_markdown(["system", "difference", "95 %", "p"], rows))


def cell(values: list[float]) -> str:
    if not values:
        return "-"
    mean, deviation = mean_and_deviation([100 * value for value in values])
    return f"{mean:.2f} ± {deviation:.2f}"


def talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
