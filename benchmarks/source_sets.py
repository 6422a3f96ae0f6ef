"""The data sets of `benchmarks.sources`: samples, caches of contexts, and the experts that are trained on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.contexts import import_captions, import_columns
from indexer.corpus import make_lexicon, make_topics
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME, read_dataset, read_samples, write_dataset
from schemas.records import Sample
from schemas.text_files import TextFile, find_split_files
from trainer.data import convert_files

__all__ = ["SETS", "SPANS", "Row", "SourceSet"]


@dataclass(frozen=True)
class Row:
    """An expert of the table.

    Args:
        preset: its settings.
        sources: of contexts; "" leaves those of the preset.
        settings: further key=value.
        number: of the system whose figure it is; 0 for none.
        system: its short name.
        control: the expert to compare with.
        teacher: the expert whose posteriors it learns from.
        samples: the folder of them, beside the caches.
    """

    preset: str
    sources: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    number: int = 0
    system: str = ""
    control: str = "baseline"
    teacher: str = ""
    samples: str = "samples"


@dataclass(frozen=True)
class SourceSet:
    """A data set.

    Args:
        title: for tables.
        metric: of its F1.
        make: writes samples and caches into a folder, and returns the caches by source.
        rows: the experts by name, the baseline first.
        subset: training samples, where no other number is asked for.
        mixtures: experts to mix; between two, samples are routed by reward.
        length: of a window, in pieces, where no other is asked for.
    """

    title: str
    metric: str
    make: Callable[[Path, Path], dict[str, Path]]
    rows: dict[str, Row]
    subset: int
    mixtures: tuple[tuple[str, ...], ...] = ()
    length: int = 96


def _convert(shared: Path, work: Path, name: str, format_: str | None = None) -> Path:
    samples = work / "samples"
    if not (samples / DATASET_NAME).exists():
        convert_files(find_split_files(shared), samples, name=name, format=format_)
    return samples


def _make_twitter(shared: Path, work: Path) -> dict[str, Path]:
    samples = _convert(shared / "twitter2015", work, "twitter2015")
    caches = {name: work / name for name in ("pgim", "caption")}
    if not (caches["pgim"] / CACHE_NAME).exists():
        import_columns(shared / "contexts" / "pgim_twitter2015.zip", samples, caches["pgim"], "pgim")
    if not (caches["caption"] / CACHE_NAME).exists():
        import_captions(shared / "captions" / "blip2_twitter2015.txt", samples, caches["caption"], "caption")
    return caches


def _make_gmner(shared: Path, work: Path) -> dict[str, Path]:
    samples, cache = work / "samples", work / "riveg"
    if not (samples / DATASET_NAME).exists():  # beside the files of today's version lie those of the first
        files = {split: TextFile(shared / "gmner" / f"{split}.txt") for split in ("train", "dev", "test")}
        convert_files(files, samples, name="gmner")
    if not (cache / CACHE_NAME).exists():
        archive = shared / "riveg" / "Twitter10000_noaugment.zip"
        import_columns(archive, samples, cache, "riveg", allow_unmatched=True)
    return {"riveg": cache}


def _make_mnre(shared: Path, work: Path) -> dict[str, Path]:
    samples = _convert(shared / "mnre", work, "mnre2")
    caches = {name: work / name for name in ("topics", *CAPTIONERS)}
    if not (caches["topics"] / CACHE_NAME).exists():
        make_topics(samples, caches["topics"])
    for name in CAPTIONERS:
        if not (caches[name] / CACHE_NAME).exists():
            import_captions(shared / "mnre_captions" / f"{name}.zip", samples, caches[name], name)
    _hide_order(samples, work / IN_ORDER)
    return caches


def _hide_order(samples: Path, out: Path) -> None:
    """Write the samples with the entity that comes first as head, so that the order says nothing of the relation."""
    if (out / DATASET_NAME).exists():
        return
    dataset = read_dataset(samples)
    splits = {split: [_turn(sample) for sample in read_samples(samples, split)] for split in dataset.splits}
    write_dataset(
        out,
        splits,
        name=f"{dataset.name}-in-order",
        task=dataset.task,
        labels=dataset.labels,
        inputs=dataset.inputs,
        counters=dataset.counters,
    )


def _turn(sample: Sample) -> Sample:
    assert sample.head is not None and sample.tail is not None
    head, tail = sorted((sample.head, sample.tail))
    return replace(sample, head=head, tail=tail)


def _make_cmner(shared: Path, work: Path) -> dict[str, Path]:
    samples = _convert(shared / "cmner" / "cmner.zip", work, "cmner", "cmner")
    cache = work / "lexicon"
    if not (cache / CACHE_NAME).exists():
        make_lexicon(samples, cache)
    return {"lexicon": cache}


SPANS = "spans"
"""The source of looked-up spans, of the second pass."""
IN_ORDER = "samples-in-order"
CAPTIONERS = ("BLIP", "instruct", "llavanext", "caption", "cogvlm", "minicpm")
"""The six of MNRE's pictures."""
TRUST = ('model.objectives=[{kind="self_distil",weight=0.5}]',)
"""SCANNER's trust in labels, without its contexts."""
TWITTER = {
    "baseline": Row("small-baseline"),
    "caption": Row("small-caption"),
    "pgim": Row("small-pgim"),
    "both": Row("small-pgim", ("pgim", "caption")),
    "cot-mie": Row("small-cot-mie", number=16, system="cot-mie"),
    "clner-kl": Row("small-clner", ("pgim",), number=37, system="clner"),
    "clner-l2": Row("small-clner-l2", ("pgim",)),
    "shap-ca": Row("small-shap-ca", number=31, system="shap-ca"),
    "trust": Row("small-scanner", ("pgim",), number=24, system="scanner", teacher="pgim"),
    "second pass": Row("small-pgim", (SPANS,)),
}
SETS = {
    "twitter2015": SourceSet(
        "Twitter-2015", "entity F1, default convention", _make_twitter, TWITTER, 1000, (("baseline", "pgim"),)
    ),
    "gmner": SourceSet(
        "GMNER, text alone",
        "entity F1, default convention",
        _make_gmner,
        {
            "baseline": Row("small-baseline"),
            "riveg": Row("small-riveg", number=23, system="riveg"),
            "second pass": Row("small-pgim", (SPANS,)),
        },
        2000,
    ),
    "mnre": SourceSet(
        "MNRE-2",
        "micro F1 without None",
        _make_mnre,
        {
            "baseline": Row("small-mnre-baseline"),
            **{name: Row("small-mnre-text", (name,)) for name in CAPTIONERS},
            "ise": Row("small-ise", number=34, system="ise"),
            "trust": Row("small-mnre-baseline", settings=TRUST, teacher="baseline"),
            "order hidden": Row("small-mnre-baseline", control="", samples=IN_ORDER),
        },
        3000,
        (("baseline", "BLIP"), CAPTIONERS),
    ),
    "cmner": SourceSet(
        "CMNER, in place of the authors' set",
        "entity F1, default convention",
        _make_cmner,
        {
            "baseline": Row("small-baseline"),
            "wukong-cmner": Row("small-wukong-cmner", number=15, system="wukong-cmner"),
        },
        2000,
        length=192,  # characters, not words: with 96 half of the prompts find no room
    ),
}
