"""Cells of tables: F1 of several seeds in per cent."""

from __future__ import annotations

from collections.abc import Iterable

from trainer.commands import mean_and_deviation

__all__ = ["percent"]


def percent(values: Iterable[float], digits: int = 2) -> str:
    """Return the mean and the deviation in per cent; of one value no deviation, of none a dash.

    >>> percent([0.5, 0.52]), percent([0.5], 1), percent([])
    ('51.00 ± 1.41', '50.0', '-')
    """
    rows = [100 * value for value in values]
    if len(rows) < 2:
        return f"{rows[0]:.{digits}f}" if rows else "-"
    mean, deviation = mean_and_deviation(rows)
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"
