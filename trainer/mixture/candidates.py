"""Candidate spans of taggers: what each expert gives them by its kept posteriors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch

from trainer.mixture.lexicon import LONGEST
from trainer.mixture.members import Member

__all__ = ["Chances", "TypedSpan", "candidate_spans", "span_chances"]

TypedSpan: TypeAlias = tuple[int, int, str]
"""First token, the token after the last, type."""
Chances: TypeAlias = dict[TypedSpan, list[float]]
"""Of each candidate of a sample, its probability under each expert [E]."""
LEAST = 0.02
"""Candidates have at least this probability under some expert."""


def candidate_spans(members: Sequence[Member]) -> list[Chances]:
    """Return the candidates of each sample.

    Args:
        members: taggers whose posteriors have pairs, on the same samples.
    """
    chances: list[Chances] = [{} for _ in members[0].data.samples]
    for number, member in enumerate(members):
        for found, own in zip(chances, span_chances(member), strict=True):
            for span, chance in own.items():
                found.setdefault(span, [0.0] * len(members))[number] = chance
    return [{span: row for span, row in found.items() if max(row) >= LEAST} for found in chances]


def span_chances(member: Member) -> list[dict[TypedSpan, float]]:
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
        chances: dict[TypedSpan, float] = {}
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
