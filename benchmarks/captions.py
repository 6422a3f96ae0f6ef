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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from benchmarks.twitter2015 import SHARED
from indexer.contexts import import_captions
from indexer.features import WordSettings, import_scores, make_words
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.display import note
from schemas.feature_store import FEATURES_NAME
from schemas.manifest import write_json_atomically
from schemas.text_files import find_split_files
from trainer.commands import ablate_run, evaluate_run, fit_and_evaluate, main_f1, mean_and_deviation
from trainer.config import RunConfig, load_config
from trainer.data import convert_files
from trainer.metrics import to_markdown
from trainer.mixture import fit_mixture
from trainer.reports import compare_runs

DIM = 384
"""Components of a word: MiniLM's."""
WORDS = 16
CAPTIONERS = ("BLIP", "instruct", "llavanext", "caption", "cogvlm", "minicpm")
"""The six of MNRE's pictures, those with short captions first."""
CAPTIONS_OF_OTHERS = ("pictures of other samples", "contexts of other samples")


@dataclass(frozen=True)
class DataSet:
    """A set with captions of its pictures.

    Args:
        title: with what a run is trained on.
        metric: of its F1.
        files: of the samples, in the folder of shared data.
        captioners: files of captions by source, the first is what one captioner means.
        scores: zip of TMR's scores; strong, weak: their names there.
        subset: training samples.
        context: preset of plain contexts.
    """

    title: str
    metric: str
    files: str
    captioners: Mapping[str, str]
    scores: str
    strong: str
    weak: str
    subset: int
    context: str


SETS = {
    "t15": DataSet(
        "Twitter-2015, 1,000 tweets", "entity F1, default convention", "twitter2015",
        {"blip2": "captions/blip2_twitter2015.txt"},
        "tmr/twitter2015.zip", "ner_weight_strong", "ner_weight_weak", 1000, "small-caption",
    ),
    "mnre": DataSet(
        "MNRE-2, 3,000 relations", "micro F1 without None", "mnre",
        {name: f"mnre_captions/{name}.zip" for name in CAPTIONERS},
        "tmr/mnre.zip", "weight_strong", "weight_weak", 3000, "small-mnre-text",
    ),
}  # fmt: skip


class Store(NamedTuple):
    """A store of words: sources, vectors, and the score that they get."""

    sources: tuple[str, ...]
    vectors: str = "embeddings"
    score: str = ""


class VisualSystem(NamedTuple):
    """A system that reads captions as visual tokens: its row in the table of systems, its preset, its stores."""

    number: int
    preset: str
    stores: tuple[Store, ...]
    settings: tuple[str, ...] = ()


def visual_systems(data: DataSet) -> dict[str, VisualSystem]:
    """Return the systems that run on a set, each with the words that stand for its visual features."""
    names = tuple(data.captioners)
    one = (Store(names[:1]),)
    # VisualPT-MoE's sources are captioners with short captions; CAMIM's regions another one, or the whole caption.
    several = (Store(names[:3]),)
    pair = (Store(names[:2]),) if len(names) > 1 else (Store(names[:1], "mean"), Store(names[:1]))
    views = ",".join(map(str, range(len(several[0].sources))))
    scored = (Store(names[:1], "embeddings", data.strong), Store(names[:1], "mean", data.weak))
    systems = {
        "hvpnet": VisualSystem(3, "small-hvpnet", one),
        "mkgformer": VisualSystem(4, "small-mkgformer", one),
        "mega": VisualSystem(5, "small-mega", one),
        "rpbert": VisualSystem(9, "small-rpbert", one),
        "maf": VisualSystem(10, "small-maf", one),
        "promptmner": VisualSystem(13, "small-promptmner", one),
        "visualpt-moe": VisualSystem(14, "small-visualpt-moe", several, (f"model.fusion.views=[{views}]",)),
        "camim": VisualSystem(33, "small-camim", pair),
        "tmr": VisualSystem(35, "small-tmr", scored),
    }
    if data.files == "twitter2015":  # its span task is of tags
        systems["umt"] = VisualSystem(12, "small-umt", one)
    return systems


class Work:
    """The folder of a set: samples, caches, stores of words, scores and runs, made where they are not there yet."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.data = SETS[arguments.data]
        self.folder: Path = arguments.work / arguments.data
        self.shared: Path = arguments.shared
        self.samples = self.folder / "samples"
        if not (self.samples / DATASET_NAME).exists():
            convert_files(find_split_files(self.shared / self.data.files), self.samples, name=self.data.files)

    def runs(self, arguments: argparse.Namespace) -> Path:
        """Return the folder of the runs, in which each seed has one."""
        size = "own" if arguments.subset is None else arguments.subset or "all"
        return self.folder / f"runs-{size}-{arguments.epochs}"

    def cache(self, source: str) -> Path:
        """Return the cache of a captioner."""
        out = self.folder / f"context-{source}"
        if not (out / CACHE_NAME).exists():
            import_captions(self.shared / self.data.captioners[source], self.samples, out, source)
        return out

    def scores(self) -> Path:
        """Return the table of TMR's scores."""
        out = self.folder / "scores.parquet"
        if not out.exists():
            import_scores(self.shared / self.data.scores, self.samples, out)
        return out

    def store(self, store: Store) -> Path:
        """Return a store of words."""
        out = self.folder / "-".join(["words", *store.sources, store.vectors, store.score]).rstrip("-")
        if not (out / FEATURES_NAME).exists():
            settings = WordSettings(store.sources, store.vectors, WORDS, score=store.score)  # type: ignore[arg-type]
            scores = self.scores() if store.score else None
            make_words(
                self.samples, [self.cache(name) for name in store.sources], out, settings=settings, scores=scores
            )
        return out


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
    settings += [f"data.features={stores}", f"model.fusion.feature_dim={DIM}", *system.settings]
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
        cells = [_cell([row[key] for row in rows.values() if key in row]) for key in ("dev", "test", "shuffled")]
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
    runs = work.folder / f"runs-{arguments.subset or 'own'}-{arguments.epochs}"
    found = {
        int(path.parts[-3].removeprefix("seed-")): path for path in sorted(runs.glob(f"seed-*/{name}/captions.json"))
    }
    if not found or arguments.subset is not None:
        return
    rows = {seed: json.loads(path.read_text("utf-8")) for seed, path in found.items()}
    command = f"python -m benchmarks.captions --work FOLDER --data {arguments.data} --systems baseline,{name}"
    control = make_control("captions of other pictures", [row["shuffled"] for row in rows.values()])
    values = {seed: row["test"] for seed, row in rows.items()}
    figure = make_figure(
        work.data.title, work.data.metric, values, f"{command} --seeds {','.join(map(str, rows))}", control
    )
    others = {}
    for other in ("baseline", f"context-{next(iter(work.data.captioners))}"):
        paths = {seed: runs / f"seed-{seed}" / other / "captions.json" for seed in rows}
        others[other] = {seed: json.loads(path.read_text("utf-8")) for seed, path in paths.items() if path.exists()}
    detail = {"own": rows, **others, "epochs": arguments.epochs, "pieces": arguments.length}
    detail["words"] = [store._asdict() for store in system.stores]
    result = SystemResult(system.number, name, work.data.title, (figure,), json.loads(json.dumps(detail)))
    print(write_result(result))


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean, deviation = mean_and_deviation([100 * value for value in values])
    return f"{mean:.2f} ± {deviation:.2f}"


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
    parser.add_argument("--record", action="store_true", help="write the result files of the systems that are finished")
    return parser.parse_args()


if __name__ == "__main__":
    main()
