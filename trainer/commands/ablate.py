"""Ablations of a trained system: fewer contexts, those of another sample, one source off. Nothing is trained again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from schemas.display import note
from schemas.errors import UsageError
from trainer.commands.predict import wanted_sources
from trainer.config import RunConfig
from trainer.metrics import to_markdown
from trainer.mixture import Reader, run_system
from trainer.training import SplitData, read_split, score_labels

__all__ = ["Ablation", "ablate_run", "ablations_to_markdown"]


@dataclass(frozen=True)
class Ablation:
    """F1 of a system under a changed input, and the mean number of contexts in a window."""

    name: str
    f1: float
    contexts: float


def ablate_run(folder: Path, split: str, ks: Sequence[int] = (0, 1, 3, 5, 10), seed: int = 1) -> list[Ablation]:
    """Score a system on a labelled split with its contexts as they are, and changed.

    Args:
        folder: an expert that reads contexts, or a mixture with one.
        split: labelled.
        ks: contexts per source to try.
        seed: of the shuffling.

    Raises:
        UsageError: the system reads no contexts.
    """
    sources = wanted_sources(folder)
    if not sources:
        raise UsageError("this run reads no contexts: there is nothing to ablate", path=folder)
    readers: dict[str, Reader] = {"as trained": lambda config: read_split(config, split)}
    readers |= {f"k = {k}": partial(_limited, split=split, k=k) for k in ks}
    readers["contexts of other samples"] = partial(_shuffled, split=split, seed=seed)
    if len(sources) > 1:
        readers |= {f"without {name}": partial(_without, split=split, source=name) for name in sources}
    rows = []
    for number, (name, reader) in enumerate(readers.items(), start=1):
        note(f"{number} of {len(readers)}: {name}")
        rows.append(_score(name, folder, split, reader))
    return rows


def ablations_to_markdown(rows: Sequence[Ablation]) -> str:
    """Return a table, F1 in per cent, with the difference to the first row.

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
    f1 = score_labels(output.labels, output.samples, output.predicted).f1
    return Ablation(name, f1, sum(len(rows) for rows in output.used) / len(output.used))


def _limited(config: RunConfig, split: str, k: int) -> SplitData:
    data = read_split(replace(config, data=replace(config.data, contexts_per_source=max(k, 1))), split)
    return data if k else replace(data, contexts={sample.sample_id: [] for sample in data.samples})


def _shuffled(config: RunConfig, split: str, seed: int) -> SplitData:
    """Return each sample the contexts of another one: the order is turned by one after it is shuffled."""
    data = read_split(config, split)
    ids = [sample.sample_id for sample in data.samples]
    random.Random(seed).shuffle(ids)  # noqa: S311 - an order, no secret
    others = dict(zip(ids, ids[1:] + ids[:1], strict=True))
    return replace(data, contexts={mine: data.contexts[other] for mine, other in others.items()})


def _without(config: RunConfig, split: str, source: str) -> SplitData:
    data = read_split(config, split)
    kept = {name: [c for c in rows if c.source != source] for name, rows in data.contexts.items()}
    return replace(data, contexts=kept)
