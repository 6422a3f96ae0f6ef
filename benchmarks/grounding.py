"""Grounding on rocky: which region of the photo shows a name; five systems beside their bounds.

Every system has the same encoder, rates, epochs and seeds, and chooses its epoch by GMNER F1 on dev. What is finished
is not done again: give the same command to go on after an interrupt. Figures go to result files.

    python -m benchmarks.grounding --work FOLDER [--seeds 1,2,3] [--systems evg,pointer]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.region_bounds import bound_rows
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from schemas.dataset import DATASET_NAME, read_samples
from schemas.feature_store import FEATURES_NAME
from schemas.manifest import write_json_atomically
from schemas.records import Entity, Sample
from trainer.config import RunConfig, load_config
from trainer.data import convert_files
from trainer.inputs import Answer, SampleFeatures
from trainer.metrics import record_counts, score_grounded, to_markdown
from trainer.mixture import run_system
from trainer.training import SplitData, fit, read_split

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
COMMAND = "python -m benchmarks.grounding --work FOLDER"
DATA = "rocky"
LABELS = ("LOC", "MISC", "PER")
PHOTOS = ("true", "shuffled", "none")
METRICS = {"gmner_f1": "GMNER", "mner_f1": "MNER", "eeg_f1": "EEG"}


class Row(NamedTuple):
    """A system of the table: its row in the list of systems, its preset, and its name in a file."""

    number: int
    preset: str
    name: str


SYSTEMS = {
    "evg": Row(39, "small-evg", "evg"),
    "pointer": Row(39, "small-region-pointer", "pointer"),
    "more": Row(29, "small-more", "more"),
    "re2": Row(25, "small-re2", "re2"),
    "seqgmper": Row(27, "small-seqgmper", "seqgmper"),
}


def main() -> None:
    """Make the data, train what is missing, and print the table."""
    arguments = parse_arguments()
    make_data(arguments.work, arguments.shared / "rocky")
    names = arguments.systems.split(",")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    own = [f"training.epochs={arguments.epochs}", f"training.precision={arguments.precision}", *arguments.setting]
    for seed in seeds:  # all systems of a seed before the next: an interrupt then leaves a whole table
        for name in names:
            if not arguments.finished:
                run_one(arguments.work, name, seed, own)
    found = {
        name: {
            seed: read_scores(arguments.work, name, seed)
            for seed in seeds
            if scores_file(arguments.work, name, seed).exists()
        }
        for name in names
    }
    found = {name: by_seed for name, by_seed in found.items() if by_seed}
    if not arguments.quiet:
        print_table(arguments.work, found)
        write_results(found, arguments)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="parted by commas")
    parser.add_argument(
        "--precision", default="bf16", help="bf16 takes half the time of fp32 where the processor has it"
    )
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all systems")
    parser.add_argument("--finished", action="store_true", help="train nothing: print the runs that are finished")
    parser.add_argument("--quiet", action="store_true", help="train alone: print no table and write no result files")
    return parser.parse_args()


def make_data(work: Path, rocky: Path) -> None:
    """Convert the set, with its posts grouped by photo, and make the features of its photos and their candidates."""
    work.mkdir(parents=True, exist_ok=True)
    samples, store = work / "samples", work / "features"
    if not (samples / DATASET_NAME).exists():
        files = {split: group_by_photo(rocky / f"{split}.jsonl", work) for split in ("train", "dev", "test")}
        convert_files(files, samples, name=DATA, format="jsonl", labels=LABELS)
    if not (store / FEATURES_NAME).exists():
        program = Path(sys.executable).with_name("mie-index")
        command = [str(program), "features", "make", str(samples), "--images", str(rocky / "images"), "--out"]
        command += [str(store), "--encoder", "efficientnet-lite0", "--view", "whole", "--view", "regions"]
        command += ["--most-regions", "18"]
        for split in ("train", "dev", "test"):
            command += ["--regions", str(rocky / f"regions_{split}.jsonl")]
        subprocess.run(command, check=True)


def group_by_photo(file: Path, work: Path) -> Any:
    """Write the posts with their photo as their group, and their order in it as the step; return the file."""
    from schemas.text_files import TextFile

    steps: dict[str, int] = {}
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        step = steps.get(row["image"], 0)
        steps[row["image"]] = step + 1
        lines.append(json.dumps({**row, "group": row["image"], "step": step}, ensure_ascii=False) + "\n")
    target = work / file.name
    target.write_text("".join(lines), encoding="utf-8")
    return TextFile(target)


def configure(work: Path, name: str, seed: int, settings: Sequence[str]) -> RunConfig:
    """Return the settings of a system for a seed."""
    own = [f"data.samples={work / 'samples'}", f"data.features={work / 'features'}", f"training.seed={seed}"]
    return load_config(SYSTEMS[name].preset, [*own, *settings])


def scores_file(work: Path, name: str, seed: int) -> Path:
    """Return where the scores of a run are kept."""
    return work / "runs" / f"{name}-{seed}.json"


def read_scores(work: Path, name: str, seed: int) -> dict[str, Any]:
    """Read the scores of a run."""
    scores: dict[str, Any] = json.loads(scores_file(work, name, seed).read_text(encoding="utf-8"))
    return scores


def run_one(work: Path, name: str, seed: int, settings: Sequence[str]) -> None:
    """Train a system and score it on dev, and on test with its own photos, with those of others, and without."""
    path = scores_file(work, name, seed)
    if path.exists():
        return
    folder = work / "runs" / f"{name}-{seed}"
    fit(configure(work, name, seed, settings), folder, talk=lambda text: print(text, file=sys.stderr, flush=True))
    scores = {"dev": score(folder, "dev", "true", seed)}
    scores |= {photos: score(folder, "test", photos, seed) for photos in PHOTOS}
    write_json_atomically(path, scores)


def score(folder: Path, split: str, photos: str, seed: int) -> dict[str, Any]:
    """Return the scores of a run: F1 by measure, F1 of GMNER by type, and the share of right regions."""

    def read(config: RunConfig) -> SplitData:
        data = read_split(config, split)
        return data if data.features is None else replace(data, features=exchange(data.features, photos, seed))

    output = run_system(folder, split, read, cache=False)
    gold = [list(sample.entities or ()) for sample in output.samples]
    found = [answer.entities for answer in output.predicted]
    scores = score_grounded(gold, found)
    values: dict[str, Any] = {name: part.f1 for name, part in scores.items()}
    values |= {f"GMNER {kind}": part.f1 for kind, part in scores["GMNER"].by_class.items()}
    values |= {f"MNER {kind}": part.f1 for kind, part in scores["MNER"].by_class.items()}
    return values | {"region of right entities": region_share(output.samples, output.predicted)}


def exchange(features: SampleFeatures, photos: str, seed: int) -> SampleFeatures:
    """Return the features of other photos, of none, or as they are."""
    return {
        "true": lambda: features, "shuffled": lambda: features.of_others(seed), "none": features.without_pictures,
    }[photos]()  # fmt: skip


def region_share(samples: Sequence[Sample], predicted: Sequence[Answer]) -> float:
    """Return the share of the groundable entities with right span and type whose region is right too."""
    right = gold = 0
    for sample, answer in zip(samples, predicted, strict=True):
        found = {row[:3]: row for row in answer.entities}
        rows: list[Entity] = [row for row in sample.entities or () if row.boxes and row[:3] in found]
        gold += len(rows)
        right += sum(record_counts([[row]], [[found[row[:3]]]], "span+type+region")[0].right for row in rows)
    return right / gold if gold else 0.0


def print_table(work: Path, found: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> None:
    """Print systems and bounds as Markdown."""
    keys = (*METRICS.values(), "GMNER PER", "GMNER MISC", "GMNER LOC", "region of right entities")
    print("\nrocky, F1 in %, mean over seeds (lowest to highest); the epoch is chosen by GMNER F1 on dev\n")
    rows = []
    for name, by_seed in found.items():
        for part in ("dev", *PHOTOS):
            label = f"{SYSTEMS[name].preset}, {'dev' if part == 'dev' else f'test, {part} photos'}"
            each = [[scores[part][key] for scores in by_seed.values()] for key in keys]
            rows.append([label, ", ".join(map(str, by_seed)), *map(_cell, each)])
    print(to_markdown(["system", "seeds", *keys], rows))
    print("\nRegion right, of the entities that the photo shows, given their spans\n")
    parts = {split: read_samples(work / "samples", split) for split in ("train", "dev", "test")}
    print(to_markdown(["answer", "dev", "test"], bound_rows(parts, work / "features")), flush=True)


def _cell(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{100 * fmean(values):.1f} ({100 * low:.1f} to {100 * high:.1f})" if len(values) > 1 else f"{100 * low:.1f}"


def write_results(found: Mapping[str, Mapping[int, Mapping[str, Any]]], arguments: argparse.Namespace) -> None:
    """Write a result file for each system."""
    for name, by_seed in found.items():
        row, seeds = SYSTEMS[name], ",".join(map(str, by_seed))
        command = f"{COMMAND} --systems {name} --seeds {seeds} --epochs {arguments.epochs}"
        command += f" --precision {arguments.precision}"
        data = f"{DATA}, softmax pointer" if name == "pointer" else DATA
        figures = []
        for metric, key in METRICS.items():
            values = {seed: scores["true"][key] for seed, scores in by_seed.items()}
            control = make_control("shuffled photos", [scores["shuffled"][key] for scores in by_seed.values()])
            figures.append(make_figure(data, metric, values, command, control))
        detail = {"preset": row.preset, "scores": {str(seed): scores for seed, scores in by_seed.items()}}
        write_result(SystemResult(row.number, row.name, data, tuple(figures), detail))


if __name__ == "__main__":
    main()
