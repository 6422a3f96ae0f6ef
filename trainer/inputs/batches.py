"""Batches: which samples go together, in which order, and their tensors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from schemas.dataset import NO_RELATION
from schemas.records import Box, Relation, Sample
from trainer.inputs.examples import Example
from trainer.inputs.features import Features, stack_features

__all__ = ["Batch", "Earlier", "collate", "given_pairs", "mask_pieces", "order_by_length", "order_for_training"]

_POOL_BATCHES = 50
"""Samples of this many batches are sorted by length together: enough to save padding, and the order stays random."""


class Earlier(NamedTuple):
    """The steps before those of a batch, in their groups, as a fusion may look at them.

    Args:
        ids: windows without contexts [B, L''].
        attention: which pieces are there [B, L''] bool; none of a sample without an earlier step.
        features: of their pictures, absent where there is no earlier step; None for a run without pictures.
    """

    ids: Tensor
    attention: Tensor
    features: Features | None


def given_pairs(sample: Sample) -> tuple[Relation, ...] | None:
    """Return the pairs of a sample that are asked for, without their names; None where it does not give them.

    An object of the picture is given, as in MORE: no system finds its box. Relations of spans alone are to be found.

    >>> sample = Sample("a", ("Ann",), relations=(Relation((0, 1), Box(0, 0, 1, 1), "parent"),))
    >>> given_pairs(sample)[0].type
    'None'
    """
    rows = [row for row in sample.relations or () if isinstance(row.head, Box) or isinstance(row.tail, Box)]
    return tuple(row._replace(type=NO_RELATION) for row in rows) or None


@dataclass(frozen=True)
class Batch:
    """Tensors of B examples, padded to the right. L pieces, P states, on one device.

    Args:
        ids, attention: window [B, L] int64, bool.
        plain_ids, plain_attention: window without contexts [B, L'].
        positions: of the states that the head reads [B, P] int64; mask [B, P] bool.
        targets: right classes of the head's states [B, S]; None where an example has no labels.
        features: of the samples' pictures; None for a run without pictures.
        samples: themselves; () where nobody gave them.
        earlier: the steps before them; None where no sample of the batch has one.
        has_contexts: which windows hold a context [B] bool.
        context_ids, context_attention: the contexts alone [B, L"]; None where no objective reads them.
        teacher: log posteriors of another expert [B, S, K]; None without a teacher.
    """

    ids: Tensor
    attention: Tensor
    plain_ids: Tensor
    plain_attention: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor | None
    features: Features | None = None
    samples: tuple[Sample, ...] = ()
    earlier: Earlier | None = None
    has_contexts: Tensor | None = None
    context_ids: Tensor | None = None
    context_attention: Tensor | None = None
    teacher: Tensor | None = None

    @property
    def unlabelled(self) -> tuple[Sample, ...]:
        """The samples without anything that a system should predict: what a head may see when it predicts.

        Which objects of the picture are asked for is given: such relations keep their ends, and lose their name.
        """
        return tuple(
            replace(sample, tags=None, relation=None, entities=None, relations=given_pairs(sample))
            for sample in self.samples
        )

    @property
    def pieces(self) -> int:
        """The number of pieces, without padding."""
        return int(self.attention.sum())


def order_for_training(lengths: Sequence[int], batch: int, seed: int, epoch: int, bucket: bool) -> list[list[int]]:
    """Divide sample numbers into batches: a function of seed and epoch alone, so that a resumed run sees the same ones.

    Args:
        lengths: pieces per example [N].
        batch: examples per batch.
        seed: of the run.
        epoch: from 0.
        bucket: put examples of similar length together (within pools of 50 batches).

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
    """Divide sample numbers into batches of similar length, longest first: too little memory then shows at once."""
    numbers = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    return [numbers[i : i + batch] for i in range(0, len(numbers), batch)]


def collate(
    examples: Sequence[Example],
    padding: int,
    device: str = "cpu",
    has_plain: bool = False,
    has_contexts_alone: bool = False,
) -> Batch:
    """Return examples as tensors.

    Args:
        examples: B of them.
        padding: id of the padding piece.
        device: of the tensors.
        has_plain: make the view without contexts too; else it is the first view.
        has_contexts_alone: make the view of the contexts too.
    """
    ids, attention = _pad([example.ids for example in examples], padding)
    plain_ids, plain_attention = ids, attention
    if has_plain:
        plain_ids, plain_attention = _pad([example.plain_ids for example in examples], padding)
    positions, mask = _pad([example.positions for example in examples], 0)
    rows = [example.targets for example in examples]
    labelled = [row for row in rows if row is not None]
    targets = _pad(labelled, 0)[0].to(device) if len(labelled) == len(rows) else None
    features = stack_features([example.features for example in examples])
    alone = _pad([example.context_ids for example in examples], padding) if has_contexts_alone else (None, None)
    context_ids, context_attention = (None if part is None else part.to(device) for part in alone)
    return Batch(
        ids.to(device),
        attention.to(device),
        plain_ids.to(device),
        plain_attention.to(device),
        positions.to(device),
        mask.to(device),
        targets,
        None if features is None else features.to(device),
        tuple(example.sample for example in examples if example.sample is not None),
        _collate_earlier(examples, padding, device),
        torch.tensor([bool(example.used) for example in examples], device=device),
        context_ids,
        context_attention,
        _stack_teachers([example.teacher for example in examples], device),
    )


def mask_pieces(batch: Batch, share: float, mask: int, kept: Sequence[int]) -> Batch:
    """Return a batch in which pieces, drawn at random, are replaced by the mask piece, in both views.

    A small set is learned by heart, name by name; a text with gaps makes the rest of it count.

    Args:
        batch: of training.
        share: probability that a piece is replaced.
        mask: id of the mask piece.
        kept: ids of the pieces that are never replaced: those that bound the text or mark a pair, and padding.
    """
    never = torch.tensor(list(kept), device=batch.ids.device)

    def replaced(ids: Tensor) -> Tensor:
        drawn = torch.rand(ids.shape, device=ids.device) < share
        return ids.masked_fill(drawn & ~torch.isin(ids, never), mask)

    ids = replaced(batch.ids)
    has_plain = batch.plain_ids is not batch.ids
    return replace(batch, ids=ids, plain_ids=replaced(batch.plain_ids) if has_plain else ids)


def _collate_earlier(examples: Sequence[Example], padding: int, device: str) -> Earlier | None:
    there = torch.tensor([example.earlier is not None for example in examples])
    if not bool(there.any()):
        return None
    # a sample without an earlier step stands in for it itself, and is masked whole
    rows = [example.earlier or example for example in examples]
    ids, attention = _pad([row.plain_ids for row in rows], padding)
    features = stack_features([row.features for row in rows])
    if features is not None:
        features = features._replace(present=features.present & there[:, None]).to(device)
    return Earlier(ids.to(device), (attention & there[:, None]).to(device), features)


def _stack_teachers(rows: Sequence[Tensor | None], device: str) -> Tensor | None:
    """Return log posteriors [B, S, K], 0 beyond each sample's own; None where a sample has none."""
    there = [row for row in rows if row is not None]
    if not there or len(there) < len(rows):
        return None
    return nn.utils.rnn.pad_sequence(there, batch_first=True).to(device)


def _pad(rows: Sequence[Sequence[int]], value: int) -> tuple[Tensor, Tensor]:
    longest = max(len(row) for row in rows)
    padded = torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows], dtype=torch.long)
    lengths = torch.tensor([len(row) for row in rows])
    return padded, torch.arange(longest)[None, :] < lengths[:, None]
