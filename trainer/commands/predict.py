"""Prediction on new samples: posts or a converted set, with contexts from caches or from an index, to rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.run_files import read_mixture_facts
from trainer.commands.grounding_files import ground_output
from trainer.commands.new_features import FeatureMaker
from trainer.commands.posts import add_empty_rows, add_post_fields, read_posts
from trainer.commands.prediction_files import to_prediction_rows
from trainer.commands.reranking import apply_decisions, read_decisions
from trainer.commands.retrieval import ContextNeeds, Retriever, SampleSplit
from trainer.config import DataConfig, RunConfig
from trainer.inputs import read_features, read_sources
from trainer.mixture import expert_folders, is_mixture, run_system, vector_files
from trainer.model import read_expert_facts
from trainer.training import SplitData, Talk, read_facts, read_run_config

__all__ = ["PredictInputs", "context_sources", "predict_rows", "reads_features"]


@dataclass(frozen=True)
class PredictInputs:
    """Where contexts, images and image vectors come from.

    Args:
        caches: context caches; together they have the sources that the experts read.
        index: an index from which the text and the image source are retrieved now, where no cache has them.
        images: the folder of the samples' images; None is the folder of the .jsonl file, or no images for a set.
        image_vectors: a cache or a Parquet file of image vectors for the gate of a mixture; None takes those of the
            caches and of the retrieval.
        features: feature stores of the samples; those that an expert reads and that are not here are made from images.
        regions: files of boxes for these.
        rerank: a file of decisions on fine types (`trainer.commands.reranking`).
        grounding: files of decisions (`read_grounding`) that say where the picture shows a mention, the first first.
    """

    caches: tuple[Path, ...] = ()
    index: Path | None = None
    images: Path | None = None
    image_vectors: Path | None = None
    features: tuple[Path, ...] = ()
    regions: tuple[Path, ...] = ()
    rerank: Path | None = None
    grounding: tuple[Path, ...] = ()


def predict_rows(
    folder: Path,
    source: Path,
    split: str = "test",
    inputs: PredictInputs | None = None,
    talk: Talk = lambda _: None,
) -> list[dict[str, Any]]:
    """Predict with an expert or a mixture.

    Contexts are retrieved as they were for the training: as many, and with the same title boost. Where the gate of a
    mixture was fitted with image vectors, the retrieval makes those of the new images with the encoder of the index. A
    sample without an image vector is read as a sample without an image: `image_vector` is false in its row, and the
    number of such samples goes to `talk`. So does that of the samples that were cut, because the window was full.

    Args:
        folder: of the run.
        source: a .jsonl file of posts (`trainer.commands.posts`), or a folder of converted samples.
        split: of that folder.
        inputs: where contexts, images and image vectors come from.
        talk: called with a line about each thing that is missing.

    Returns:
        rows of `to_prediction_rows`; for posts also their id, their text, and the characters of each entity. A post
        without words has an empty answer.

    Raises:
        UsageError: an expert reads contexts, and there is neither a cache nor an index.
        InputError: the samples are for another task, or a decision on a fine type cannot be read.
        IndexMismatch: the image vectors were made by another encoder than those of the gate.
    """
    inputs = inputs or PredictInputs()
    fine = _fine_types(folder) if inputs.rerank is not None else {}
    decisions = read_decisions(inputs.rerank, fine) if inputs.rerank is not None else []
    sources = context_sources(folder)
    if sources and not inputs.caches and inputs.index is None:
        raise UsageError(
            f"this run reads contexts of {', '.join(sources)}",
            path=folder,
            remedy="add --contexts CACHE (one that holds them), or --index INDEX to retrieve them now",
        )
    with tempfile.TemporaryDirectory(prefix="mie-predict-") as temporary:
        work = Path(temporary)
        posts = read_posts(source, work / "posts", inputs.images) if source.suffix == ".jsonl" else None
        if posts is None:
            samples = SampleSplit(source, split, inputs.images)
        else:
            if posts.dataset is not None:
                _check_task(folder, posts.dataset.task, source)
            samples = SampleSplit(posts.folder, "test", posts.images)
        rows = []
        if posts is None or posts.dataset is not None:
            read = _make_reader(folder, samples, inputs, work, talk, is_raw=posts is not None)
            output = run_system(folder, samples.split, read, cache=False)
            if inputs.grounding:
                output, counts = ground_output(output, inputs.grounding)
                talk("grounding: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()))
            rows = to_prediction_rows(output)
    rows, lost = apply_decisions(rows, decisions, fine)
    if lost:
        talk(f"{lost} of {len(decisions)} decisions on fine types are about no predicted entity")
    _tell_losses(rows, talk)
    if posts is None:
        return rows
    empty = sum(post.is_empty for post in posts.posts)
    if empty:
        talk(f"posts without words: {empty}; their answers are empty")
    return add_post_fields(add_empty_rows(rows, posts.posts, _task_of(folder)), posts.posts)


def _tell_losses(rows: Sequence[dict[str, Any]], talk: Talk) -> None:
    """Say which samples were not read as a whole: their image has no vector, or their end no room in the window."""
    missing = sum(row["image"] is not None and not row.get("image_vector", True) for row in rows)
    if missing:
        talk(f"{missing} samples with an image have no image vector: the gate reads them as samples without an image")
    cut = [row["cut_tokens"] for row in rows if "cut_tokens" in row]
    if cut:
        talk(f"samples longer than the window: {len(cut)}, with {sum(cut)} tokens that were not read (cut_tokens)")


def context_sources(folder: Path) -> tuple[str, ...]:
    """Return the names of all sources of contexts that the experts of a run read."""
    names = (name for path in _find_experts(folder) for name in read_run_config(path).data.sources)
    return tuple(dict.fromkeys(names))


def reads_features(folder: Path) -> bool:
    """Return whether an expert of a run reads features of pictures."""
    return any(read_run_config(path).data.features for path in _find_experts(folder))


def _find_experts(folder: Path) -> list[Path]:
    return expert_folders(folder, read_mixture_facts(folder)) if is_mixture(folder) else [folder]


def _make_reader(
    folder: Path, samples: SampleSplit, inputs: PredictInputs, work: Path, talk: Talk, *, is_raw: bool
) -> Callable[[RunConfig], SplitData]:
    """Retrieve what the experts and the gate read, and return the function that reads it for one expert."""
    experts = {read_run_config(path): read_facts(path).get("contexts", {}) for path in _find_experts(folder)}
    mixture = read_mixture_facts(folder) if is_mixture(folder) else None
    needs_vectors = mixture is not None and bool(mixture.image_vectors) and inputs.image_vectors is None
    caches = {config: list(inputs.caches) for config in experts}
    if inputs.index is not None:
        k = max(config.data.contexts_per_source for config in experts)
        needs = ContextNeeds(context_sources(folder), k, needs_vectors, inputs.caches)
        retriever = Retriever(inputs.index, samples, needs, work, talk)
        # where no expert reads contexts, the gate may still need the vectors: one retrieval, under the first expert
        readers = [config for config in experts if config.data.sources] or list(experts)[:1]
        for config in readers:
            caches[config] += retriever.retrieve(experts[config])
    files: tuple[Path, ...] = () if inputs.image_vectors is None else (inputs.image_vectors,)
    if mixture is not None and needs_vectors:
        # the image of a post may have the name of an image of the training: its vectors would be those of another
        trained = None if is_raw else Path(mixture.image_vectors)
        all_caches = (cache for config in experts for cache in caches[config])
        files = vector_files(all_caches, trained, mixture.image_encoder)
    maker = FeatureMaker(samples, inputs.features, inputs.regions, work, talk)
    stores = {path: maker.stores(read_facts(path).get("features", [])) for path in _find_experts(folder)}
    by_config = {read_run_config(path): folders for path, folders in stores.items()}
    task = _task_of(folder)
    return lambda config: replace(
        _read_split(config, samples, caches[config], by_config[config], task), image_vectors=files
    )


def _read_split(
    config: RunConfig, samples: SampleSplit, caches: Sequence[Path], stores: Sequence[str], task: str
) -> SplitData:
    data = DataConfig(
        samples=str(samples.folder),
        contexts=tuple(map(str, caches)),
        sources=config.data.sources,
        contexts_per_source=config.data.contexts_per_source,
    )
    rows = read_samples(samples.folder, samples.split)
    dataset = read_dataset(samples.folder)
    if all(row.tags is None and row.relation is None and row.entities is None for row in rows):
        dataset = replace(dataset, labels=(), task="joint" if _suits(dataset.task, task) else dataset.task)
    return SplitData(dataset, rows, read_sources(data, rows), features=read_features(stores, rows))


def _fine_types(folder: Path) -> dict[str, str]:
    """Return the fine types of a run, each with its type."""
    labels = read_expert_facts(_find_experts(folder)[0] / "best").labels
    return dict(zip(labels.fine, labels.parents, strict=False))


def _task_of(folder: Path, default: str = "ner") -> str:
    """Return the task of a run; the default for a run that does not say."""
    return str(read_facts(_find_experts(folder)[0]).get("task", default))


def _check_task(folder: Path, task: str, source: Path) -> None:
    """Refuse posts of another task before anything is retrieved for them."""
    own = _task_of(folder, task)
    if task != own and not _suits(task, own):
        expected = "head and tail of each sample" if own == "re" else "samples without head and tail"
        raise InputError(f"this run is for {own}, it needs {expected}", path=source)


def _suits(task: str, own: str) -> bool:
    """Return whether posts are read as those of plain text, which a run for records can answer as well."""
    return task == "ner" and own == "joint"
