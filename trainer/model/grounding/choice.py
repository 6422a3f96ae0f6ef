"""Which region is answered for a mention, once it is known how likely each candidate shows it."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.errors import InputError
from schemas.records import Box, Entity
from trainer.inputs import Grounding
from trainer.model.grounding.settings import RegionSettings

__all__ = ["check_rules", "choose_region", "mix_groundings"]


def choose_region(entity: Entity, said: Grounding, settings: RegionSettings) -> Entity:
    """Return an entity with the boxes that are answered, the likeliest first; of a relation, with its type too.

    Args:
        entity: the mention, of the type that its tags say.
        said: how likely each candidate shows it.
        settings: of the head.

    >>> boxes = (Box(0, 0, 1, 1), Box(1, 1, 2, 2))
    >>> said = Grounding(boxes, ((0.2,), (0.5,)))
    >>> choose_region(Entity(0, 1, "PER"), said, RegionSettings()).boxes
    (Box(x1=1, y1=1, x2=2, y2=2),)
    >>> choose_region(Entity(0, 1, "PER"), said, RegionSettings(scores="sigmoid", threshold=0.6)).boxes
    ()
    """
    probs = [sum(row) for row in said.probs]
    order = sorted(range(len(probs)), key=lambda k: -probs[k])
    if not order:
        return entity._replace(boxes=())
    best = order[0]
    kind = entity.type
    if settings.scores == "relation" and probs[best] >= settings.threshold:  # the region says the type too
        row = said.probs[best]
        kind = said.types[max(range(len(row)), key=row.__getitem__)]
    chosen = _choose(probs, order, said.shown >= 0.5, settings)
    return entity._replace(type=kind, boxes=tuple(said.boxes[k] for k in chosen))


def _choose(probs: Sequence[float], order: Sequence[int], is_shown: bool, settings: RegionSettings) -> list[int]:
    """Return the numbers of the candidates that are answered."""
    best = order[0]
    if not probs[best] or (settings.groundable and not is_shown):
        return []
    if settings.scores == "softmax":  # none has what the candidates leave
        return [best] if settings.groundable or probs[best] > 1 - sum(probs) else []
    chosen = [k for k in order if probs[k] >= settings.threshold]
    return chosen or ([best] if settings.groundable else [])


def mix_groundings(rows: Sequence[Grounding], weights: Sequence[float]) -> Grounding:
    """Return the mean of what several systems say of a mention, box by box; one that has no such box gives it 0.

    Args:
        rows: of each system.
        weights: of each; their sum is made 1.

    >>> one, other = Grounding((Box(0, 0, 1, 1),), ((0.5,),)), Grounding((Box(0, 0, 1, 1),), ((1.0,),), shown=0.0)
    >>> mixed = mix_groundings([one, other], [3.0, 1.0])
    >>> mixed.probs, mixed.shown
    (((0.625,),), 0.75)
    """
    total = sum(weights)
    shares = [weight / total if total else 1 / len(rows) for weight in weights]
    table: dict[Box, list[float]] = {}
    for row, share in zip(rows, shares, strict=True):
        for box, probs in zip(row.boxes, row.probs, strict=True):
            sums = table.setdefault(box, [0.0] * len(probs))
            for k, prob in enumerate(probs):
                sums[k] += share * prob
    shown = sum(share * row.shown for row, share in zip(rows, shares, strict=True))
    return Grounding(tuple(table), tuple(tuple(row) for row in table.values()), rows[0].types, shown)


def check_rules(settings: Sequence[RegionSettings]) -> None:
    """Check that what several region heads say can be mixed: they choose by one rule.

    Raises:
        InputError: they do not.
    """
    rules = {
        f"scores {row.scores}, threshold {row.threshold:g}, " + ("groundable" if row.groundable else "not groundable")
        if row.scores != "softmax"
        else "scores softmax, " + ("groundable" if row.groundable else "not groundable")
        for row in settings
    }
    if len(rules) > 1:
        raise InputError(
            f"these experts choose regions by other rules: {'; '.join(sorted(rules))}",
            remedy="mix region heads with equal model.head.scores, threshold and groundable, or one beside taggers",
        )
