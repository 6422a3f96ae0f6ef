"""Heads beside the CRF: W2NER's grid and queries on tweets, and EEGA's joint grid beside a pipeline of two experts.

Every system has the same encoder, samples, epochs and seeds; test sets are whole. What is finished is not done again.

    python -m benchmarks.heads --work FOLDER --data gmner [--subset 500] [--seeds 1,2] [--epochs 4]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import percent
from benchmarks.jmere_pipeline import make_pair_set, make_tag_set, run_pipeline
from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from schemas.dataset import DATASET_NAME, read_dataset, read_samples
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.commands import fit_and_evaluate
from trainer.config import load_config
from trainer.data import convert_files
from trainer.inputs import Answer
from trainer.metrics import Score, score_eega, score_joint, score_to_json, to_markdown
from trainer.mixture import run_system
from trainer.training import read_split

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = {
    "gmner": {"train": "gmner/train.txt", "dev": "gmner/dev.txt", "test": "gmner/test.txt"},
    "twitter2015": {"train": "twitter2015/train.txt", "dev": "twitter2015/valid.txt", "test": "twitter2015/test.txt"},
    "jmere": {"train": "mnre/mnre_train.txt", "dev": "mnre/mnre_val .txt", "test": "mnre/mnre_test.txt"},
}
TITLES = {"gmner": "GMNER, text alone", "twitter2015": "Twitter-2015", "jmere": "JMERE, rebuilt from MNRE-2"}
TAGGERS = {"CRF": "small-baseline", "W2NER": "small-w2ner", "MRC-MNER": "small-mrc-mner"}
ROWS = {"W2NER": (38, "w2ner"), "MRC-MNER": (11, "mrc-mner"), "EEGA": (8, "eega"), "sentences": (36, "cag")}
NO_PICTURES = "model.objectives=[]"
"""JMERE's pictures are not to be had here, so the transport between words and regions is left out."""
JOINT = {
    "EEGA": ("small-eega", [NO_PICTURES]),
    "biaffine grid": ("small-eega", [NO_PICTURES, "model.head.scorer=biaffine", "model.head.recurrent_dim=256",
        "model.head.biaffine_dim=256", "model.head.channels=64", "model.head.pair_dim=128", "model.head.dropout=0.2",
        "model.head.conv_dropout=0.2"]),
    "sentences": ("small-cag", [NO_PICTURES]),
}  # fmt: skip
"""Name -> preset and settings. Sentences are those of CAG's decoder, one a relation."""
PIPELINE = "pipeline"
"""A CRF finds entities, and then the relation head looks at each pair of them."""
Values = dict[str, dict[str, dict[int, float]]]
"""System -> metric -> seed -> F1."""


def main() -> None:
    """Train what is missing, print the table, and write the result files."""
    arguments = parse_arguments()
    samples = convert(arguments.data, arguments.shared, arguments.work)
    run = run_joint if arguments.data == "jmere" else run_taggers
    values, detail = run(arguments, samples)
    print_table(arguments, values)
    if not arguments.no_results:
        write_results(arguments, values, detail)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--data", choices=FILES, required=True)
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--subset", type=int, default=2000, help="training samples, and half as many dev; 0: all")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--systems", default="", help="these alone, parted by commas")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all systems")
    parser.add_argument("--no-results", action="store_true", help="print alone, and write no result files")
    return parser.parse_args()


def convert(data: str, shared: Path, work: Path) -> Path:
    """Convert a data set that is not there yet."""
    out = work / data
    if not (out / DATASET_NAME).exists():
        files = {split: TextFile(shared / name) for split, name in FILES[data].items()}
        convert_files(files, out, name=data)
    return out


def _seeds(arguments: argparse.Namespace) -> list[int]:
    return [int(seed) for seed in arguments.seeds.split(",")]


def _systems(arguments: argparse.Namespace, names: Sequence[str]) -> list[str]:
    chosen = arguments.systems.split(",") if arguments.systems else names
    return [name for name in names if name in chosen]


def _fit(arguments: argparse.Namespace, preset: str, samples: Path, seed: int, name: str, extra: Sequence[str]) -> Path:
    """Train a run if it is not there, and return its folder."""
    settings = [f"data.samples={samples}", f"training.epochs={arguments.epochs}", f"training.seed={seed}"]
    if arguments.subset:
        settings += [f"data.train_samples={arguments.subset}", f"data.dev_samples={max(2, arguments.subset // 2)}"]
    folder: Path = (
        arguments.work / f"runs-{arguments.data}-{arguments.subset or 'all'}-{arguments.epochs}" / f"seed-{seed}"
    )
    out = folder / name.replace(" ", "-")
    config = load_config(preset, [*settings, *extra, *arguments.setting])
    fit_and_evaluate(config, out, talk=lambda text: print(text, file=sys.stderr, flush=True))
    return out


def run_taggers(arguments: argparse.Namespace, samples: Path) -> tuple[Values, dict[str, Any]]:
    """Train the taggers of tweets, and return their F1."""
    values: Values = {}
    detail: dict[str, Any] = {}
    for seed in _seeds(arguments):
        for name in _systems(arguments, list(TAGGERS)):
            run = _fit(arguments, TAGGERS[name], samples, seed, name, ())
            scores = json.loads((run / "predictions" / "test.scores.json").read_text(encoding="utf-8"))
            values.setdefault(name, {}).setdefault("entity F1", {})[seed] = scores["default"]["f1"]
            detail.setdefault(name, {})[str(seed)] = scores["default"]
    return values, detail


def run_joint(arguments: argparse.Namespace, samples: Path) -> tuple[Values, dict[str, Any]]:
    """Train joint heads and the pipeline, and return their F1 in both countings."""
    values: Values = {}
    detail: dict[str, Any] = {}
    for seed in _seeds(arguments):
        for name in _systems(arguments, [*JOINT, PIPELINE]):
            answers = _pipeline_answers if name == PIPELINE else _joint_answers
            scores = _score(samples, answers(arguments, samples, seed, name))
            for metric, score in scores.items():
                values.setdefault(name, {}).setdefault(metric, {})[seed] = score.f1
            detail.setdefault(name, {})[str(seed)] = {metric: score_to_json(score) for metric, score in scores.items()}
    return values, detail


def _joint_answers(arguments: argparse.Namespace, samples: Path, seed: int, name: str) -> list[Answer]:
    preset, settings = JOINT[name]
    run = _fit(arguments, preset, samples, seed, name, settings)
    return run_system(run, "test", lambda config: read_split(config, "test")).predicted


def _pipeline_answers(arguments: argparse.Namespace, samples: Path, seed: int, name: str) -> list[Answer]:  # noqa: ARG001
    subset = arguments.subset
    tags, pairs = arguments.work / "jmere-tags", arguments.work / f"jmere-pairs-{subset or 'all'}"
    make_tag_set(samples, tags)
    make_pair_set(samples, pairs, {"train": subset, "dev": subset // 2})
    tagger = _fit(arguments, "small-baseline", tags, seed, "tagger", ())
    whole = ["data.train_samples=0", "data.dev_samples=0"]  # the pairs are those of the subset already
    classifier = _fit(arguments, "small-mnre-baseline", pairs, seed, "classifier", whole)
    return run_pipeline(tagger, classifier, samples, "test")


def _score(samples: Path, answers: Sequence[Answer]) -> dict[str, Score]:
    """Return the scores of answers on test: directed, of entities and relations alone, and as EEGA's authors count."""
    gold: list[Sample] = read_samples(samples, "test")
    labels = read_dataset(samples).labels
    types = {row.type for sample in read_samples(samples, "train") for row in sample.entities or ()}
    right = [(sample.entities or (), sample.relations or ()) for sample in gold]
    found = [(answer.entities, answer.relations) for answer in answers]
    directed = score_joint(right, found)
    order = [name for name in labels if name not in types]
    published = score_eega(right, found, [len(sample.tokens) for sample in gold], order)
    return {
        "JMERE F1, directed": directed["JMERE"],
        "entity F1": directed["entities"],
        "JMERE F1 as the authors count": published["JMERE"],
    }


def print_table(arguments: argparse.Namespace, values: Values) -> None:
    """Print a row for each system: mean and deviation of each metric over the seeds."""
    metrics = list(next(iter(values.values())))
    print(
        f"\n{_data(arguments)}, seeds {arguments.seeds}, {arguments.epochs} epochs at most, offline:minilm. F1 in %.\n"
    )
    rows = [[name, *(percent(row[metric].values()) for metric in metrics)] for name, row in values.items()]
    print(to_markdown(["system", *metrics], rows), flush=True)


def _data(arguments: argparse.Namespace) -> str:
    size = f"{arguments.subset:,}" if arguments.subset else "all"
    return f"{TITLES[arguments.data]}, {size} training samples"


def write_results(arguments: argparse.Namespace, values: Values, detail: Mapping[str, Any]) -> None:
    """Write a result file for each system of the table, with the CRF or the pipeline as its control."""
    command = f"python -m benchmarks.heads --work FOLDER --data {arguments.data} --subset {arguments.subset}"
    command += f" --seeds {arguments.seeds} --epochs {arguments.epochs}"
    command += "".join(f" --setting {row}" for row in arguments.setting)
    control = PIPELINE if arguments.data == "jmere" else "CRF"
    for name in values:
        if name in ROWS:
            number, short = ROWS[name]
            beside = values.get(control, {})
            figures = [
                make_figure(_data(arguments), metric, each, command, _control(control, beside.get(metric)))
                for metric, each in values[name].items()
            ]
            found = {system: detail[system] for system in (name, control) if system in detail}
            print(write_result(SystemResult(number, short, _data(arguments), tuple(figures), found)), file=sys.stderr)


def _control(name: str, values: Mapping[int, float] | None) -> Any:
    return None if values is None else make_control(name, list(values.values()))


if __name__ == "__main__":
    main()
