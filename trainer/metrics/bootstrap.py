"""The paired bootstrap over samples: whether one system is better than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.metrics.counts import Counts, Score

__all__ = ["Comparison", "compare_paired"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """F1 of a minus F1 of b on the same samples.

    Args:
        difference: on the whole set.
        low, high: the central 95 % of the differences over resamples.
        p_value: two-sided; 1 where nothing separates the two.
        samples, resamples: their numbers.
    """

    f1_a: float
    f1_b: float
    difference: float
    low: float
    high: float
    p_value: float
    samples: int
    resamples: int


def compare_paired(
    counts_a: Sequence[Counts], counts_b: Sequence[Counts], resamples: int = 2000, seed: int = 1
) -> Comparison:
    """Compare two systems by their counts per sample ([N] each, in the same order).

    The p-value is twice the smaller share of resamples whose difference lies at or beyond zero, with one added to
    both parts of the share so that it is never 0.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993; Koehn, EMNLP 2004.

    Raises:
        ValueError: no samples, another number of them, or other gold counts.

    >>> a, b = [Counts(1, 1, 1)] * 50, [Counts(0, 1, 1)] * 50
    >>> compare_paired(a, b, resamples=100).difference
    1.0
    """
    import numpy as np

    if not counts_a or len(counts_a) != len(counts_b):
        raise ValueError(f"{len(counts_a)} samples beside {len(counts_b)}")
    if any(a.gold != b.gold for a, b in zip(counts_a, counts_b, strict=True)):
        raise ValueError("the two systems were scored on other gold labels")
    a, b = np.asarray(counts_a, dtype=np.float64), np.asarray(counts_b, dtype=np.float64)  # [N, 3]
    generator = np.random.default_rng(seed)
    differences = np.empty(resamples)
    for position in range(resamples):
        weights = np.bincount(generator.integers(0, len(a), len(a)), minlength=len(a)).astype(np.float64)  # [N]
        right_a, predicted_a, gold = weights @ a
        right_b, predicted_b, _ = weights @ b
        differences[position] = _f1(right_a, predicted_a, gold) - _f1(right_b, predicted_b, gold)
    f1_a, f1_b = (Score.of(_sum(counts)).f1 for counts in (counts_a, counts_b))
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    low, high = np.quantile(differences, [0.025, 0.975])
    p_value = min(1.0, 2 * (tail + 1) / (resamples + 1))
    return Comparison(f1_a, f1_b, f1_a - f1_b, float(low), float(high), p_value, len(a), resamples)


def _f1(right: float, predicted: float, gold: float) -> float:
    return float(2 * right / (predicted + gold)) if predicted + gold else 0.0


def _sum(counts: Sequence[Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*counts, strict=True)))
