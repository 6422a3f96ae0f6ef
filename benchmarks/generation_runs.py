"""The runs of systems that write: their data, training and scores; what is finished is not done again."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.generation_tables import PHOTOS, TABLES, Row, Table
from benchmarks.grounding import make_data as make_rocky
from benchmarks.grounding import score as score_regions
from benchmarks.mqa_spans import make_typing_set, score_typing
from benchmarks.rocky_scores import score_pictures
from indexer.encoders import load_efficientnet_lite0
from schemas.dataset import DATASET_NAME, NO_RELATION, read_samples
from schemas.manifest import write_json_atomically
from schemas.text_files import TextFile, find_split_files
from trainer.commands import evaluate_run, fit_and_evaluate
from trainer.config import RunConfig, load_config
from trainer.data import convert_files
from trainer.metrics import score_relations
from trainer.mixture import fit_mixture, is_mixture
from trainer.training import fit

__all__ = ["configure", "make_samples", "run_one"]

Scores = dict[str, float]


def run_one(arguments: Namespace, table: Table, row: Row, seed: int) -> Scores:
    """Train a system, or mix those that are trained, and return its F1 on test by the name of each score.

    Args:
        arguments: of the benchmark.
        table: of the row.
        row: the system.
        seed: of the run.
    """
    make_samples(arguments, table.samples)
    folder = arguments.work / f"runs-{table.samples}" / f"{row.name.replace(' ', '-')}-{seed}"
    kept = folder / f"{'gate' if 'all' in table.metrics else 'figures'}.json"
    if kept.is_file():
        return {name: float(value) for name, value in json.loads(kept.read_text(encoding="utf-8")).items()}
    if set(row.members) & {"leak", "no leak"}:
        scores = {"micro without None": published_rule(arguments, is_leaking=row.members == ("leak",))}
    elif row.members and row.preset:
        scores = _ask_types(arguments, table, row, seed, folder)
    elif row.members:
        scores = _mix(arguments, table, row, seed, folder)
    else:
        scores = _train(arguments, table, row, seed, folder)
    folder.mkdir(parents=True, exist_ok=True)  # a rule has no run
    write_json_atomically(kept, scores)
    return scores


def _train(arguments: Namespace, table: Table, row: Row, seed: int, folder: Path) -> Scores:
    config = configure(arguments, table, row, seed)
    if not table.photos:
        fit_and_evaluate(config, folder, talk=_talk)
        return _read_scores(folder)
    fit(config, folder, talk=_talk)
    if "all" in table.metrics:
        by_photos = score_pictures(folder, seed, bool(config.data.features))
        return {_name(name, photos): f1 for photos, each in by_photos.items() for name, f1 in each.items()}
    measured = {photos: score_regions(folder, "test", photos, seed) for photos in PHOTOS}
    return {
        _name(name, photos): float(value)
        for photos, each in measured.items()
        for name, value in each.items()
        if isinstance(value, float)
    }


def _name(score: str, photos: str) -> str:
    return score if photos == "true" else f"{score}, {photos} photos"


def _mix(arguments: Namespace, table: Table, row: Row, seed: int, folder: Path) -> Scores:
    """Mix the runs of other rows, with the gate that is best on dev, and score the mixture and its parts."""
    others = {other.name: other for other in table.rows}
    for name in row.members:
        run_one(arguments, table, others[name], seed)
    if not is_mixture(folder):
        runs = [folder.with_name(f"{name.replace(' ', '-')}-{seed}") for name in row.members]
        fit_mixture(runs, folder)
    evaluate_run(folder, "test")
    values = json.loads((folder / "predictions" / "test.scores.json").read_text(encoding="utf-8"))
    parts = {name: float(f1) for name, f1 in values.get("experts and gates", {}).items()}
    return _read_scores(folder) | parts


def _ask_types(arguments: Namespace, table: Table, row: Row, seed: int, folder: Path) -> Scores:
    """Train a row to say the types of spans, and score it on the spans of another row and on capitals."""
    first = next(other for other in table.rows if other.name == row.members[0])
    run_one(arguments, table, first, seed)
    sizes = {"train": arguments.train or table.train, "dev": arguments.dev or table.dev}
    spans = arguments.work / table.samples / f"spans-{sizes['train']}-{sizes['dev']}"
    make_typing_set(arguments.work / table.samples / "samples", spans, sizes)
    config = configure(arguments, table, row, seed)
    data = replace(config.data, samples=str(spans), train_samples=0, dev_samples=0)
    fit(replace(config, data=data), folder, talk=_talk)
    tagger = folder.with_name(f"{first.name.replace(' ', '-')}-{seed}")
    return {"default": score_typing(tagger, folder, "test").f1}


def published_rule(arguments: Namespace, *, is_leaking: bool) -> float:
    """Return micro F1 on MNRE-2's test set of the relation that is most frequent among those of the pair's types.

    The types are those that MQA's release gives to a pair: predicted ones, and in place of them, with the leak, those
    that the gold relation spells.
    """
    rows = json.loads((arguments.shared / "mqa" / "mnre2_test_type.json").read_text(encoding="utf-8"))
    by_types: dict[tuple[str, str], Counter[str]] = {}
    for sample in read_samples(arguments.work / "relations" / "samples", "train"):
        if sample.relation not in (None, NO_RELATION):
            _, head, tail, _ = str(sample.relation).split("/")
            by_types.setdefault((head, tail), Counter())[str(sample.relation)] += 1
    found = []
    for row in rows:
        which = "known" if is_leaking and row["relation"] != NO_RELATION else "pred"
        types = row[f"{which}_h"], row[f"{which}_t"]
        found.append(by_types[types].most_common(1)[0][0] if types in by_types else NO_RELATION)
    return score_relations([row["relation"] for row in rows], found).f1


def _read_scores(folder: Path) -> Scores:
    values = json.loads((folder / "predictions" / "test.scores.json").read_text(encoding="utf-8"))
    return {name: float(value["f1"]) for name, value in values.items() if "f1" in value}


def configure(arguments: Namespace, table: Table, row: Row, seed: int) -> RunConfig:
    """Return the settings of a run, and train the one that it begins from.

    Args:
        arguments: of the benchmark.
        table: of the row.
        row: the system.
        seed: of the run.
    """
    own = [f"data.samples={arguments.work / table.samples / 'samples'}", f"training.seed={seed}"]
    own += [f"training.epochs={arguments.epochs or table.epochs}", "training.precision=bf16"]
    own += ["training.patience_epochs=0", *table.settings, *_limits(arguments, table)]
    if row.start:
        first = next(other for other in TABLES["starts"].rows if other.name == row.start)
        folder = arguments.work / f"runs-{table.samples}" / f"{first.name.replace(' ', '-')}-{seed}"
        fit(configure(arguments, TABLES["starts"], first, seed), folder, talk=_talk)
        own.append(f"init.from_run={folder}")
    own += [*_features(arguments, row.preset), *(text.replace("{work}", str(arguments.work)) for text in row.settings)]
    return load_config(row.preset, [*own, *arguments.setting])


def _limits(arguments: Namespace, table: Table) -> list[str]:
    return [f"data.train_samples={arguments.train or table.train}", f"data.dev_samples={arguments.dev or table.dev}"]


_READERS = ("small-region-pointer", "small-h-index", "small-tiger", "small-umie-photos", "small-prompt-me-up")


def _features(arguments: Namespace, preset: str) -> list[str]:
    return [f"data.features={arguments.work / 'rocky' / 'features'}"] if preset in _READERS else []


def make_samples(arguments: Namespace, name: str) -> None:
    """Convert a data set once; for rocky make the features of its photos too, and a bank of prompts in their space."""
    shared, folder = arguments.shared, arguments.work / name / "samples"
    if name == "rocky":
        make_rocky(arguments.work / "rocky", shared / "rocky")
        _make_bank(arguments.work / "rocky" / "bank.safetensors")
    if (folder / DATASET_NAME).exists():
        return
    if name == "gmner":
        files = {split: TextFile(shared / "gmner" / f"{split}.txt") for split in ("train", "dev", "test")}
        convert_files(files, folder, name="gmner", boxes=shared / "gmner" / "xml.tar.gz")
    elif name == "fmnerg":
        convert_files(find_split_files(shared / "fmnerg" / "fmnerg.zip"), folder, name="fmnerg")
    else:
        source, kind = ("twitter2015", "twitter2015") if name == "tweets" else ("mnre", "mnre2")
        convert_files(find_split_files(shared / source), folder, name=kind)


def _make_bank(file: Path) -> None:
    """Write the bank of soft labels: what the classifier of the features' encoder holds of each of its 1,000 classes.

    No text encoder shares the space of these features. The cosine with a class's vector says what one with the vector
    of "an image of CLASS" would say: how well the picture fits the class.
    """
    if file.exists():
        return
    with torch.no_grad():
        vectors = load_efficientnet_lite0().classifier.weight.detach().clone()  # [1000, 1280]
    save_file({"prompts": vectors.contiguous()}, file)


def _talk(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
