"""From posteriors to answers: those of one expert, those of a mixture, and the best that any gate could choose."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from schemas.errors import InputError
from trainer.inputs import Answer
from trainer.mixture.gates import mix
from trainer.mixture.members import Member
from trainer.mixture.regions import ground_mixed, mixture_key

__all__ = ["answer_gated", "answer_mixed", "answer_states", "gold_targets", "oracle_choice", "oracle_classes"]


def answer_states(member: Member, classes: Tensor | None = None) -> list[Answer]:
    """Return the answer for each sample, from classes [M] of its states; without them, the one that was decoded."""
    kept = member.posteriors.answers
    if classes is None and kept is not None:
        return list(kept)
    rows = torch.split(member.posteriors.classes if classes is None else classes, member.posteriors.lengths.tolist())
    return [
        member.head.answer(member.labels, row.tolist(), sample)
        for row, sample in zip(rows, member.data.samples, strict=True)
    ]


def answer_mixed(members: Sequence[Member], weights: Tensor) -> list[Answer]:
    """Return the answer for each sample, decoded from the mixed posteriors.

    A chain of tags is decoded as a chain: the experts' marginals of neighbours are mixed too, and the likeliest of the
    sound sequences is taken. Then the regions of its mentions are mixed, where experts say them.

    Args:
        members: E experts with the same head and labels, on the same samples.
        weights: of each expert for each state [M, E].
    """
    first, log_weights = members[0], weights.clamp(min=1e-12).log()
    lengths = first.posteriors.lengths.tolist()
    pairs = [member.posteriors.log_pairs for member in members if member.posteriors.log_pairs is not None]
    mixed = mix(torch.stack([member.posteriors.log_probs for member in members]), log_weights)
    mixed_pairs = mix(torch.stack(pairs), log_weights) if pairs else None
    answers = answer_states(first, first.head.decode_mixed(first.labels, mixed, mixed_pairs, lengths))
    return ground_mixed(members, weights, answers)


def answer_gated(gate: str, members: Sequence[Member], weights: Tensor) -> list[Answer]:
    """Return the answer for each sample by the weights of a gate.

    The reward gate sends a sample to an expert, whose own answer is taken; the others mix posteriors.

    Args:
        gate: its name.
        members: E experts.
        weights: of each expert for each state [M, E].
    """
    if gate != "reward":
        return answer_mixed(members, weights)
    lengths = members[0].posteriors.lengths
    firsts = lengths.cumsum(0) - lengths  # the states of a sample have the same weights
    routes = weights[firsts].argmax(1).tolist()
    answers = [answer_states(member) for member in members]
    return [answers[expert][number] for number, expert in enumerate(routes)]


def gold_targets(member: Member) -> Tensor:
    """Return the right classes of all states [M].

    Raises:
        InputError: a sample without labels, or with unknown ones.
    """
    rows: list[int] = []
    for sample in member.data.samples:
        classes = member.head.gold_classes(member.labels, sample)
        if classes is None:
            raise InputError("a sample without labels", place=f"sample {sample.sample_id}")
        rows += classes
    return torch.tensor(rows)


def oracle_choice(members: Sequence[Member], predictions: Sequence[list[Answer]]) -> list[Answer]:
    """Take for each sample the answer of the expert with the fewest errors there: a bound for gates by sample."""
    labels, samples, key = members[0].labels, members[0].data.samples, mixture_key(members)
    errors = [
        [part.predicted + part.gold - 2 * part.right for part in labels.task.counts(samples, predicted, key)]
        for predicted in predictions
    ]
    best = [min(range(len(predictions)), key=lambda e: errors[e][i]) for i in range(len(samples))]
    return [predictions[e][i] for i, e in enumerate(best)]


def oracle_classes(classes: Sequence[Tensor], gold: Tensor) -> Tensor:
    """Take for each state the right class where any expert has it, else the first expert's: a bound by token.

    >>> oracle_classes([torch.tensor([1, 1, 1]), torch.tensor([2, 2, 1])], torch.tensor([1, 2, 3])).tolist()
    [1, 2, 1]
    """
    is_known = torch.stack([rows == gold for rows in classes]).any(0)
    return torch.where(is_known, gold, classes[0])
