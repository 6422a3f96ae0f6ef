"""E2E-GMNER's counting: surfaces with types and boxes, matched one to one as well as can be."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Entity
from trainer.metrics.counts import Counts, Score
from trainer.metrics.matching import count_matches
from trainer.metrics.records import is_same_region

__all__ = ["score_e2e"]


def score_e2e(
    tokens: Sequence[Sequence[str]], gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> Score:
    """Score GMNER by the best one-to-one matching of predictions and gold entities of a sample.

    A pair may be matched where surface and type are equal and the region is right (IoU of at least 0.5 with any gold
    box, or none in both). Positions in the text play no part, and nothing is counted once for being said twice.

    Args:
        tokens: of each of N samples, for the surfaces.
        gold: entities of each sample.
        predicted: entities of each sample.

    Source: the scorer of E2E-GMNER, by its description: best bipartite matching on surfaces, IoU of at least 0.5.

    Raises:
        ValueError: another number of samples.

    >>> gold = [[Entity(0, 1, "PER"), Entity(2, 3, "PER")]]
    >>> score_e2e([["Ann", "and", "Ann"]], gold, [[Entity(0, 1, "PER"), Entity(0, 1, "PER")]]).f1
    1.0
    """
    total = Counts()
    for sentence, g, p in zip(tokens, gold, predicted, strict=True):
        fits = [
            [
                number
                for number, other in enumerate(g)
                if _name(sentence, row) == _name(sentence, other) and is_same_region(other.boxes, row.boxes)
            ]
            for row in p
        ]
        total = total.plus(Counts(count_matches(fits), len(p), len(g)))
    return Score.of(total)


def _name(sentence: Sequence[str], row: Entity) -> tuple[str, str]:
    return " ".join(sentence[row.start : row.end]), row.type
