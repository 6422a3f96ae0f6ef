"""GMNER's tweets without their pictures: does the picture show this mention? From words, knowledge or captions.

The decision alone is scored, on gold mentions of the whole test set: F1 of "shown", from the probability on that is
best on dev, and from one half on. What is finished is not done again.

    python -m benchmarks.groundable --work FOLDER [--subset 2000] [--seeds 1,2] [--sources words,riveg,captions]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch

from indexer.contexts import import_captions, import_columns
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME, read_samples
from schemas.manifest import write_json_atomically
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.config import load_config
from trainer.data import convert_files
from trainer.inputs import collate, order_by_length
from trainer.metrics import Counts, Score, to_markdown
from trainer.training import encode_split, fit, open_expert, read_split

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCES = {"words": (), "riveg": ("riveg",), "captions": ("caption",)}


def main() -> None:
    """Make the data, train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--subset", type=int, default=2000, help="training tweets; dev and test are whole")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--length", type=int, default=96, help="pieces in a window with contexts")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--sources", default="words,riveg,captions", help="parted by commas")
    parser.add_argument("--quiet", action="store_true", help="train alone: print no table")
    arguments = parser.parse_args()
    make_data(arguments.work, arguments.shared)
    seeds, names = arguments.seeds.split(","), arguments.sources.split(",")
    found = {name: [run_one(arguments, name, int(seed)) for seed in seeds] for name in names}
    if not arguments.quiet:
        print_table(arguments, found)


def make_data(work: Path, shared: Path) -> None:
    """Convert the tweets with their boxes, and make the caches of contexts."""
    work.mkdir(parents=True, exist_ok=True)
    samples = work / "gmner"
    if not (samples / DATASET_NAME).exists():
        files = {split: TextFile(shared / "gmner" / f"{split}.txt") for split in ("train", "dev", "test")}
        convert_files(files, samples, name="gmner", boxes=shared / "gmner" / "xml.tar.gz")
    if not (work / "riveg" / CACHE_NAME).exists():
        import_columns(shared / "riveg" / "Twitter10000_noaugment.zip", samples, work / "riveg", "riveg")
    if not (work / "captions" / CACHE_NAME).exists():
        import_captions(shared / "riveg" / "owl_captions.zip", samples, work / "captions", "caption")


def run_one(arguments: argparse.Namespace, name: str, seed: int) -> dict[str, float]:
    """Train a system on a source, and return F1 of "shown" on the gold mentions of test, by threshold.

    A classifier answers "shown" from one half on; F1 is best from a lower probability, which is chosen on dev.
    """
    folder = arguments.work / f"runs-{arguments.subset}-{arguments.epochs}" / f"{name}-{seed}"
    path = folder.with_suffix(".json")
    if path.exists():
        kept: dict[str, float] = json.loads(path.read_text())
        return kept
    settings = [
        f"data.samples={arguments.work / 'gmner'}", f"data.train_samples={arguments.subset}",
        f"training.seed={seed}", f"training.epochs={arguments.epochs}",
        f"training.precision={arguments.precision}", "model.head.kind=regions", "model.head.groundable=true",
    ]  # fmt: skip
    if SOURCES[name]:
        settings += [f"data.contexts={arguments.work / name}", f"data.sources={list(SOURCES[name])}"]
        settings += ["data.long_contexts=cut", f"encoder.max_length_pieces={arguments.length}"]
    config = load_config("small-baseline", settings)
    fit(config, folder, talk=lambda text: print(text, file=sys.stderr, flush=True))
    threshold = best_threshold(read_scores(folder, "dev"))
    found = read_scores(folder, "test")
    values = {"threshold": threshold, "dev_threshold": found.score(threshold).f1, "even": found.score(0.0).f1}
    score = found.score(threshold)
    write_json_atomically(path, values | {"precision": score.precision, "recall": score.recall})
    return values


class Decisions(NamedTuple):
    """Scores of mentions, whether each is shown, and how many are, those without a score among them."""

    scores: list[float]
    is_shown: list[bool]
    total: int

    def score(self, threshold: float) -> Score:
        """Score the answer that a mention is shown from a score on."""
        said = [score >= threshold for score in self.scores]
        right = sum(a and b for a, b in zip(said, self.is_shown, strict=True))
        return Score.of(Counts(right, sum(said), self.total))


def read_scores(folder: Path, split: str) -> Decisions:
    """Return what the classifier of a run says of the gold mentions of a split."""
    run = open_expert(folder)
    data = read_split(run.config, split)
    rows = encode_split(run.expert, run.config, data).rows
    run.expert.eval()
    found: list[tuple[float, bool]] = []
    for numbers in order_by_length([len(row.ids) for row in rows], 64):
        batch = collate([rows[i] for i in numbers], run.expert.padding)
        with torch.no_grad():
            entities = [data.samples[i].entities or () for i in numbers]
            scored = run.expert.head.score(run.expert.view(batch), entities)  # type: ignore[operator]
        gold = [bool(entity.boxes) for entity in scored.mentions.entities]
        found += zip(scored.shown.tolist(), gold, strict=True)
    # a mention beyond the window is not scored, and still one that should have been found
    total = sum(bool(entity.boxes) for sample in data.samples for entity in sample.entities or ())
    return Decisions([score for score, _ in found], [gold for _, gold in found], total)


def best_threshold(found: Decisions) -> float:
    """Return the score from which on "shown" has the best F1: of two that are equal, the higher.

    >>> best_threshold(Decisions([0.9, 0.1, -0.5, -2.0], [True, False, True, False], 2))
    -0.5
    """
    order = sorted(zip(found.scores, found.is_shown, strict=True), reverse=True)
    best, most, right = 0.0, -1.0, 0
    for number, (score, is_shown) in enumerate(order, start=1):
        right += is_shown
        is_last = number == len(order) or order[number][0] != score  # equal scores are answered alike
        f1 = 2 * right / (number + found.total)
        if is_last and f1 > most:
            best, most = score, f1
    return best


def print_table(arguments: argparse.Namespace, found: dict[str, list[dict[str, float]]]) -> None:
    """Print the systems beside answers without a model."""
    parts = {split: read_samples(arguments.work / "gmner", split) for split in ("train", "test")}
    rows = []
    for name, each in found.items():
        chosen, even = ([row[key] for row in each] for key in ("dev_threshold", "even"))
        rows.append([name, _percent(fmean(chosen)), ", ".join(map(_percent, chosen)), _percent(fmean(even))])
    rows += [[name, _percent(f1), "", ""] for name, f1 in blind_answers(parts["train"], parts["test"])]
    print(
        f'\nGMNER, {arguments.subset} training tweets, {arguments.epochs} epochs, whole test set: F1 of "shown" in %\n'
    )
    print(to_markdown(["answer", "F1", "by seed", "from one half on"], rows))


def blind_answers(train: Sequence[Sample], test: Sequence[Sample]) -> list[tuple[str, float]]:
    """Return F1 of answers that read no text: every mention is shown; those of the types that mostly are."""
    shown: dict[str, Counter[bool]] = {}
    for sample in train:
        for entity in sample.entities or ():
            shown.setdefault(entity.type, Counter())[bool(entity.boxes)] += 1
    mostly = {kind for kind, counts in shown.items() if counts[True] > counts[False]}
    answers = []
    for name, kinds in (("every mention is shown", set(shown)), (f"by type: {', '.join(sorted(mostly))}", mostly)):
        rows = [(entity.type in kinds, bool(entity.boxes)) for sample in test for entity in sample.entities or ()]
        counts = Counts(sum(a and b for a, b in rows), sum(a for a, _ in rows), sum(b for _, b in rows))
        answers.append((name, Score.of(counts).f1))
    return answers


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


if __name__ == "__main__":
    main()
