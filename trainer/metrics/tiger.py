"""TIGER's counting of FMNERG: keys of surface, fine type and groundable; the empty prediction is counted twice."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Box, Entity
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import is_same_region

__all__ = ["score_tiger"]

_Keys = dict[tuple[str, str, bool], list[Box]]


def score_tiger(
    tokens: Sequence[Sequence[str]], gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> Score:
    """Score FMNERG as TIGER's release does, with its fault: precision and recall are off, F1 is not.

    A sample without a predicted entity adds one to the predictions and takes one from gold: the two cancel in F1. Of a
    sample, entities of one surface, fine type and groundability are one key; its boxes are those of all of them.

    Args:
        tokens: of each of N samples, for the surfaces.
        gold: entities of each sample.
        predicted: entities of each sample; a region is the first box of the last prediction of a key.

    Source: NUSTM/FMNERG, eval_utils.py. There the region is the number of a candidate, here an IoU of 0.5 decides.

    Raises:
        ValueError: another number of samples.

    >>> rows = [[Entity(0, 1, "person", "actor"), Entity(1, 2, "person", "singer")], []]
    >>> score = score_tiger([["Ann", "Bob"], ["hi"]], rows, rows)
    >>> score.counts, score.recall, score.f1
    (Counts(right=2, predicted=3, gold=1), 2.0, 1.0)
    """
    total = Counts()
    for sentence, g, p in zip(tokens, gold, predicted, strict=True):
        gold_keys, keys = _keys(sentence, g), _keys(sentence, p)
        last = {_key(sentence, row): row.boxes[:1] for row in p}
        right = sum(key in gold_keys and (not key[2] or is_same_region(gold_keys[key], last[key])) for key in keys)
        is_empty = not keys
        total = total.plus(Counts(right, len(keys) + is_empty, len(gold_keys) - is_empty))
    return Score.of(total)


def _keys(sentence: Sequence[str], entities: Sequence[Entity]) -> _Keys:
    keys: _Keys = {}
    for row in entities:
        keys.setdefault(_key(sentence, row), []).extend(row.boxes)
    return keys


def _key(sentence: Sequence[str], row: Entity) -> tuple[str, str, bool]:
    return " ".join(sentence[row.start : row.end]), row.fine or row.type, bool(row.boxes)
