"""Templates of dates and ages, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, joined, listed, positional, text_of, with_aliases
from pipelines.templates.unknown_values import HOLE

__all__ = ["RULES", "long_date"]

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
_YES = frozenset({"y", "yes", "true", "on", "1"})


def long_date(year: str, month: str = "", day: str = "", *, is_day_first: bool = False) -> str:
    """Write a date as Wikipedia does; parts that are not numbers stay as they are.

    >>> long_date("1809", "2", "12"), long_date("1932", "04", "4", is_day_first=True), long_date("1990", "5")
    ('February 12, 1809', '4 April 1932', 'May 1990')
    """
    number = int(month) if re.fullmatch(r"[0-9]{1,2}", month) else 0
    name = MONTHS[number - 1] if 1 <= number <= 12 else month
    day = day.lstrip("0") or day
    if not name:
        return year
    if not day:
        return joined(" ", name, year)
    if is_day_first:
        return joined(" ", day, name, year)
    return joined(", ", f"{name} {day}", year)


def _is_day_first(args: Args) -> bool:
    return args.get("df", "").lower() in _YES or args.get("df", "").lower() == "dmy"


def _date(args: Args, first: int = 1) -> str:
    """`{{birth date|1809|2|12}}` shows 'February 12, 1809'. Source: Template:Birth date."""
    year, month, day = (positional(args, first + offset) for offset in range(3))
    return long_date(year, month, day, is_day_first=_is_day_first(args))


def _date_and_age_at_death(args: Args) -> str:
    """`{{death date and age|died...|born...}}` shows 'April 15, 1865 (aged 56)'. Source: its page."""
    parts = [positional(args, place) for place in range(1, 7)]
    shown = _date(args)
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return shown
    died, born = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    years = died[0] - born[0] - (died[1:] < born[1:])
    return f"{shown} (aged {years})" if years >= 0 else shown


def _age_at(args: Args) -> str:
    """`{{age|y|m|d|y|m|d}}` shows years between dates; the age today is not known. Source: Template:Age."""
    parts = [positional(args, place) for place in range(1, 7)]
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return HOLE
    born, then = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    return str(max(then[0] - born[0] - (then[1:] < born[1:]), 0))


def _as_of(args: Args) -> str:
    """`{{as of|2010|5}}` shows 'As of May 2010'; lc=y 'as of', since=y 'Since'. Source: Template:As of."""
    if args.get("alt"):
        return args["alt"]
    is_lower = args.get("lc", "").lower() in _YES
    word = "since" if args.get("since", "").lower() in _YES else "as of"
    # The day comes first unless df=us. Source: Template:As of, parameter df.
    is_day_first = args.get("df", "").lower() not in ("us", "mdy")
    date = long_date(*(positional(args, place) for place in (1, 2, 3)), is_day_first=is_day_first)
    bare = args.get("bare", "").lower() in _YES
    shown = date if bare else joined(" ", word if is_lower else word.capitalize(), date)
    return f"{shown}{args.get('post', '')}"


def _with_word(word: str) -> Rule:
    """Templates that put a word before years: `{{circa|1850}}` shows 'c. 1850'. Source: Template:Circa."""

    def rule(args: Args) -> str:
        years = joined(" – " if any(" " in part for part in listed(args)) else "–", *listed(args)[:2])
        return f"{word} {years}" if years else word

    return rule


def _circa(args: Args) -> str:
    """`{{circa|1850|1860}}` shows 'c. 1850 – c. 1860'. Source: Template:Circa."""
    years = listed(args)[:2]
    return " – ".join(f"c. {year}" for year in years) if years else "c."


def _old_style(args: Args) -> str:
    """`{{OldStyleDate|February 2|1905|January 20}}` shows both calendars. Source: Template:OldStyleDate."""
    day, year, old = (positional(args, place) for place in (1, 2, 3))
    separator = ", " if day[:1].isalpha() else " "
    return joined(" ", joined(separator, day, year), f"[O.S. {old}]" if old else "")


def _sortable(args: Args) -> str:
    """`{{dts|1777|12|16}}` shows 'December 16, 1777'. Source: Template:Date table sorting."""
    if args.get("2"):
        return long_date(*(positional(args, place) for place in (1, 2, 3)), is_day_first=args.get("format") == "dmy")
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", positional(args, 1))
    return long_date(*iso.groups()) if iso else positional(args, 1)


def _death_year_and_age(args: Args) -> str:
    """`{{death year and age|1950|1900}}` shows '1950 (aged 49–50)'. Source: Template:Death year and age."""
    died, born = positional(args, 1), positional(args, 2)
    if not (re.fullmatch(r"[0-9]{1,4}", died) and re.fullmatch(r"[0-9]{1,4}", born)):
        return died
    years = int(died) - int(born)
    return f"{died} (aged {years - 1}–{years})" if years > 0 else died


def _film_date(args: Args) -> str:
    """`{{film date|1997|1|17|Spain}}` shows 'January 17, 1997 (Spain)'. Source: Template:Film date."""
    place = positional(args, 4)
    return joined(" ", _date(args), f"({place})" if place and not place.isdigit() else "")


def _first(args: Args) -> str:
    return text_of(args, "1")


def _hole(_args: Args) -> str:
    """Values of the day of reading (`{{CURRENTYEAR}}`) are not in the dump: a hole. Source: Help:Magic words."""
    return HOLE


RULES: dict[str, Rule] = {
    "age": _age_at,
    "age at date": _age_at,
    "as of": _as_of,
    "asof": _as_of,
    "birth date": _date,
    "birth year and age": _first,
    "birth-date": _first,
    "circa": _circa,
    "date": lambda args: long_date(*reversed(listed(args)[:3])) if len(listed(args)) > 1 else _first(args),
    "death date and age": _date_and_age_at_death,
    "death year and age": _death_year_and_age,
    "dts": _sortable,
    "film date": _film_date,
    "floruit": _with_word("fl."),
    "oldstyledate": _old_style,
    "reign": _with_word("r."),
    "start date": _date,
    "currentyear": _hole,
}
RULES = with_aliases(
    RULES,
    {
        "age": "age in years|age in years and days|age in years, months and days|ayd|time interval",
        "as of": "as of when",
        "birth date": "bda|birth date and age|birth date and age2|death date|dob",
        "birth year and age": "birth year|death year|mya",
        "birth-date": (
            "birth date text|birth-date and age|death-date|death-date and age|end-date|start date text|start-date"
        ),
        "circa": "c.|ca|ca.|circa.",
        "currentyear": (
            "age in days|currentdate|currentday|currentmonth|currentmonthname|currentmonthname/year|today|years ago"
        ),
        "death date and age": "dda",
        "dts": "date table sorting|dtsa|dtsh",
        "film date": "filmdate",
        "floruit": "fl|fl.",
        "oldstyledate": "old style date|oldstyledatedy|os date",
        "reign": "r.",
        "start date": (
            "end date|end date and age|release date|release date and age|start and end dates|start date and age"
        ),
    },
)
RULES |= {
    "b.": _with_word("b."),
    "born": _with_word("born"),
    "d.": _with_word("d."),
    "died": _with_word("died"),
    "ma": lambda args: joined(" ", "–".join(listed(args)[:2]), "Ma"),
    "mya": lambda args: joined(" ", "–".join(listed(args)[:2]), "million years ago"),
}
