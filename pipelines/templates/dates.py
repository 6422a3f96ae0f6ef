"""Templates of dates and ages, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.ages import full_years
from pipelines.templates.words import UNKNOWN_VALUE, Args, Rule, all_positional, first_value, join_nonempty, positional

__all__ = ["RULES", "long_date", "read_date"]

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
_FORMATS = frozenset({"dmy", "mdy", "iso", "ymd", "dm", "md", "my", "y", "none", "raw", ""})
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DAY_FIRST = re.compile(r"(?:(?P<day>[0-9]{1,2}) )?(?P<month>[A-Za-z]{3,9}\.?),? (?P<year>[0-9]{3,4})")
_MONTH_FIRST = re.compile(r"(?P<month>[A-Za-z]{3,9}\.?) (?P<day>[0-9]{1,2}),? (?P<year>[0-9]{3,4})")
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
    years = full_years(born, died)
    return f"{shown} (aged {years})" if years >= 0 else shown


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
    """Show `{{OldStyleDate|23 April|1564|13 April}}` as '23 April [O.S. 13 April] 1564'. Source: its page."""
    day, year, old = (positional(args, place) for place in (1, 2, 3))
    return join_nonempty(" ", day, f"[O.S. {old}]" if old else "", year)


def _old_style_years(args: Args) -> str:
    """Show `{{OldStyleDateDY|9 May|1905|26 April 1905}}` with the year before the brackets. Source: its page.

    >>> _old_style_years({"1": "January 5", "2": "1901", "3": "December 23, 1900"})
    'January 5, 1901 [O.S. December 23, 1900]'
    """
    day, year, old = (positional(args, place) for place in (1, 2, 3))
    separator = ", " if day[:1].isalpha() else " "  # 'May 2, 1905', but '2 May 1905'
    return join_nonempty(" ", join_nonempty(separator, day, year), f"[O.S. {old}]" if old else "")


def _old_style_days(args: Args) -> str:
    """Show `{{OldStyleDateNY|25 March|14 March}}` as '25 March [O.S. 14 March]'. Source: Template:OldStyleDateNY."""
    day, old = positional(args, 1), positional(args, 2)
    return join_nonempty(" ", day, f"[O.S. {old}]" if old else "")


def _sortable(args: Args) -> str:
    """Show `{{dts|1777|12|16}}` as 'December 16, 1777'. Source: Template:Date table sorting."""
    if args.get("2"):
        return long_date(*(positional(args, place) for place in (1, 2, 3)), is_day_first=args.get("format") == "dmy")
    iso = _ISO.fullmatch(positional(args, 1))
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


def read_date(text: str) -> tuple[str, str, str] | None:
    """Read the year, the number of the month and the day of a date in words or in ISO 8601; None where it is no date.

    >>> read_date("4 May 1999"), read_date("May 4, 1999"), read_date("1999-05-04"), read_date("May 1999")
    (('1999', '5', '4'), ('1999', '5', '4'), ('1999', '5', '4'), ('1999', '5', ''))
    """
    if iso := _ISO.fullmatch(text):
        return iso[1], iso[2].lstrip("0"), iso[3].lstrip("0")
    match = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if not match:
        return None
    month = next((place for place, name in enumerate(_MONTHS, 1) if _is_month(match["month"], name)), 0)
    return (match["year"], str(month), match["day"] or "") if month else None


def _is_month(written: str, name: str) -> bool:
    """Return whether a word is a month, in full or in three letters."""
    return written.lower().rstrip(".") in (name.lower(), name[:3].lower())


def _date_in_format(args: Args) -> str:
    """Show `{{date|4 May 1999|mdy}}` as 'May 4, 1999'; the day comes first without a format. Source: Template:Date."""
    parts = all_positional(args)[:3]
    if len(parts) == 3 or (len(parts) == 2 and parts[1].lower() not in _FORMATS):
        return long_date(*reversed(parts))
    date = read_date(positional(args, 1))
    form = parts[1].lower() if len(parts) > 1 else ""
    if date is None or form in ("none", "raw"):
        return _show_first(args)
    if form in ("iso", "ymd"):
        return "-".join(part.zfill(2) for part in date if part)
    return long_date(*date, is_day_first=form not in ("mdy", "md"))


def _duration(args: Args) -> str:
    """Show `{{duration|1:23:45}}` as written, and `{{duration|m=3|s=5}}` as '3:05'. Source: Template:Duration."""
    if args.get("1"):
        return join_nonempty(":", *(positional(args, place) for place in (1, 2, 3)))
    parts = [args.get(name, "") for name in ("h", "m", "s")]
    first = next((place for place, part in enumerate(parts) if part), 3)
    return ":".join([*parts[first : first + 1], *(part.zfill(2) for part in parts[first + 1 :])])


def _ago(unit: str) -> Rule:
    """Show `{{Ma|66}}` as '66 Ma', and `{{Ma|66|56}}` as '66–56 Ma'. Source: Template:Ma, Template:Mya."""
    return lambda args: join_nonempty(" ", "–".join(all_positional(args)[:2]), unit)


def _value_of_today(_args: Args) -> str:
    """Show an unknown value: `{{CURRENTYEAR}}` depends on the day of reading. Source: Help:Magic words."""
    return UNKNOWN_VALUE


RULES: dict[str, Rule] = {
    "as of": _as_of,
    "birth date": _date,
    "birth year and age": _show_first,
    "birth-date": _show_first,
    "circa": _circa,
    "date": _date_in_format,
    "death date and age": _date_and_age_death,
    "death year and age": _death_year_and_age,
    "dts": _sortable,
    "duration": _duration,
    "film date": _film_date,
    "floruit": _with_word("fl."),
    "ga": _ago("Ga"),
    "ka": _ago("ka"),
    "ma": _ago("Ma"),
    "bya": _ago("billion years ago"),
    "kya": _ago("thousand years ago"),
    "mya": _ago("million years ago"),
    "oldstyledate": _old_style,
    "oldstyledatedy": _old_style_years,
    "oldstyledateny": _old_style_days,
    "reign": _with_word("r."),
    "start date": _date,
    "currentyear": _value_of_today,
    "b.": _with_word("b."),
    "born": _with_word("born"),
    "d.": _with_word("d."),
    "died": _with_word("died"),
}
