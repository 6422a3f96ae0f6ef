"""Candidate spans of taggers: what each expert gives them by its kept posteriors, for `benchmarks.mixing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from schemas.entities import find_entities
from trainer.inputs import Answer
from trainer.mixture import Member, answer_states, expert_posteriors
from trainer.training import read_split

__all__ = ["Span", "Split", "entities_of", "read"]

Span = tuple[int, int, str]
LEAST, LONGEST = 0.02, 8
"""Candidates have at least this probability under some expert, and at most so many tokens."""


@dataclass(frozen=True)
class Split:
    """What the experts say of a split.

    Args:
        members: the experts.
        gold: entities of each sample.
        decoded: entities of each expert and sample.
        chances: of each sample, the candidates with their probability under each expert.
    """

    members: list[Member]
    gold: list[set[Span]]
    decoded: list[list[set[Span]]]
    chances: list[dict[Span, list[float]]]


def read(folder: Path, names: Sequence[str], split: str) -> Split:
    """Read what the experts say of a split."""
    members = [expert_posteriors(folder / name, split, lambda config: read_split(config, split)) for name in names]
    samples = members[0].data.samples
    gold = [{(row.start, row.end, row.type) for row in find_entities(sample.tags or ())} for sample in samples]
    decoded = [entities_of(answer_states(member)) for member in members]
    chances: list[dict[Span, list[float]]] = [{} for _ in samples]
    for number, member in enumerate(members):
        for found, own in zip(chances, span_chances(member), strict=True):
            for span, chance in own.items():
                found.setdefault(span, [0.0] * len(members))[number] = chance
    kept = [{span: row for span, row in found.items() if max(row) >= LEAST} for found in chances]
    return Split(members, gold, decoded, kept)


def span_chances(member: Member) -> list[dict[Span, float]]:
    """Return the probability of the spans of each sample, of those up to LONGEST tokens that have any.

    As in the scoring, an I- without its like before it begins a span too. The mass of a span that has begun lies on its
    last tag, B- or I-, and goes on to I- or ends.
    """
    names, lengths = member.labels.names, member.posteriors.lengths.tolist()
    types = sorted({name[2:] for name in names if name != "O"})
    assert member.posteriors.log_pairs is not None
    found = []
    for log_pairs in torch.split(member.posteriors.log_pairs, lengths):
        pairs = log_pairs.exp()
        given = (pairs / pairs.sum(-1, keepdim=True).clamp(min=1e-12)).tolist()  # p(tag | tag before)
        own = pairs.sum(1).tolist()  # [T, K]
        chances: dict[Span, float] = {}
        for kind in types:
            begin, inside = names.index(f"B-{kind}"), names.index(f"I-{kind}")
            stray = (pairs[:, :, inside].sum(1) - pairs[:, begin, inside] - pairs[:, inside, inside]).tolist()
            for start in range(len(own)):
                mass = (own[start][begin], own[start][inside] if start == 0 else stray[start])
                for end in range(start + 1, min(len(own), start + LONGEST) + 1):
                    if sum(mass) < LEAST / 4:
                        break
                    on = (given[end][begin][inside], given[end][inside][inside]) if end < len(own) else (0.0, 0.0)
                    onward = mass[0] * on[0] + mass[1] * on[1]
                    chances[start, end, kind] = sum(mass) - onward
                    mass = (0.0, onward)
        found.append(chances)
    return found


def entities_of(answers: Sequence[Answer]) -> list[set[Span]]:
    """Return the entities of answers as spans."""
    return [{(row.start, row.end, row.type) for row in answer.entities} for answer in answers]
