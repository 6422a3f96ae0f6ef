"""The mentions of a batch: which tokens of which sample, of which type, and what is known about their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from schemas.records import Entity

__all__ = ["Mentions", "gather_mentions", "gold_boxes"]


class Mentions(NamedTuple):
    """N mentions of a batch.

    Args:
        samples: the number of the sample of each [N] int64.
        inside: which positions of the sample are its tokens [N, P] bool.
        types: the number of its type [N] int64.
        entities: themselves.
    """

    samples: Tensor
    inside: Tensor
    types: Tensor
    entities: tuple[Entity, ...]

    def mean(self, states: Tensor) -> Tensor:
        """Return the mean of the states [B, P, H] of each mention's tokens [N, H]."""
        weights = self.inside.to(states.dtype)
        own = torch.einsum("np,nph->nh", weights, states[self.samples])
        return own / weights.sum(1, keepdim=True)


def gather_mentions(rows: Sequence[Sequence[Entity]], types: Sequence[str], mask: Tensor) -> Mentions:
    """Return the entities of samples as mentions; one that begins beyond the window is left out.

    Args:
        rows: entities of each of B samples.
        types: all types, in the order of their numbers; an entity of another is left out.
        mask: which positions of the window are there [B, P] bool.
    """
    lengths = mask.sum(1).tolist()
    numbers = {name: number for number, name in enumerate(types)}
    found = [
        (sample, entity)
        for sample, entities in enumerate(rows)
        for entity in entities
        if entity.start < lengths[sample] and entity.type in numbers
    ]
    samples = torch.tensor([sample for sample, _ in found], dtype=torch.long, device=mask.device)
    starts, ends = (
        torch.tensor([getattr(entity, name) for _, entity in found], dtype=torch.long, device=mask.device)
        for name in ("start", "end")
    )
    places = torch.arange(mask.shape[1], device=mask.device)[None, :]
    inside = (places >= starts[:, None]) & (places < ends[:, None]) & mask[samples]
    kinds = torch.tensor([numbers[entity.type] for _, entity in found], dtype=torch.long, device=mask.device)
    return Mentions(samples, inside, kinds, tuple(entity for _, entity in found))


def gold_boxes(entities: Sequence[Entity], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the gold boxes of N mentions [N, G, 4] float64, and which there are [N, G] bool."""
    most = max((len(entity.boxes) for entity in entities), default=0)
    boxes = torch.zeros(len(entities), most, 4, dtype=torch.float64)
    there = torch.zeros(len(entities), most, dtype=torch.bool)
    for number, entity in enumerate(entities):
        for place, box in enumerate(entity.boxes):
            boxes[number, place], there[number, place] = torch.tensor(box, dtype=torch.float64), True
    return boxes.to(device), there.to(device)
