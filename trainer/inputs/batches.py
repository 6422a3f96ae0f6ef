"""Batches: which samples stand together in which order, and their tensors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.inputs.examples import Example

__all__ = ["Batch", "collate", "order_by_length", "order_for_training"]

_POOL_BATCHES = 50
"""Samples of this many batches are sorted by length together: enough to save padding, and the order stays random."""


@dataclass(frozen=True)
class Batch:
    """Tensors of B examples, padded to the right. L pieces, P states, on one device.

    Args:
        ids, attention: window [B, L] int64, bool.
        plain_ids, plain_attention: window without contexts [B, L'].
        positions: of the states read by the head [B, P] int64; mask [B, P] bool.
        targets: numbers of labels: [B, P] for tags, [B, 1] for relations; None where an example has none.
    """

    ids: Tensor
    attention: Tensor
    plain_ids: Tensor
    plain_attention: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor | None

    @property
    def pieces(self) -> int:
        """How many pieces it holds, without padding."""
        return int(self.attention.sum())


def order_for_training(lengths: Sequence[int], batch: int, seed: int, epoch: int, bucket: bool) -> list[list[int]]:
    """Part sample numbers into batches: a function of seed and epoch alone, so that a resumed run sees the same.

    Args:
        lengths: pieces per example [N].
        batch: examples per batch.
        seed: of the run.
        epoch: from 0; with the seed it settles the order.
        bucket: put examples of like length together (within pools of 50 batches).

    >>> sorted(sum(order_for_training([3, 1, 2, 9], 2, seed=1, epoch=0, bucket=True), []))
    [0, 1, 2, 3]
    """
    generator = random.Random(f"{seed}/{epoch}")  # noqa: S311 - an order, no secret
    numbers = list(range(len(lengths)))
    generator.shuffle(numbers)
    batches: list[list[int]] = []
    pool = batch * _POOL_BATCHES if bucket else max(1, len(numbers))
    for start in range(0, len(numbers), pool):
        part = numbers[start : start + pool]
        if bucket:
            part.sort(key=lambda number: lengths[number])
        batches += [part[i : i + batch] for i in range(0, len(part), batch)]
    if bucket:
        generator.shuffle(batches)
    return batches


def order_by_length(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Part sample numbers into batches of like length, longest first (so that too little memory shows at once)."""
    numbers = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    return [numbers[i : i + batch] for i in range(0, len(numbers), batch)]


def collate(examples: Sequence[Example], padding: int, device: str = "cpu", has_plain: bool = False) -> Batch:
    """Put examples into tensors.

    Args:
        examples: B of them.
        padding: id of the padding piece.
        device: where to.
        has_plain: make the second view too (else it is the first).
    """
    ids, attention = _pad([example.ids for example in examples], padding)
    plain_ids, plain_attention = ids, attention
    if has_plain:
        plain_ids, plain_attention = _pad([example.plain_ids for example in examples], padding)
    positions, mask = _pad([example.positions for example in examples], 0)
    rows = [example.targets for example in examples]
    labelled = [row for row in rows if row is not None]
    targets = _pad(labelled, 0)[0].to(device) if len(labelled) == len(rows) else None
    return Batch(
        ids.to(device),
        attention.to(device),
        plain_ids.to(device),
        plain_attention.to(device),
        positions.to(device),
        mask.to(device),
        targets,
    )


def _pad(rows: Sequence[Sequence[int]], value: int) -> tuple[Tensor, Tensor]:
    longest = max(len(row) for row in rows)
    padded = torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows], dtype=torch.long)
    lengths = torch.tensor([len(row) for row in rows])
    return padded, torch.arange(longest)[None, :] < lengths[:, None]
