"""Templates of dates and ages, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, all_positional, first_value, join_nonempty, positional
from pipelines.templates.unknown_values import UNKNOWN_VALUE

__all__ = ["RULES", "long_date"]

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
_YES = frozenset({"y", "yes", "true", "on", "1"})


def long_date(year: str, month: str = "", day: str = "", *, is_day_first: bool = False) -> str:
    """Write a date as Wikipedia does; a part that is not a number stays as it is.

    >>> long_date("1809", "2", "12"), long_date("1932", "04", "4", is_day_first=True), long_date("1990", "5")
    ('February 12, 1809', '4 April 1932', 'May 1990')
    """
    number = int(month) if re.fullmatch(r"[0-9]{1,2}", month) else 0
    name = _MONTHS[number - 1] if 1 <= number <= 12 else month
    day = day.lstrip("0") or day
    if not name:
        return year
    if not day:
        return join_nonempty(" ", name, year)
    if is_day_first:
        return join_nonempty(" ", day, name, year)
    return join_nonempty(", ", f"{name} {day}", year)


def _is_day_first(args: Args) -> bool:
    return args.get("df", "").lower() in _YES or args.get("df", "").lower() == "dmy"


def _date(args: Args) -> str:
    """Show `{{birth date|1809|2|12}}` as 'February 12, 1809'. Source: Template:Birth date."""
    year, month, day = (positional(args, place) for place in (1, 2, 3))
    return long_date(year, month, day, is_day_first=_is_day_first(args))


def _date_and_age_death(args: Args) -> str:
    """Show `{{dda|1865|4|15|1809|2|12}}` as 'April 15, 1865 (aged 56)'. Source: Template:Death date and age."""
    parts = [positional(args, place) for place in range(1, 7)]
    shown = _date(args)
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return shown
    died, born = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    # [month, day] are compared as lists: a year less where the birthday of the last year was still to come.
    years = died[0] - born[0] - (died[1:] < born[1:])
    return f"{shown} (aged {years})" if years >= 0 else shown


def _age(args: Args) -> str:
    """Show the years between the dates of `{{age|y|m|d|y|m|d}}`; the age of today is unknown. Source: Template:Age."""
    parts = [positional(args, place) for place in range(1, 7)]
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return UNKNOWN_VALUE
    born, then = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    return str(max(then[0] - born[0] - (then[1:] < born[1:]), 0))


def _as_of(args: Args) -> str:
    """Show `{{as of|2010|5}}` as 'As of May 2010', with since=y as 'Since May 2010'. Source: Template:As of."""
    if args.get("alt"):
        return args["alt"]
    # The template begins a sentence unless lc=y. Source: Template:As of, parameter lc.
    is_lower = args.get("lc", "").lower() in _YES
    word = "since" if args.get("since", "").lower() in _YES else "as of"
    # The day comes first unless df=us. Source: Template:As of, parameter df.
    is_day_first = args.get("df", "").lower() not in ("us", "mdy")
    date = long_date(*(positional(args, place) for place in (1, 2, 3)), is_day_first=is_day_first)
    bare = args.get("bare", "").lower() in _YES
    shown = date if bare else join_nonempty(" ", word if is_lower else word.capitalize(), date)
    return f"{shown}{args.get('post', '')}"


def _with_word(word: str) -> Rule:
    """Show `{{floruit|300|310}}` as 'fl. 300–310': a word before years. Source: Template:Floruit."""

    def rule(args: Args) -> str:
        parts = all_positional(args)
        # A spaced dash between dates of several words. Source: Wikipedia's Manual of Style, MOS:DATERANGE.
        years = join_nonempty(" – " if any(" " in part for part in parts) else "–", *parts[:2])
        return f"{word} {years}" if years else word

    return rule


def _circa(args: Args) -> str:
    """Show `{{circa|1850|1860}}` as 'c. 1850 – c. 1860'. Source: Template:Circa."""
    years = all_positional(args)[:2]
    return " – ".join(f"c. {year}" for year in years) if years else "c."


def _old_style(args: Args) -> str:
    """Show `{{OldStyleDate|May 2|1905|April 19}}` as 'May 2, 1905 [O.S. April 19]'. Source: Template:OldStyleDate."""
    day, year, old = (positional(args, place) for place in (1, 2, 3))
    separator = ", " if day[:1].isalpha() else " "  # 'May 2, 1905', but '2 May 1905'
    return join_nonempty(" ", join_nonempty(separator, day, year), f"[O.S. {old}]" if old else "")


def _sortable(args: Args) -> str:
    """Show `{{dts|1777|12|16}}` as 'December 16, 1777'. Source: Template:Date table sorting."""
    if args.get("2"):
        return long_date(*(positional(args, place) for place in (1, 2, 3)), is_day_first=args.get("format") == "dmy")
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", positional(args, 1))
    return long_date(*iso.groups()) if iso else positional(args, 1)


def _death_year_and_age(args: Args) -> str:
    """Show `{{death year and age|1950|1900}}` as '1950 (aged 49–50)'. Source: Template:Death year and age."""
    died, born = positional(args, 1), positional(args, 2)
    if not (re.fullmatch(r"[0-9]{1,4}", died) and re.fullmatch(r"[0-9]{1,4}", born)):
        return died
    years = int(died) - int(born)
    return f"{died} (aged {years - 1}–{years})" if years > 0 else died


def _film_date(args: Args) -> str:
    """Show `{{film date|1997|1|17|Spain}}` as 'January 17, 1997 (Spain)'. Source: Template:Film date."""
    place = positional(args, 4)  # or the year of a second date, which is left out
    return join_nonempty(" ", _date(args), f"({place})" if place and not place.isdigit() else "")


def _show_first(args: Args) -> str:
    """Show `{{birth-date|7 December 1941}}` as written. Source: Template:Birth-date."""
    return first_value(args, "1")


def _day_first_date(args: Args) -> str:
    """Show `{{date|4|July|1776}}` as 'July 4, 1776', and one argument as written. Source: Template:Date."""
    parts = all_positional(args)[:3]
    return long_date(*reversed(parts)) if len(parts) > 1 else _show_first(args)


def _value_of_today(_args: Args) -> str:
    """Show an unknown value: `{{CURRENTYEAR}}` depends on the day of reading. Source: Help:Magic words."""
    return UNKNOWN_VALUE


RULES: dict[str, Rule] = {
    "age": _age,
    "as of": _as_of,
    "birth date": _date,
    "birth year and age": _show_first,
    "birth-date": _show_first,
    "circa": _circa,
    "date": _day_first_date,
    "death date and age": _date_and_age_death,
    "death year and age": _death_year_and_age,
    "dts": _sortable,
    "film date": _film_date,
    "floruit": _with_word("fl."),
    "oldstyledate": _old_style,
    "reign": _with_word("r."),
    "start date": _date,
    "currentyear": _value_of_today,
    "b.": _with_word("b."),
    "born": _with_word("born"),
    "d.": _with_word("d."),
    "died": _with_word("died"),
    "ma": lambda args: join_nonempty(" ", "–".join(all_positional(args)[:2]), "Ma"),
    "mya": lambda args: join_nonempty(" ", "–".join(all_positional(args)[:2]), "million years ago"),
}
