"""Prediction on new samples: raw jsonl or a converted set in, contexts from caches or from an index, rows out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.run_files import read_mixture_facts
from trainer.commands.posts import place_rows, read_posts
from trainer.commands.predictions import prediction_rows
from trainer.commands.retrieval import Retriever, Wanted
from trainer.config import DataConfig, RunConfig
from trainer.inputs import read_sources
from trainer.mixture import expert_folders, is_mixture, run_system, vector_files
from trainer.training import SplitData, read_facts, read_run_config

__all__ = ["Contexts", "predict_rows", "wanted_sources"]

Talk = Callable[[str], object]


@dataclass(frozen=True)
class Contexts:
    """Where contexts and image vectors come from.

    Args:
        caches: hold the sources which the experts read.
        index: retrieve the text and the image view from this index now; what caches hold is not retrieved.
        images: the folder of the samples' images; for jsonl, None is the file's own folder.
        vectors: a cache or Parquet of image vectors for a mixture's gate; None: those of the caches and the retrieval.
    """

    caches: tuple[Path, ...] = ()
    index: Path | None = None
    images: Path | None = None
    vectors: Path | None = None


def predict_rows(
    folder: Path,
    source: Path,
    split: str = "test",
    contexts: Contexts | None = None,
    talk: Talk = lambda _: None,
) -> list[dict[str, Any]]:
    """Predict with an expert or a mixture.

    Contexts are retrieved as in training: as many, and with the same title boost. The gate of a mixture that was fitted
    with image vectors reads those of the new images, which the retrieval makes with the index's encoder; samples
    without one are read as samples without an image, which is said, and stands in the row (`image_vector`).

    Args:
        folder: of the run.
        source: a .jsonl file of posts (`trainer.commands.posts`), or a folder of converted samples.
        split: of the folder.
        contexts: where contexts come from.
        talk: told what is lacking.

    Returns:
        rows of `prediction_rows`; for posts also their id, text, and the characters of each entity.

    Raises:
        UsageError: an expert reads contexts, and neither caches nor an index are given.
        InputError: the samples are for another task.
        IndexMismatch: the image vectors are of another encoder than the gate's.
    """
    given = contexts or Contexts()
    sources = wanted_sources(folder)
    if sources and not given.caches and given.index is None:
        raise UsageError(
            f"this run reads contexts of {', '.join(sources)}",
            path=folder,
            remedy="add --contexts CACHE (one that holds them), or --index INDEX to retrieve them now",
        )
    with tempfile.TemporaryDirectory(prefix="mie-predict-") as temporary:
        work = Path(temporary)
        posts = None
        if source.suffix == ".jsonl":
            posts = read_posts(source, work / "posts", given.images)
            _check_task(folder, posts.dataset.task, source)
            given, split = replace(given, images=posts.images), "test"
        samples = posts.folder if posts else source
        read = _reader(folder, samples, split, given, work, talk, is_raw=posts is not None)
        rows = prediction_rows(run_system(folder, split, read, cache=False))
    lacking = sum(row["image"] is not None and not row.get("image_vector", True) for row in rows)
    if lacking:
        talk(f"{lacking} samples with an image have no image vector: the gate reads them as samples without an image")
    return place_rows(rows, posts.rows) if posts else rows


def wanted_sources(folder: Path) -> tuple[str, ...]:
    """Name the sources of contexts that a run reads, of all its experts."""
    return tuple(dict.fromkeys(name for path in _experts(folder) for name in read_run_config(path).data.sources))


def _experts(folder: Path) -> list[Path]:
    return expert_folders(folder, read_mixture_facts(folder)) if is_mixture(folder) else [folder]


def _reader(
    folder: Path, samples: Path, split: str, given: Contexts, work: Path, talk: Talk, *, is_raw: bool
) -> Callable[[RunConfig], SplitData]:
    """Have the contexts of each expert and the vectors of the gate retrieved, and give what reads them."""
    experts = {read_run_config(path): read_facts(path).get("contexts", {}) for path in _experts(folder)}
    mixture = read_mixture_facts(folder) if is_mixture(folder) else None
    wants_vectors = mixture is not None and bool(mixture.image_vectors) and given.vectors is None
    caches = {config: list(given.caches) for config in experts}
    if given.index is not None:
        k = max(config.data.contexts_per_source for config in experts)
        wanted = Wanted(wanted_sources(folder), k, wants_vectors)
        retriever = Retriever(given.index, samples, split, given.images, wanted, given.caches, work, talk)
        asking = [config for config in experts if config.data.sources] or list(experts)[:1]
        for config in asking:
            caches[config] += retriever.retrieve(experts[config])
    files: tuple[Path, ...] = () if given.vectors is None else (given.vectors,)
    if mixture is not None and wants_vectors:
        own = None if is_raw else Path(mixture.image_vectors)  # a post's image may have the name of one of the training
        files = vector_files((path for paths in caches.values() for path in paths), own, mixture.image_encoder)
    return lambda config: replace(_read(config, samples, split, caches[config]), image_vectors=files)


def _read(config: RunConfig, samples: Path, split: str, caches: Sequence[Path]) -> SplitData:
    data = DataConfig(
        samples=str(samples),
        contexts=tuple(map(str, caches)),
        sources=config.data.sources,
        contexts_per_source=config.data.contexts_per_source,
    )
    rows = read_samples(samples, split)
    dataset = read_dataset(samples)
    if all(row.tags is None and row.relation is None for row in rows):
        dataset = replace(dataset, labels=())
    return SplitData(dataset, rows, read_sources(data, rows))


def _check_task(folder: Path, task: str, source: Path) -> None:
    """Refuse posts of another task before anything is retrieved for them."""
    own = read_facts(_experts(folder)[0]).get("task", task)
    if task != own:
        wanted = "head and tail of each sample" if own == "re" else "samples without head and tail"
        raise InputError(f"this run is for {own}, it wants {wanted}", path=source)
