"""Few-shot accuracy of an expert on pairs: episodes of relations that it may never have been trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Sample
from trainer.inputs import Episode, collate, draw_episodes, name_pair, order_by_length, read_features, read_sources
from trainer.metrics import to_markdown
from trainer.model.heads import PairHead, closeness
from trainer.training import ExpertRun, SplitData, encode_split, open_expert

__all__ = ["FewShots", "few_shot_accuracy", "few_shots_to_markdown"]

_BATCH = 64
"""Samples that are encoded together, without gradients."""


@dataclass(frozen=True)
class FewShots:
    """The result for one number of shots.

    Args:
        ways: relations in an episode.
        shots: examples of each.
        accuracy: share of the questions whose relation is that of the nearest prototype, over all episodes.
        error: standard error of the mean over the episodes.
        episodes: how many were drawn.
        relations: those from which episodes were drawn.
    """

    ways: int
    shots: int
    accuracy: float
    error: float
    episodes: int
    relations: tuple[str, ...]


def few_shot_accuracy(
    folder: Path,
    source: Path,
    splits: Sequence[str] = ("test",),
    ways: int = 5,
    shots: Sequence[int] = (1, 5),
    queries: int = 5,
    episodes: int = 500,
    seed: int = 1,
) -> list[FewShots]:
    """Ask an expert for relations of which it has seen a few examples; nothing is trained.

    Each relation of an episode has a prototype, the mean of its examples' vectors; a question has the relation of the
    nearest. No pair of entities is both an example and a question. The class None is no relation, and is left out.

    Args:
        folder: the run of an expert of relations; it reads the contexts and pictures of its own settings.
        source: a folder of converted samples; their relations need not be those of the expert.
        splits: of the samples that are read, together.
        ways: relations in an episode.
        shots: examples of each; one result for each number.
        queries: questions of each.
        episodes: how many to draw.
        seed: of the draws.

    Raises:
        UsageError: the run is for another task than relations.
        InputError: too few relations have enough pairs.
    """
    run = open_expert(folder)
    if run.labels.task_name != "re":
        raise UsageError("this run is not for relations", path=folder, remedy="train one: mie-train fit small-fl-msre")
    samples = [row for split in splits for row in read_samples(source, split) if row.relation not in (None, "None")]
    if not samples:
        raise InputError("no sample with a relation", path=source, place=", ".join(splits))
    vectors = embed_pairs(run, source, samples)
    return [_accuracy(run, vectors, samples, Episode(ways, number, queries), episodes, seed) for number in shots]


def embed_pairs(run: ExpertRun, source: Path, samples: Sequence[Sample]) -> Tensor:
    """Return the vector of each sample's pair under an expert [N, D]. Its relation is not read."""
    expert, head = run.expert.eval(), run.expert.head
    assert isinstance(head, PairHead)  # the only heads of relations
    asked = [replace(row, relation=None) for row in samples]
    data = SplitData(
        read_dataset(source),
        asked,
        read_sources(run.config.data, asked),
        features=read_features(run.config.data.features, asked),
    )
    rows = encode_split(expert, run.config, data).rows
    device = next(expert.parameters()).device.type
    vectors: list[Tensor] = [torch.zeros(0)] * len(rows)
    for numbers in order_by_length([len(row.ids) for row in rows], _BATCH):
        with torch.no_grad():
            view = expert.view(collate([rows[i] for i in numbers], expert.padding, device))
            found = head.embed(view.states).cpu()
        for i, vector in zip(numbers, found, strict=True):
            vectors[i] = vector
    return torch.stack(vectors)


def _accuracy(
    run: ExpertRun, vectors: Tensor, samples: Sequence[Sample], episode: Episode, count: int, seed: int
) -> FewShots:
    classes = [str(row.relation) for row in samples]
    drawn = draw_episodes(classes, [name_pair(row) for row in samples], episode, count, f"few shots/{seed}")
    distance = getattr(run.expert.head, "distance", "squared")
    shares = [_right_share(vectors[numbers], episode, distance) for numbers in drawn]
    error = stdev(shares) / math.sqrt(count) if count > 1 else 0.0
    return FewShots(episode.ways, episode.shots, fmean(shares), error, count, tuple(sorted(set(classes))))


def _right_share(vectors: Tensor, episode: Episode, distance: str) -> float:
    """Return the share of right questions among the vectors of an episode [ways (shots + queries), D].

    >>> points = torch.tensor([[0.0], [1.0], [9.0], [3.0]])  # the question of the second class is nearer to the first
    >>> _right_share(points, Episode(2, 1, 1), "squared")
    0.5
    """
    rows = vectors.view(episode.ways, episode.shots + episode.queries, -1)
    prototypes = rows[:, : episode.shots].mean(1)  # [N, D]
    nearest = closeness(rows[:, episode.shots :].flatten(0, 1), prototypes, distance).argmax(1)
    right = torch.arange(episode.ways).repeat_interleave(episode.queries)
    return (nearest == right).float().mean().item()


def few_shots_to_markdown(rows: Sequence[FewShots]) -> str:
    """Return results as a table."""
    head = ["ways", "shots", "accuracy", "standard error", "episodes", "relations"]
    lines = [
        [row.ways, row.shots, f"{100 * row.accuracy:.2f}", f"{100 * row.error:.2f}", row.episodes, len(row.relations)]
        for row in rows
    ]
    return to_markdown(head, lines)
