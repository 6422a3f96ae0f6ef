"""From the likeliest answers of a generator to probabilities of tags and relations, so that it can join a mixture.

The probabilities of tags are approximate: the answers beyond the N best are not counted. Those of a single choice are
exact where N is the number of options.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from schemas.dataset import NO_RELATION
from schemas.records import Entity, Relation
from trainer.inputs import LabelSet

__all__ = ["answer_weights", "chain_marginals", "class_marginals", "tags_of", "text_marginals"]

_REST = 1e-4
"""Share of the probability that is spread evenly over the labels, for all answers beyond the best."""


def answer_weights(log_probs: Sequence[float]) -> Tensor:
    """Return the weights of the N best answers [N]: their probabilities, divided by the sum.

    >>> answer_weights([-1.0]).tolist()
    [1.0]
    """
    return torch.tensor(list(log_probs), dtype=torch.float64).softmax(0)


def tags_of(entities: Sequence[Entity | Relation], labels: LabelSet, length: int) -> list[int]:
    """Return the numbers of the BIO tags of entities [length]; where two overlap, the first one counts.

    >>> tags_of([Entity(0, 2, "PER")], LabelSet("ner", ("O", "B-PER", "I-PER")), 3)
    [1, 2, 0]
    """
    tags = [labels.names.index("O")] * length
    taken: set[int] = set()
    for row in entities:
        if not isinstance(row, Entity) or row.end > length or taken & set(range(row.start, row.end)):
            continue
        taken |= set(range(row.start, row.end))
        for place in range(row.start, row.end):
            tags[place] = labels.names.index(f"{'B' if place == row.start else 'I'}-{row.type}")
    return tags


def chain_marginals(
    answers: Sequence[tuple[float, Sequence[Entity | Relation]]], labels: LabelSet, length: int
) -> tuple[Tensor, Tensor]:
    """Return log marginals of tags [T, K], and of neighbours [T, K, K], of the N best answers.

    Args:
        answers: log probability and entities of each.
        labels: tags.
        length: tokens T.
    """
    size = len(labels.names)
    single, pairs = torch.zeros(length, size), torch.zeros(length, size, size)
    for weight, (_, records) in zip(answer_weights([row[0] for row in answers]), answers, strict=True):
        tags = tags_of(records, labels, length)
        for place, tag in enumerate(tags):
            single[place, tag] += weight
            if place:
                pairs[place, tags[place - 1], tag] += weight
            else:
                pairs[0, :, tag] += weight / size  # nothing stands before it: all labels get the same share
    # one mixture with even tags, so that the pairs still sum to the single ones
    pairs = (1 - _REST) * pairs + _REST / size**2
    single = (1 - _REST) * single + _REST / size
    return single.log(), pairs.log()


def class_marginals(answers: Sequence[tuple[float, Sequence[Entity | Relation]]], labels: LabelSet) -> Tensor:
    """Return the log probabilities of relations [K] of the N best answers for one pair."""
    probs = torch.zeros(len(labels.names))
    for weight, (_, records) in zip(answer_weights([row[0] for row in answers]), answers, strict=True):
        found = [row.type for row in records if isinstance(row, Relation)]
        probs[labels.names.index(found[0] if found else NO_RELATION)] += weight
    return ((1 - _REST) * probs + _REST / len(labels.names)).log()


def text_marginals(
    answers: Sequence[Sequence[tuple[float, Sequence[Entity | Relation]]]], labels: LabelSet, lengths: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """Return log marginals [B, S, K] of the N best answers of each sample, and of a chain those of neighbours.

    Args:
        answers: log probability and records of the answers of each sample.
        labels: tags, or relations.
        lengths: tokens of each sample.
    """
    if labels.task_name == "re":
        return torch.stack([class_marginals(row, labels)[None] for row in answers]), None
    rows = [chain_marginals(row, labels, length) for row, length in zip(answers, lengths, strict=True)]
    single, pairs = (pad_sequence(list(part), batch_first=True) for part in zip(*rows, strict=True))
    return single, pairs
