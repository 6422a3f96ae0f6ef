"""Regions of a mixture: what its experts say of a mention's candidates, mixed by their weights, and the choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from schemas.records import Entity, Span
from trainer.inputs import Answer, Grounding
from trainer.metrics import RecordKey
from trainer.mixture.members import Member
from trainer.model.grounding import RegionSettings, check_rules, choose_region, mix_groundings

__all__ = ["check_regions", "ground_mixed", "mixture_key"]


class _Said(NamedTuple):
    """What an expert says of its own mention; the column of its weight."""

    expert: int
    span: Span
    type: str
    grounding: Grounding


def check_regions(members: Sequence[Member]) -> None:
    """Check that the experts that say regions choose them by one rule.

    Raises:
        InputError: they do not.
    """
    check_rules([row.settings for row in members if isinstance(row.settings, RegionSettings)])


def mixture_key(members: Sequence[Member]) -> RecordKey:
    """Return what of a record a mixture answers: regions too, where an expert says them."""
    return "span+type+region" if any(map(_says_regions, members)) else "span+type"


def ground_mixed(members: Sequence[Member], weights: Tensor, answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers of mixed tags with the regions that the experts' mixed posteriors choose.

    An expert speaks on a mention by its own mention with the same tokens, else by that with the most tokens in common;
    one without any, and one that says no regions, has no voice. The weight of a voice is its mean over the tokens. An
    expert that writes its answer is sure of its boxes: each has 1.

    Args:
        members: E experts.
        weights: of each expert for each token [M, E].
        answers: of N samples, with tags.
    """
    if not any(map(_says_regions, members)):
        return list(answers)
    given = (row.settings for row in members if isinstance(row.settings, RegionSettings))
    settings = next(given, RegionSettings())
    rows = torch.split(weights, members[0].posteriors.lengths.tolist())
    found = []
    for number, (answer, own) in enumerate(zip(answers, rows, strict=True)):
        said = [row for expert, member in enumerate(members) for row in _mentions(expert, member, number, settings)]
        entities = [_ground(entity, said, own, settings) for entity in answer.entities]
        found.append(answer._replace(records=tuple(entities)))
    return found


def _says_regions(member: Member) -> bool:
    return "region" in member.head.key and "fine" not in member.head.key  # fine types are not mixed


def _mentions(expert: int, member: Member, number: int, settings: RegionSettings) -> list[_Said]:
    answers = member.posteriors.answers
    if answers is None or not _says_regions(member):
        return []
    answer, types = answers[number], member.labels.types if settings.scores == "relation" else ()
    rows = answer.groundings or [_sure(row, types) for row in answer.entities]
    pairs = zip(answer.entities, rows, strict=True)
    return [_Said(expert, Span(row.start, row.end), row.type, grounding) for row, grounding in pairs]


def _sure(entity: Entity, types: tuple[str, ...]) -> Grounding:
    """Return what an expert says that writes boxes, in the form of one that weighs candidates."""
    row = tuple(float(name == entity.type) for name in types) if types else (1.0,)
    return Grounding(entity.boxes, (row,) * len(entity.boxes), types, float(bool(entity.boxes)))


def _ground(entity: Entity, said: Sequence[_Said], weights: Tensor, settings: RegionSettings) -> Entity:
    best: dict[int, tuple[tuple[int, int, bool], Grounding]] = {}
    for row in said:
        common = min(entity.end, row.span.end) - max(entity.start, row.span.start)
        rank = (common, common - (row.span.end - row.span.start), row.type == entity.type)
        if common > 0 and (row.expert not in best or rank > best[row.expert][0]):
            best[row.expert] = rank, row.grounding
    if not best:
        return entity
    mean = weights[entity.start : entity.end].double().mean(0).tolist()
    mixed = mix_groundings([row for _, row in best.values()], [mean[expert] for expert in best])
    return choose_region(entity, mixed, settings)
