"""Candidate spans of taggers: what each expert gives them by its kept posteriors, for `benchmarks.mixing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.entities import find_entities
from trainer.inputs import Answer
from trainer.mixture import Member, answer_states, candidate_spans, expert_posteriors
from trainer.training import read_split

__all__ = ["Span", "Split", "entities_of", "read"]

Span = tuple[int, int, str]


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
    return Split(members, gold, decoded, candidate_spans(members))


def entities_of(answers: Sequence[Answer]) -> list[set[Span]]:
    """Return the entities of answers as spans."""
    return [{(row.start, row.end, row.type) for row in answer.entities} for answer in answers]
