"""Fine types of FMNERG by one chain and by two, and few-shot relations of MNRE-2 by prototypes.

FMNERG: training tweets, the whole test set, the same rates, epochs and seeds for both heads; F1 of span and type, and
of span, type and fine type. MNRE-2: every second relation (by their number of samples) is left out of the training;
episodes ask for these alone. Beside the trained expert stands the same encoder without training.

    python -m benchmarks.fine_types --work FOLDER [--parts fmnerg,mnre,flmsre] [--seeds 1,2]

What is finished is not done again: give the same command to go on after an interrupt. The figures go into
benchmarks/results/systems, the tables to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cells import percent
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from benchmarks.twitter2015 import SHARED
from schemas.dataset import DATASET_NAME, NO_RELATION, read_dataset, read_samples, write_dataset
from schemas.manifest import write_json_atomically
from schemas.records import Sample
from schemas.text_files import TextFile, find_split_files
from trainer.commands import evaluate_run, few_shot_accuracy, fit_and_evaluate
from trainer.config import load_config
from trainer.data import convert_files
from trainer.metrics import to_markdown
from trainer.training import fit

COMMAND = "python -m benchmarks.fine_types --work FOLDER --seeds {seeds}"
HEADS = {"small-fmnerg": (19, "fmnerg-tags"), "small-gem": (26, "gem")}
"""Preset -> number of its system's row, short name."""
SHOTS = (1, 5)
ASKED = 200
"""Samples of a relation that episodes are drawn from, at most."""


def main() -> None:
    """Train what is missing, print the tables and write the figures."""
    arguments = parse_arguments()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    parts = {"fmnerg": run_fmnerg, "mnre": run_mnre, "flmsre": run_flmsre}
    for count in range(1, len(seeds) + 1):  # all parts of the first seed come first: an interrupted call has figures
        for part in arguments.parts.split(","):
            parts[part](arguments, seeds[:count])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--parts", default="fmnerg,mnre,flmsre")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--presets", default=",".join(HEADS), help="heads of FMNERG")
    parser.add_argument("--tweets", type=int, default=2000, help="training tweets of FMNERG; half as many of dev")
    parser.add_argument("--epochs", type=int, default=3, help="of FMNERG")
    parser.add_argument("--pairs", type=int, default=3000, help="training pairs of MNRE-2")
    parser.add_argument("--episodes", type=int, default=500)
    return parser.parse_args()


def run_fmnerg(arguments: argparse.Namespace, seeds: Sequence[int]) -> None:
    """Train both heads on FMNERG, and score them on the whole test set."""
    samples = arguments.work / "fmnerg"
    if not (samples / DATASET_NAME).exists():
        convert_files(find_split_files(arguments.shared / "fmnerg" / "fmnerg.zip"), samples, name="fmnerg")
    scores: dict[str, dict[int, dict[str, Any]]] = {}
    for seed in seeds:
        for preset in arguments.presets.split(","):
            settings = [
                f"data.samples={samples}", f"data.train_samples={arguments.tweets}",
                f"data.dev_samples={arguments.tweets // 4}", f"training.epochs={arguments.epochs}",
                f"training.seed={seed}", "encoder.max_length_pieces=64",
            ]  # fmt: skip
            run = arguments.work / f"{preset}-{seed}"
            fit_and_evaluate(load_config(preset, settings), run, talk=_talk)
            scores.setdefault(preset, {})[seed] = evaluate_run(run, "test")
    data = f"FMNERG text, {arguments.tweets:,} training tweets"
    print(f"\n{data}, F1 in % on the whole test set, seeds {seeds}, {arguments.epochs} epochs\n")
    names = ("fine MNER", "MNER", "span")
    rows = [
        [preset, *(percent([own[seed][name]["f1"] for seed in own]) for name in names)]
        for preset, own in scores.items()
    ]
    print(to_markdown(["preset", *names], rows), flush=True)
    flat = [row["fine MNER"]["f1"] for row in scores.get("small-fmnerg", {}).values()]
    for preset, (number, name) in HEADS.items():
        if preset not in scores:
            continue
        values = {seed: row["fine MNER"]["f1"] for seed, row in scores[preset].items()}
        control = None if preset == "small-fmnerg" or not flat else make_control("one flat chain of fine types", flat)
        figure = make_figure(data, "fine_mner_f1", values, _command(arguments, "fmnerg"), control)
        mner = {seed: row["MNER"]["f1"] for seed, row in scores[preset].items()}
        figures = (figure, make_figure(data, "mner_f1", mner, _command(arguments, "fmnerg")))
        detail = {"by fine type, seed 1": scores[preset][seeds[0]]["fine MNER"]}
        write_result(SystemResult(number, name, data, figures, detail))


def run_mnre(arguments: argparse.Namespace, seeds: Sequence[int]) -> None:
    """Train prototypes on half of MNRE-2's relations, and ask for the others."""
    whole = arguments.work / "mnre"
    if not (whole / DATASET_NAME).exists():
        convert_files(find_split_files(arguments.shared / "mnre"), whole, name="mnre2")
    trained, others = arguments.work / "mnre-known", arguments.work / "mnre-asked"
    known, asked = split_relations(whole, trained, others, arguments.pairs)
    scores = _few_shots(arguments, seeds, trained, others)
    data = f"MNRE-2 text, {len(asked)} relations that were not trained"
    print(f"\n{data}: accuracy in % of 5 ways, seeds {seeds}, {arguments.episodes} episodes, trained on")
    print(f"{arguments.pairs} pairs of {len(known)} others\n")
    _print_shots(scores)
    figures = []
    for shots in SHOTS:
        metric = f"accuracy of 5 ways, {shots} shot{'s' * (shots > 1)}"
        control = make_control("the encoder untrained", list(scores["untrained"][shots].values()))
        figures.append(make_figure(data, metric, scores["trained"][shots], _command(arguments, "mnre"), control))
    detail = {"trained": known, "asked": asked, "episodes": arguments.episodes}
    write_result(SystemResult(6, "fl-msre", data, tuple(figures), detail))


def run_flmsre(arguments: argparse.Namespace, seeds: Sequence[int]) -> None:
    """Ask for the relations of FL-MSRE's Chinese table, which the English encoder hardly reads: plumbing, no figure."""
    folder = arguments.work / "flmsre-rtk"
    if not (folder / DATASET_NAME).exists():
        convert_files({"test": TextFile(arguments.shared / "flmsre" / "RTK.csv")}, folder, name="rtk", format="flmsre")
    runs = [arguments.work / f"small-fl-msre-trained-{seed}" for seed in seeds]
    rows = [few_shot_accuracy(run, folder, ("test",), 3, (1,), 1, arguments.episodes, 1)[0] for run in runs]
    print(
        f"\nFL-MSRE's table RTK, 3 ways, 1 shot, the experts of MNRE-2: {percent([row.accuracy for row in rows])} %\n"
    )


def split_relations(whole: Path, known: Path, asked: Path, pairs: int) -> tuple[list[str], list[str]]:
    """Write MNRE-2 as two sets without a relation in common, and return the relations of each.

    The relations of the training split are ranked by their samples: the first, third, ... are trained, the others
    asked. The samples that are asked come from all splits, as none of them is trained on; 200 of a relation at most.

    Args:
        whole: the converted set.
        known: the folder for train and dev of the trained relations.
        asked: the folder for one split, test, of the others.
        pairs: training samples at most.
    """
    splits = {split: read_samples(whole, split) for split in ("train", "dev", "test")}
    ranked = [
        name for name, _ in Counter(str(row.relation) for row in splits["train"]).most_common() if name != NO_RELATION
    ]
    first, second = sorted(ranked[::2]), sorted(ranked[1::2])
    if not (asked / DATASET_NAME).exists():
        train = [row for row in splits["train"] if row.relation in first][:pairs]
        dev = [row for row in splits["dev"] if row.relation in first]
        others = _first_of_each([row for part in splits.values() for row in part if row.relation in second], ASKED)
        inputs = read_dataset(whole).inputs
        for folder, rows, names in ((known, {"train": train, "dev": dev}, first), (asked, {"test": others}, second)):
            write_dataset(folder, rows, name=folder.name, task="re", labels=names, inputs=inputs, counters={})
    return first, second


def _first_of_each(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return the first samples of each relation, as many as count, as the split test."""
    taken: Counter[str] = Counter()
    kept = []
    for row in samples:
        taken[str(row.relation)] += 1
        if taken[str(row.relation)] <= count:
            kept.append(replace(row, split="test"))
    return kept


def _few_shots(
    arguments: argparse.Namespace, seeds: Sequence[int], known: Path, asked: Path
) -> dict[str, dict[int, dict[int, float]]]:
    """Return accuracies by system, number of shots and seed: after the training, and of the encoder before it."""
    still = ["training.epochs=1", *(f"training.{part}_lr=0.0" for part in ("encoder", "head", "crf"))]
    kinds = {"trained": [], "untrained": [*still, "data.train_samples=300", "data.dev_samples=20"]}
    found: dict[str, dict[int, dict[int, float]]] = {kind: {n: {} for n in SHOTS} for kind in kinds}
    for seed in seeds:
        for kind, own in kinds.items():
            settings = [f"data.samples={known}", f"training.seed={seed}", "encoder.max_length_pieces=96", *own]
            run = arguments.work / f"small-fl-msre-{kind}-{seed}"
            fit(load_config("small-fl-msre", settings), run, talk=_talk)
            kept = run / "few-shots.json"
            if not kept.exists():
                rows = few_shot_accuracy(run, asked, ("test",), 5, SHOTS, 5, arguments.episodes, seed)
                write_json_atomically(kept, {str(row.shots): row.accuracy for row in rows})
            for shots, accuracy in json.loads(kept.read_text(encoding="utf-8")).items():
                found[kind][int(shots)][seed] = accuracy
    return found


def _print_shots(scores: Mapping[str, Mapping[int, Mapping[int, float]]]) -> None:
    rows = [[kind, *(percent(list(own[shots].values())) for shots in SHOTS)] for kind, own in scores.items()]
    print(to_markdown(["expert", *(f"{shots} shots" for shots in SHOTS)], rows), flush=True)


def _command(arguments: argparse.Namespace, part: str) -> str:
    some = f" --presets {arguments.presets}" if part == "fmnerg" and arguments.presets != ",".join(HEADS) else ""
    return f"{COMMAND.format(seeds=arguments.seeds)} --parts {part}{some}"


def _talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
