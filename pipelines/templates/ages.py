"""Templates of ages and of the time between two dates."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import date

from pipelines.templates.words import UNKNOWN_VALUE, Args, Rule, join_nonempty, positional, with_commas

__all__ = ["RULES", "full_years"]

_Date = Sequence[int]
"""Year, month, day; a year alone is allowed."""


def full_years(start: _Date, end: _Date) -> int:
    """Return the full years between two dates [year, month, day].

    >>> full_years([1969, 7, 20], [2000, 7, 19])
    30
    """
    # [month, day] are compared as lists: a year less where the birthday of the last year is still to come.
    return end[0] - start[0] - (list(end[1:]) < list(start[1:]))


def _between(shown: Callable[[_Date, _Date], str], places: int = 6) -> Rule:
    """Return the rule of a template of two dates; without the second one its value is that of today, and unknown.

    The dates are six numbers, two years, or two dates of ISO 8601. Source: Template:Age, Template:Age in years.
    """

    def rule(args: Args) -> str:
        parts = [positional(args, place) for place in range(1, places + 1)]
        filled = [part for part in parts if part]
        if len(filled) == 2 and all(re.fullmatch(r"[0-9]{1,4}(?:-[0-9]{1,2}-[0-9]{1,2})?", part) for part in filled):
            dates = [[int(number) for number in part.split("-")] for part in filled]
        elif len(filled) == 6 and all(re.fullmatch(r"[0-9]{1,4}", part) for part in filled):
            numbers = [int(part) for part in filled]
            dates = [numbers[:3], numbers[3:]]
        else:
            return UNKNOWN_VALUE
        return shown(*dates)

    return rule


def _years(start: _Date, end: _Date) -> str:
    """Show `{{age|1969|7|20|2000|7|19}}` as 30, and `{{age in years|1990|2000}}` as 10. Source: Template:Age."""
    return str(max(full_years(start, end), 0))


def _with_unit(number: int, unit: str) -> str:
    return f"{with_commas(str(number))} {unit}{'' if number == 1 else 's'}"


def _days_between(start: _Date, end: _Date) -> int | None:
    """Return the days between two whole dates, or None where one of them is no date."""
    try:
        first, last = date(*start), date(*end)
    except (TypeError, ValueError):
        return None
    return (last - first).days


def _days(start: _Date, end: _Date) -> str:
    """Show `{{age in days|2000|1|1|2000|3|1}}` as 60. Source: Template:Age in days."""
    days = _days_between(start, end)
    return UNKNOWN_VALUE if days is None else with_commas(str(days))


def _years_and_days(start: _Date, end: _Date) -> str:
    """Show `{{age in years and days|...}}` as '30 years, 365 days'. Source: Template:Age in years and days.

    >>> _years_and_days([1990, 5, 4], [2000, 5, 3])
    '9 years, 365 days'
    """
    if _days_between(start, end) is None or list(end) < list(start):
        return UNKNOWN_VALUE
    years = full_years(start, end)
    days = _days_between(_shifted(start, years, 0), end) or 0
    return join_nonempty(", ", _with_unit(years, "year") if years else "", _with_unit(days, "day"))


def _years_months_and_days(start: _Date, end: _Date) -> str:
    """Show `{{age in years, months and days|...}}` as '9 years, 11 months and 29 days'. Source: its page.

    >>> _years_months_and_days([1990, 5, 4], [2000, 5, 3])
    '9 years, 11 months and 29 days'
    """
    if _days_between(start, end) is None or list(end) < list(start):
        return UNKNOWN_VALUE
    years = full_years(start, end)
    months = (end[1] - start[1] - (end[2] < start[2])) % 12
    days = _days_between(_shifted(start, years, months), end) or 0
    values = ((years, "year"), (months, "month"), (days, "day"))
    parts = [_with_unit(number, unit) for number, unit in values if number]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:]))) or "0 days"


def _shifted(start: _Date, years: int, months: int) -> _Date:
    """Return a date moved by years and months; a day that its month lacks becomes the last one."""
    month = start[1] - 1 + months
    year, month = start[0] + years + month // 12, month % 12 + 1
    return year, month, min(start[2], calendar.monthrange(year, month)[1])


def _months(start: _Date, end: _Date) -> str:
    """Show `{{age in months|2000|1|1|2001|3|1}}` as 14. Source: Template:Age in months."""
    if len(start) < 3 or len(end) < 3:
        return UNKNOWN_VALUE
    return str(max(12 * (end[0] - start[0]) + end[1] - start[1] - (end[2] < start[2]), 0))


RULES: dict[str, Rule] = {
    "age": _between(_years),
    "age in days": _between(_days),
    "age in months": _between(_months),
    "age in years and days": _between(_years_and_days),
    "age in years, months and days": _between(_years_months_and_days),
}
