"""Systems that write their answer: pointer decoders beside the CRF on GMNER's text, and with regions on rocky.

What is finished is not done again: give the same command to go on after an interrupt.

    python -m benchmarks.generation --work FOLDER [--tables gmner,rocky,relations,tweets] [--seeds 1,2,3]

Every row of a table has the same encoder, rates, epochs and samples. Runs go seed by seed, so that an early end leaves
whole tables of fewer seeds; a figure names those that it is a mean of.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.result_files import RESULTS, SystemResult, make_control, make_figure, write_result
from benchmarks.twitter2015 import SHARED
from schemas.dataset import DATASET_NAME
from schemas.manifest import write_json_atomically
from schemas.records import Entity
from schemas.text_files import TextFile, find_split_files
from trainer.commands import fit_and_evaluate
from trainer.config import RunConfig, load_config
from trainer.data import convert_files
from trainer.metrics import Score, score_grounded, to_markdown
from trainer.training import SplitData, decode_answers, encode_split, open_expert, read_split

SEEDS = "1,2,3"
_EPOCHS = {"gmner": 3, "rocky": 3, "relations": 3, "tweets": 3}
_PHOTOS = ("true photos", "shuffled photos", "no photos")


@dataclass(frozen=True)
class Row:
    """A system of a table.

    Args:
        number: of its row in the list of systems; 0 for a control.
        name: in the table.
        preset: its settings.
        settings: further ones, key=value.
    """

    number: int
    name: str
    preset: str
    settings: tuple[str, ...] = ()


TABLES: dict[str, tuple[str, str, tuple[Row, ...]]] = {
    "gmner": (
        "GMNER text, 2,000 training tweets, whole test set",
        "default",
        (
            Row(0, "CRF", "small-baseline"),
            Row(18, "index", "small-h-index-text"),
            Row(19, "phrase", "small-tiger-text"),
        ),
    ),
    "rocky": (
        "rocky, 500 training posts, whole test set",
        "GMNER",
        (Row(18, "h-index", "small-h-index"), Row(19, "tiger", "small-tiger")),
    ),
    "tweets": (
        "Twitter-2015, 1,000 training tweets, whole test set",
        "default",
        (Row(0, "CRF", "small-baseline"), Row(32, "umie", "small-umie")),
    ),
    "relations": (
        "MNRE-2, 1,000 training samples, whole test set",
        "micro without None",
        (Row(0, "relation head", "small-mnre-baseline"), Row(32, "umie", "small-umie")),
    ),
}
"""Name -> the data, the score that is the figure, and the systems."""


def main() -> None:
    """Make the data, train what is missing, and print the tables."""
    arguments = parse_arguments()
    found: dict[str, dict[str, dict[int, dict[str, float]]]] = {}
    jobs = [
        (seed, table, row)
        for seed in map(int, arguments.seeds.split(","))
        for table in arguments.tables.split(",")
        for row in TABLES[table][2]
        if not arguments.systems or row.name in arguments.systems.split(",")
    ]
    for seed, table, row in jobs:
        if seed > arguments.text_seeds and table != "rocky":
            continue
        scores = run_one(arguments, table, row, seed)
        found.setdefault(table, {}).setdefault(row.name, {})[seed] = scores
        write_json_atomically(arguments.work / "scores.json", found)
        write_results(arguments, found)
    (RESULTS.parent / "generation.md").write_text(to_page(arguments, found), encoding="utf-8")
    print(to_page(arguments, found))


def run_one(arguments: argparse.Namespace, table: str, row: Row, seed: int) -> dict[str, float]:
    """Train a system and return its F1 on test by the name of each score."""
    samples = make_samples(arguments, table)
    config = configure(arguments, table, row, seed, samples)
    folder = arguments.work / f"runs-{table}" / f"{row.name.replace(' ', '-')}-{seed}"
    kept = folder / "figures.json"
    if kept.is_file():
        return {name: float(value) for name, value in json.loads(kept.read_text(encoding="utf-8")).items()}
    fit_and_evaluate(config, folder, talk=lambda line: print(f"{table} {row.name} {seed}: {line}", file=sys.stderr))
    values = json.loads((folder / "predictions" / "test.scores.json").read_text(encoding="utf-8"))
    scores = {name: float(value["f1"]) for name, value in values.items() if "f1" in value}
    if table == "rocky":
        for photos in _PHOTOS[1:]:
            others = score_photos(folder, photos)
            scores |= {f"{name}, {photos}": score.f1 for name, score in others.items()}
    write_json_atomically(kept, scores)
    return scores


def configure(arguments: argparse.Namespace, table: str, row: Row, seed: int, samples: Path) -> RunConfig:
    """Return the settings of a run."""
    settings = [f"data.samples={samples}", f"training.seed={seed}", f"training.epochs={_EPOCHS[table]}"]
    settings += ["training.batch_samples=16", "training.encoder_lr=1e-4", "training.head_lr=1e-3"]
    settings += ["encoder.max_length_pieces=128", "training.patience_epochs=0", "training.precision=bf16"]
    if table == "rocky":
        settings += [f"data.features={arguments.work / 'rocky' / 'features'}", "data.train_samples=500"]
        settings.append("data.dev_samples=60")
    else:
        count = 2_000 if table == "gmner" else 1_000
        settings += [f"data.train_samples={count}", "data.dev_samples=200"]
    return load_config(row.preset, [*settings, *row.settings, *arguments.setting])


def score_photos(folder: Path, photos: str) -> dict[str, Score]:
    """Score a run on test with the photo of another post, or with none."""
    run = open_expert(folder)
    data = read_split(run.config, "test")
    assert data.features is not None
    features = data.features.of_others(1) if photos == "shuffled photos" else data.features.without_pictures()
    changed: SplitData = replace(data, features=features)
    rows = encode_split(run.expert, run.config, changed).rows
    answers = decode_answers(run.expert, rows, changed.samples, run.config.training)
    gold = [list(sample.entities or ()) for sample in changed.samples]
    found = [[row for row in answer.records if isinstance(row, Entity)] for answer in answers]
    return {name: score for name, score in score_grounded(gold, found).items() if name in ("GMNER", "MNER", "EEG")}


def make_samples(arguments: argparse.Namespace, table: str) -> Path:
    """Convert the data of a table once, with the features of its photos, and return its folder."""
    shared, folder = arguments.shared, arguments.work / table / "samples"
    if table == "gmner" and not (folder / DATASET_NAME).exists():
        files = {split: TextFile(shared / "gmner" / f"{split}.txt") for split in ("train", "dev", "test")}
        convert_files(files, folder, name="gmner", boxes=shared / "gmner" / "xml.tar.gz")
    elif table == "rocky":
        _make_rocky(shared / "rocky", arguments.work / "rocky")
    elif not (folder / DATASET_NAME).exists():
        source, name = ("twitter2015", "twitter2015") if table == "tweets" else ("mnre", "mnre2")
        convert_files(find_split_files(shared / source), folder, name=name)
    return folder


def _make_rocky(source: Path, folder: Path) -> None:
    """Convert rocky and make the features of whole photos and of the regions that its annotators drew."""
    binaries = Path(sys.executable).parent
    if not (folder / "samples" / DATASET_NAME).exists():
        splits = {split: TextFile(source / f"{split}.jsonl") for split in ("train", "dev", "test")}
        convert_files(splits, folder / "samples", name="rocky")
    if not (folder / "features" / "features.json").exists():
        files = [source / f"regions_{split}.jsonl" for split in ("train", "dev", "test")]
        regions = [str(item) for file in files for item in ("--regions", file)]
        command = [str(binaries / "mie-index"), "features", str(folder / "samples"), "--images", str(source / "images")]
        command += ["--out", str(folder / "features"), "--encoder", "efficientnet-lite0", "--view", "whole"]
        subprocess.run([*command, "--view", "regions", "--most-regions", "16", *regions], check=True)


def write_results(arguments: argparse.Namespace, found: dict[str, dict[str, dict[int, dict[str, float]]]]) -> None:
    """Write the result file of each system for each table; the control is the first row, or shuffled photos."""
    for table, rows in found.items():
        data, metric, systems = TABLES[table]
        for row in systems:
            values = rows.get(row.name, {})
            if not row.number or not values:
                continue
            control = _control(table, systems, rows, metric, values)
            figure = make_figure(data, f"{metric} F1", _of(values, metric), command(arguments), control)
            detail = {str(seed): scores for seed, scores in values.items()}
            write_result(SystemResult(row.number, row.name, data, (figure,), {"by seed": detail}))


def _control(table: str, systems: Sequence[Row], rows: dict[str, Any], metric: str, values: dict[int, Any]) -> Any:
    if table == "rocky":
        return make_control("shuffled photos", list(_of(values, f"{metric}, shuffled photos").values()))
    first = rows.get(systems[0].name, {})
    same = {seed: first[seed] for seed in values if seed in first}
    return make_control(systems[0].name, list(_of(same, metric).values())) if same else None


def _of(values: dict[int, dict[str, float]], metric: str) -> dict[int, float]:
    return {seed: scores[metric] for seed, scores in values.items() if metric in scores}


def command(arguments: argparse.Namespace) -> str:
    """Return the command that prints the tables."""
    further = "".join(f" --setting {text}" for text in arguments.setting)
    return f"python -m benchmarks.generation --work FOLDER --tables {arguments.tables}{further}"


def to_page(arguments: argparse.Namespace, found: dict[str, dict[str, dict[int, dict[str, float]]]]) -> str:
    """Return the tables as Markdown: F1 in per cent, each seed by itself."""
    lines = ["# Systems that write their answer", "", f"`{command(arguments)}`, F1 on test in per cent.", ""]
    for table, rows in found.items():
        data, metric, systems = TABLES[table]
        names = [metric]
        if table == "rocky":
            photos = ("", *(f", {name}" for name in _PHOTOS[1:]))
            names = [f"{name}{which}" for name in ("GMNER", "MNER", "EEG") for which in photos]
        lines += [f"## {data}", "", f"{_EPOCHS[table]} epochs, batches of 16, rates 1e-4 and 1e-3, bf16.", ""]
        header = ["system", "seeds", *names]
        body = []
        for row in systems:
            values = rows.get(row.name, {})
            cells = [" ".join(f"{100 * value:.2f}" for value in _of(values, name).values()) for name in names]
            body.append([row.name, " ".join(map(str, values)), *cells])
        lines += [to_markdown(header, body), ""]
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--tables", default="gmner,rocky,tweets,relations", help="parted by commas")
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--systems", default="", help="these rows alone, parted by commas")
    parser.add_argument("--text-seeds", type=int, default=2, help="the highest seed of tables without photos")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all systems")
    return parser.parse_args()


if __name__ == "__main__":
    main()
