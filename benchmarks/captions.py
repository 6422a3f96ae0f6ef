"""Captions of real pictures on MNRE-2 and Twitter-2015: as plain context, and as the visual tokens of ten systems.

A run is trained on the first 3,000 relations or 1,000 tweets and scored on the whole test set: with the captions of
its own pictures, and with those of other pictures (shuffled at test time). What is finished is not done again: give
the same command to go on after an interrupt, or parts of it (--systems, --seeds) one after the other.

    python -m benchmarks.captions --work FOLDER --data t15 [--systems baseline,visualpt-moe] [--seeds 1,2]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.caption_sets import DIM, SETS, VisualSystem, Work, visual_systems
from benchmarks.cells import percent
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from benchmarks.twitter2015 import SHARED
from schemas.display import note
from schemas.manifest import write_json_atomically
from trainer.commands import ablate_run, evaluate_run, fit_and_evaluate, main_f1
from trainer.config import RunConfig, load_config
from trainer.metrics import to_markdown
from trainer.mixture import fit_mixture
from trainer.reports import compare_runs

CAPTIONS_OF_OTHERS = ("pictures of other samples", "contexts of other samples")


def main() -> None:
    """Train what is missing, and print the table of all that is finished."""
    arguments = parse_arguments()
    work = Work(arguments)
    visual = visual_systems(work.data)
    names = ["baseline", *(f"context-{name}" for name in work.data.captioners), *visual, "scores"]
    wanted = arguments.systems.split(",") if arguments.systems else names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise SystemExit(f"no system {unknown[0]}; there are {', '.join(names)}")
    for seed in map(int, arguments.seeds.split(",")):
        for name in wanted:
            folder = work.runs(arguments) / f"seed-{seed}"
            if name == "scores":
                mix_with_scores(work, folder)
            else:
                run_one(configure(name, seed, arguments, work, visual), folder / name)
    print_table(arguments, work, names)
    if arguments.record:
        for name, system in visual.items():
            record(name, system, arguments, work)


def configure(
    name: str, seed: int, arguments: argparse.Namespace, work: Work, visual: Mapping[str, VisualSystem]
) -> RunConfig:
    """Return the settings of a system."""
    subset = work.data.subset if arguments.subset is None else arguments.subset
    settings = [
        f"data.samples={work.samples}",
        f"data.train_samples={subset}",
        f"data.dev_samples={subset and 500}",
        f"training.epochs={arguments.epochs}",
        f"training.seed={seed}",
        f"training.precision={arguments.precision}",
        f"encoder.name={arguments.encoder}",
        f"encoder.max_length_pieces={arguments.length}",
    ]
    if name == "baseline":
        return load_config("small-baseline", settings)
    if name.startswith("context-"):
        source = name.removeprefix("context-")
        settings += [f'data.sources=["{source}"]', f"data.contexts={work.cache(source)}"]
        settings += ["data.contexts_per_source=1", "data.long_contexts=cut"]
        return load_config(work.data.context, settings)
    system = visual[name]
    stores = json.dumps([str(work.store(store)) for store in system.stores])
    settings += [f"data.features={stores}", f"model.fusion.feature_dim={DIM}"]
    settings += [f"training.head_lr={work.data.visual_rate}", *system.settings]
    return load_config(system.preset, settings)


def run_one(config: RunConfig, folder: Path) -> None:
    """Train a run and score it with true and with shuffled captions; what is there already stays."""
    scores = folder / "captions.json"
    if scores.exists():
        return
    facts = fit_and_evaluate(config, folder, talk=note)
    found = {"dev": facts["dev_f1"], "test": facts["test_f1"]}
    if config.data.sources or config.data.features:
        (row,) = ablate_run(folder, "test", (), names=CAPTIONS_OF_OTHERS)
        found["shuffled"] = row.f1
    write_json_atomically(scores, found)


def mix_with_scores(work: Work, folder: Path) -> None:
    """Mix the baseline and the first captioner's expert, without and with TMR's scores among what a gate reads."""
    experts = [folder / "baseline", folder / f"context-{next(iter(work.data.captioners))}"]
    for name, vectors in (("mixture", ""), ("mixture with scores", str(work.scores()))):
        out = folder / name.replace(" ", "-")
        if (out / "captions.json").exists() or not all((path / "captions.json").exists() for path in experts):
            continue
        facts = fit_mixture(experts, out, vectors=vectors, overwrite=True)
        values = evaluate_run(out, "test")
        found = {"dev": facts.scores[f"gate {facts.gate}"]["f1"], "test": main_f1(values), "gate": facts.gate}
        write_json_atomically(out / "captions.json", {**found, "gates": values["experts and gates"]})


def print_table(arguments: argparse.Namespace, work: Work, names: Sequence[str]) -> None:
    """Print the mean F1 of each system over the seeds that are finished, and its difference to the baseline of each."""
    runs = work.runs(arguments)
    lines: list[list[Any]] = []
    for name in [*names[:-1], "mixture", "mixture-with-scores"]:
        rows = read_seeds(runs, name)
        if not rows:
            continue
        cells = [percent([row[key] for row in rows.values() if key in row]) for key in ("dev", "test", "shuffled")]
        against = "; ".join(_against(runs / f"seed-{seed}" / name) for seed in rows)
        lines.append([name, ", ".join(map(str, rows)), *cells, against])
    title = work.data.title
    if arguments.subset is not None:
        title = f"{title.partition(',')[0]}, {arguments.subset or 'all'} training samples"
    print(f"\n{title}, {arguments.epochs} epochs at most, offline:minilm, windows of {arguments.length} pieces.")
    print(f"{work.data.metric} on the whole test set in %, mean ± deviation over seeds.\n")
    head = ["system", "seeds", "dev", "test", "captions of other pictures", "against the baseline (p), by seed"]
    print(to_markdown(head, lines))
    print_order(runs)


def read_seeds(runs: Path, name: str) -> dict[int, dict[str, Any]]:
    """Return what is known of a system by seed, of those that are finished."""
    paths = sorted(runs.glob(f"seed-*/{name}/captions.json"))
    return {int(path.parts[-3].removeprefix("seed-")): json.loads(path.read_text("utf-8")) for path in paths}


def print_order(runs: Path) -> None:
    """Print what the order of head and tail gives without a model, where the set has pairs."""
    for path in sorted(runs.glob("seed-*/baseline/predictions/test.scores.json"))[:1]:
        scores = json.loads(path.read_text("utf-8"))
        if "order of head and tail alone" in scores:
            print(f"\nThe order of head and tail alone: {100 * scores['order of head and tail alone']['f1']:.2f}")


def record(name: str, system: VisualSystem, arguments: argparse.Namespace, work: Work) -> None:
    """Write the result file of a system from the seeds that are finished, with those of the baseline beside them."""
    runs = work.runs(arguments)
    found = {
        int(path.parts[-3].removeprefix("seed-")): path for path in sorted(runs.glob(f"seed-*/{name}/captions.json"))
    }
    if not found or arguments.subset:
        return
    rows = {seed: json.loads(path.read_text("utf-8")) for seed, path in found.items()}
    command = f"python -m benchmarks.captions --work FOLDER --data {arguments.data} --systems baseline,{name}"
    command += " --subset 0" if arguments.subset == 0 else ""
    title = work.data.title if arguments.subset is None else f"{work.data.title.partition(',')[0]}, whole"
    control = make_control("captions of other pictures", [row["shuffled"] for row in rows.values()])
    values = {seed: row["test"] for seed, row in rows.items()}
    figure = make_figure(title, work.data.metric, values, f"{command} --seeds {','.join(map(str, rows))}", control)
    others = {}
    for other in ("baseline", f"context-{next(iter(work.data.captioners))}"):
        paths = {seed: runs / f"seed-{seed}" / other / "captions.json" for seed in rows}
        others[other] = {seed: json.loads(path.read_text("utf-8")) for seed, path in paths.items() if path.exists()}
    detail = {"own": rows, **others, "epochs": arguments.epochs, "pieces": arguments.length}
    detail["words"] = [store._asdict() for store in system.stores]
    result = SystemResult(system.number, name, title, (figure,), json.loads(json.dumps(detail)))
    print(write_result(result))


def _against(folder: Path) -> str:
    """Return the difference to the baseline of a seed and its p, by the paired bootstrap over test samples."""
    baseline = folder.with_name("baseline")
    if folder == baseline or not (baseline / "captions.json").exists():
        return "-"
    found = compare_runs(folder, baseline, "test")
    return f"{100 * found.difference:+.2f} ({found.p_value:.3f})"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--data", choices=sorted(SETS), required=True)
    parser.add_argument("--systems", default="", help="these alone, parted by commas")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--subset", type=int, help="training samples; 0: all; by default 1,000 tweets, 3,000 relations")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--length", type=int, default=96, help="pieces in a window")
    parser.add_argument(
        "--precision", default="bf16", help="bf16 takes half the time of fp32 where the processor has it"
    )
    parser.add_argument("--encoder", default="offline:minilm", help="or a folder of its weights")
    parser.add_argument("--record", action="store_true", help="write the result files of the systems that are finished")
    return parser.parse_args()


if __name__ == "__main__":
    main()
