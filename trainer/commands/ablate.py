"""Ablations of a trained system: contexts and pictures of other samples, fewer or none; nothing is trained."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from schemas.display import note
from schemas.errors import UsageError
from trainer.commands.predict import context_sources, reads_features
from trainer.config import RunConfig
from trainer.metrics import to_markdown
from trainer.mixture import Reader, run_system
from trainer.training import SplitData, read_split

__all__ = ["Ablation", "ablate_run", "ablations_to_markdown"]


@dataclass(frozen=True)
class Ablation:
    """The result of one ablation.

    Args:
        name: the change of the input, in words.
        f1: in [0, 1].
        contexts: mean number of contexts in the window of a sample.
    """

    name: str
    f1: float
    contexts: float


def ablate_run(
    folder: Path, split: str, ks: Sequence[int] = (0, 1, 3, 5, 10), seed: int = 1, names: Sequence[str] = ()
) -> list[Ablation]:
    """Score a system on a split with the contexts that it was trained with, and with changed ones.

    Args:
        folder: of an expert that reads contexts or pictures, or of a mixture with one.
        split: all its samples have labels.
        ks: numbers of contexts per source.
        seed: of the order in which contexts and pictures go to other samples.
        names: of the ablations to score; all by default.

    Raises:
        UsageError: the system reads neither contexts nor pictures.
    """
    sources = context_sources(folder)
    has_pictures = reads_features(folder)
    if not sources and not has_pictures:
        raise UsageError("this run reads no contexts and no pictures: there is nothing to ablate", path=folder)
    readers: dict[str, Reader] = {"as trained": lambda config: read_split(config, split)}
    if has_pictures:
        readers["pictures of other samples"] = partial(_read_others_pictures, split=split, seed=seed)
        readers["no pictures"] = partial(_read_without_pictures, split=split)
    if sources:
        readers |= _context_readers(sources, split, ks, seed)
    if names:
        readers = {name: reader for name, reader in readers.items() if name in names}
    rows = []
    for number, (name, reader) in enumerate(readers.items(), start=1):
        note(f"{number} of {len(readers)}: {name}")
        rows.append(_score(name, folder, split, reader))
    return rows


def _context_readers(sources: Sequence[str], split: str, ks: Sequence[int], seed: int) -> dict[str, Reader]:
    """Return the readers that change the contexts, by the name of the change."""
    readers: dict[str, Reader] = {f"k = {k}": partial(_read_k_contexts, split=split, k=k) for k in ks}
    readers["contexts of other samples"] = partial(_read_others_contexts, split=split, seed=seed)
    if len(sources) > 1:
        readers |= {f"without {name}": partial(_read_without_source, split=split, source=name) for name in sources}
    return readers


def ablations_to_markdown(rows: Sequence[Ablation]) -> str:
    """Return a Markdown table, F1 in per cent, with the difference to the first row.

    >>> print(ablations_to_markdown([Ablation("as trained", 0.5, 2.0), Ablation("k = 0", 0.4, 0.0)]))
    | input | F1 | difference | contexts per window |
    |---|---:|---:|---:|
    | as trained | 50.00 | +0.00 | 2.0 |
    | k = 0 | 40.00 | -10.00 | 0.0 |
    """
    cells = [
        [row.name, f"{100 * row.f1:.2f}", f"{100 * (row.f1 - rows[0].f1):+.2f}", f"{row.contexts:.1f}"] for row in rows
    ]
    return to_markdown(["input", "F1", "difference", "contexts per window"], cells)


def _score(name: str, folder: Path, split: str, reader: Reader) -> Ablation:
    output = run_system(folder, split, reader, cache=False)
    f1 = output.labels.task.score(output.samples, output.predicted, output.key).f1
    return Ablation(name, f1, sum(len(rows) for rows in output.used) / len(output.used))


def _read_k_contexts(config: RunConfig, split: str, k: int) -> SplitData:
    # the settings allow no 0: for k = 0 one context is read and then dropped
    data = read_split(replace(config, data=replace(config.data, contexts_per_source=max(k, 1))), split)
    return data if k else replace(data, contexts={sample.sample_id: [] for sample in data.samples})


def _read_others_contexts(config: RunConfig, split: str, seed: int) -> SplitData:
    """Read a split, and give each sample the contexts of its neighbour in a shuffled circle: never its own."""
    data = read_split(config, split)
    ids = [sample.sample_id for sample in data.samples]
    random.Random(seed).shuffle(ids)  # noqa: S311 - an order, not a secret
    neighbours = dict(zip(ids, ids[1:] + ids[:1], strict=True))
    return replace(data, contexts={own: data.contexts[other] for own, other in neighbours.items()})


def _read_others_pictures(config: RunConfig, split: str, seed: int) -> SplitData:
    data = read_split(config, split)
    return data if data.features is None else replace(data, features=data.features.of_others(seed))


def _read_without_pictures(config: RunConfig, split: str) -> SplitData:
    data = read_split(config, split)
    return data if data.features is None else replace(data, features=data.features.without_pictures())


def _read_without_source(config: RunConfig, split: str, source: str) -> SplitData:
    data = read_split(config, split)
    kept = {name: [c for c in rows if c.source != source] for name, rows in data.contexts.items()}
    return replace(data, contexts=kept)
