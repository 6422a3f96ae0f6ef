"""Templates of dates and ages, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.template_args import Args, Rule, joined, listed, positional, text_of

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
    """`{{birth date|1809|2|12}}` shows 'February 12, 1809'. Source: Template:Birth date, Template:Start date."""
    year, month, day = (positional(args, first + offset) for offset in range(3))
    return long_date(year, month, day, is_day_first=_is_day_first(args))


def _date_and_age_at_death(args: Args) -> str:
    """`{{death date and age|died...|born...}}` shows 'April 15, 1865 (aged 56)'. Source: Template:Death date and age."""
    parts = [positional(args, place) for place in range(1, 7)]
    shown = _date(args)
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return shown
    died, born = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    years = died[0] - born[0] - (died[1:] < born[1:])
    return f"{shown} (aged {years})" if years >= 0 else shown


def _age_at(args: Args) -> str:
    """`{{age|y|m|d|y|m|d}}` shows the years between; today's age is not known, so it is dropped. Source: Template:Age."""
    parts = [positional(args, place) for place in range(1, 7)]
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return ""
    born, then = [int(part) for part in parts[:3]], [int(part) for part in parts[3:]]
    return str(max(then[0] - born[0] - (then[1:] < born[1:]), 0))


def _as_of(args: Args) -> str:
    """`{{as of|2010|5}}` shows 'As of May 2010'; lc=y 'as of', since=y 'Since', alt its text. Source: Template:As of."""
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


def _nothing(_args: Args) -> str:
    """Values of today (`{{CURRENTYEAR}}`) are not in the dump. Source: Help:Magic words."""
    return ""


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
    "currentyear": _nothing,
}
for _alias, _name in {
    "birth date and age": "birth date", "bda": "birth date", "dob": "birth date", "birth date and age2": "birth date",
    "birth date text": "birth-date", "death-date": "birth-date", "birth-date and age": "birth-date", "death-date and age": "birth-date",
    "death date": "birth date", "dda": "death date and age", "end date": "start date", "end-date": "birth-date", "start-date": "birth-date",
    "start date and age": "start date", "end date and age": "start date", "start date text": "birth-date", "release date": "start date", "release date and age": "start date",
    "start and end dates": "start date", "date table sorting": "dts", "dtsh": "dts", "dtsa": "dts", "c.": "circa", "ca": "circa", "ca.": "circa", "circa.": "circa",
    "fl.": "floruit", "fl": "floruit", "r.": "reign", "os date": "oldstyledate", "old style date": "oldstyledate", "oldstyledatedy": "oldstyledate",
    "currentmonthname": "currentyear", "currentday": "currentyear", "currentmonth": "currentyear", "currentdate": "currentyear", "today": "currentyear", "currentmonthname/year": "currentyear",
    "age in years": "age", "age in years and days": "age", "age in years, months and days": "age", "time interval": "age", "age in days": "currentyear", "years ago": "currentyear", "ayd": "age",
    "death year": "birth year and age", "birth year": "birth year and age", "mya": "birth year and age", "filmdate": "film date", "as of when": "as of",
}.items():  # fmt: skip
    RULES[_alias] = RULES[_name]
RULES |= {"born": _with_word("born"), "died": _with_word("died"), "b.": _with_word("b."), "d.": _with_word("d."), "ma": lambda args: f"{_first(args)} Ma", "mya": lambda args: joined(" ", joined("–", *listed(args)[:2]), "million years ago")}  # fmt: skip
