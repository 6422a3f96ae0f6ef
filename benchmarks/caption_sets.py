"""The two sets of captions.py: their captions, the stores of words made of them, and the systems that read these."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from indexer.contexts import import_captions
from indexer.features import WordSettings, import_scores, make_words
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.feature_store import FEATURES_NAME
from schemas.text_files import find_split_files
from trainer.data import convert_files

__all__ = ["DIM", "SETS", "DataSet", "Store", "VisualSystem", "Work", "visual_systems"]

DIM = 384
"""Components of a word: MiniLM's."""
WORDS = 16
CAPTIONERS = ("BLIP", "instruct", "llavanext", "caption", "cogvlm", "minicpm")
"""The six of MNRE's pictures, those with short captions first."""


@dataclass(frozen=True)
class DataSet:
    """A set with captions of its pictures.

    Args:
        title: with what a run is trained on.
        metric: of its F1.
        name: of the known set.
        files: of its samples, in the folder of shared data.
        captioners: files of captions by source, the first is what one captioner means.
        scores: zip of TMR's scores; strong, weak: their names there.
        subset: training samples.
        context: preset of plain contexts.
        visual_rate: of the parts that read the words. One label a sample steers less than one label a piece: at the
            presets' 1e-3 MKGformer and VisualPT-MoE learn nothing of relations.
    """

    title: str
    metric: str
    name: str
    files: str
    captioners: Mapping[str, str]
    scores: str
    strong: str
    weak: str
    subset: int
    context: str
    visual_rate: str


SETS = {
    "t15": DataSet(
        "Twitter-2015, 1,000 tweets", "entity F1, default convention", "twitter2015", "twitter2015",
        {"blip2": "captions/blip2_twitter2015.txt"},
        "tmr/twitter2015.zip", "ner_weight_strong", "ner_weight_weak", 1000, "small-caption", "1e-3",
    ),
    "mnre": DataSet(
        "MNRE-2, 3,000 relations", "micro F1 without None", "mnre2", "mnre",
        {name: f"mnre_captions/{name}.zip" for name in CAPTIONERS},
        "tmr/mnre.zip", "weight_strong", "weight_weak", 3000, "small-mnre-text", "1e-4",
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
    # As published, MEGA's objects choose where to look and are not read, and half of what they see is dropped.
    mega = ("model.fusion.dropout=0.1", "model.fusion.reads_objects=true") if data.files == "mnre" else ()
    systems = {
        "hvpnet": VisualSystem(3, "small-hvpnet", one),
        "mkgformer": VisualSystem(4, "small-mkgformer", one),
        "mega": VisualSystem(5, "small-mega", one, mega),
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
            convert_files(find_split_files(self.shared / self.data.files), self.samples, name=self.data.name)

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
