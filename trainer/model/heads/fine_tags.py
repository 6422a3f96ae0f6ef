"""Fine tags: a tag for each fine type, and the tag of a data set to which each of them belongs.

O   B-person  I-person
O         1
B-actor            1
I-actor                      1
B-author           1
I-author                     1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from schemas.errors import InputError, UsageError
from schemas.records import Sample
from trainer.inputs import LabelSet

__all__ = ["FineTags", "write_fine_tags"]

_LEAST = 1e-13
"""The probability of a tag without children: its logarithm is about -30, and no infinity."""


@dataclass(frozen=True)
class FineTags:
    """The tags of fine types.

    Args:
        names: O, and then one for each fine type and prefix.
        parents: the number of the tag of the data set to which each belongs.
        tags: how many of those there are.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    tags: int

    @classmethod
    def of(cls, labels: LabelSet) -> FineTags:
        """Return the fine tags of a label set.

        Raises:
            UsageError: it has no fine types.
            InputError: a fine type belongs to two types.

        >>> found = FineTags.of(LabelSet("ner", ("O", "B-person", "I-person"), ("actor",), (), ("person",)))
        >>> found.names, found.parents
        (('O', 'B-actor', 'I-actor'), (0, 1, 2))
        """
        if not labels.fine:
            raise UsageError("the data has no fine types of entities", remedy="set model.head.kind=tagging")
        if "" in labels.parents:
            twice = labels.fine[labels.parents.index("")]
            raise InputError(f"the fine type {twice!r} belongs to several types", remedy="give each its own name")
        prefixes = dict.fromkeys(name[0] for name in labels.names if "-" in name)
        names, parents = ["O"], [labels.names.index("O")]
        for fine, kind in zip(labels.fine, labels.parents, strict=True):
            for prefix in prefixes:
                names.append(f"{prefix}-{fine}")
                parents.append(labels.names.index(f"{prefix}-{kind}"))
        return cls(tuple(names), tuple(parents), len(labels.names))

    @cached_property
    def children(self) -> Tensor:
        """Which fine tags belong to which tag [tags, fine tags] float32 of 0 and 1."""
        matrix = torch.zeros(self.tags, len(self.names))
        matrix[torch.tensor(self.parents), torch.arange(len(self.names))] = 1.0
        return matrix

    def sum_children(self, log_probs: Tensor) -> Tensor:
        """Return log probabilities of tags [..., tags], each the sum over its children, from [..., fine tags].

        >>> fine = FineTags(("O", "B-a", "B-b"), (0, 1, 1), 2)
        >>> [round(value, 4) for value in fine.sum_children(torch.tensor([0.2, 0.3, 0.5]).log()).exp().tolist()]
        [0.2, 0.8]
        """
        sums: Tensor = log_probs.float().exp() @ self.children.to(log_probs.device).T
        return sums.clamp(min=_LEAST).log()

    def sum_pairs(self, log_pairs: Tensor) -> Tensor:
        """Return log probabilities of neighbouring tags [..., tags, tags] from those of fine tags."""
        children = self.children.to(log_pairs.device)
        sums: Tensor = children @ log_pairs.float().exp() @ children.T
        return sums.clamp(min=_LEAST**2).log()


def write_fine_tags(sample: Sample, fine: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fine tags of a sample, with the prefixes of its tags; without tags, with B- and I-.

    Args:
        sample: with entities that have fine types.
        fine: the fine types that are known.

    Returns:
        one tag for each token; None for a sample without entities as records, or with a fine type that is not known,
        as dev and test may have.

    Raises:
        InputError: an entity without a fine type.

    >>> from schemas.records import Entity
    >>> write_fine_tags(Sample("a", ("Tom", "Hanks", "!"), entities=(Entity(0, 2, "person", "actor"),)), ["actor"])
    ('B-actor', 'I-actor', 'O')
    """
    if sample.entities is None:
        return None
    tags = ["O"] * len(sample.tokens)
    for entity in sample.entities:
        if entity.fine is None:
            place = f"sample {sample.sample_id}"
            raise InputError(f"the entity [{entity.start}, {entity.end}) has no fine type", place=place)
        if entity.fine not in fine:
            return None
        for i in range(entity.start, entity.end):
            prefix = sample.tags[i][0] if sample.tags is not None else "B" if i == entity.start else "I"
            tags[i] = f"{prefix}-{entity.fine}"
    return tuple(tags)
