"""Template:Convert: the measure that the article gives, and the same in other units."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.templates.measures.measure_text import TWO_UNITS, source_text, target_text, unit_name
from pipelines.templates.measures.measures import RANGES, Measure, read_measure, read_number
from pipelines.templates.measures.units import find_unit
from pipelines.templates.words import Args, all_positional, join_nonempty, positional

__all__ = ["convert"]

_DEFAULTS_OF_TWO_UNITS = {"ft": "m", "yd": "m", "st": "lb kg", "lb": "kg", "mi": "km"}
"""Symbol of the larger unit of a measure in two units -> codes of the units shown beside. Source: Template:Convert."""
_MARKS = {"or": " or ", "comma": ", ", "semicolon": "; ", "/": " / ", "slash": " / ", "s": " / ", "br": "<br>"}
"""Parameter disp of Template:Convert -> what stands between the measures."""
_INTEGER = re.compile(r"-?[0-9]{1,2}")


def _target_codes(measure: Measure, values: Sequence[str], place: int) -> tuple[list[str], int]:
    """Return the codes of the units to show beside, and the place of the next argument."""
    if place < len(values):
        written = values[place]
        is_one = written in TWO_UNITS or find_unit(written) is not None  # the code may hold a blank: L/100 km
        codes = [written] if is_one else re.split(r"[ +]+", written)
        if codes and all(code in TWO_UNITS or find_unit(code) for code in codes):
            return codes[:4], place + 1
        place += not written  # an empty argument asks for the default units
    if measure.rest is not None:
        return _DEFAULTS_OF_TWO_UNITS.get(measure.unit.symbol, "").split(), place
    # The height of a person is written in feet and inches. Source: Module:Convert/data, default of m.
    if measure.unit.symbol == "m" and len(measure.numbers) == 1 and 0 < measure.numbers[0].value < 3:
        return ["ftin"], place
    return measure.unit.defaults.split(), place


def convert(args: Args) -> str:
    """Show `{{convert|330|mi}}` as '330 miles (530 km)'. Source: Template:Convert, Module:Convert.

    Where the unit is not in our table or the number cannot be read, the article's words are shown without a conversion.

    >>> convert({"1": "10", "2": "-", "3": "40", "4": "m", "5": "ft"})
    '10–40 metres (33–131 ft)'
    """
    # An empty argument stands for "the default units"; without one the arguments need no counting.
    values = [positional(args, place) for place in _places(args)] if "" in args.values() else all_positional(args, 20)
    read = read_measure(values)
    if read is None:
        return _unread_text(values)
    measure, place = read
    codes, place = _target_codes(measure, values, place)
    decimals = next((int(value) for value in values[place:] if _INTEGER.fullmatch(value)), None)
    extras = [value for value in values[place:] if value and not _INTEGER.fullmatch(value)]
    shown = _shown(measure, codes, args, decimals, extras)
    return shown if "comma" not in args else _without_commas(shown, args["comma"])


def _shown(measure: Measure, codes: Sequence[str], args: Args, decimals: int | None, extras: list[str]) -> str:
    """Write the measure and its conversions. extras: words that adj or disp put in their places."""
    # By default the first measure has names and the second one symbols; a flip changes the order, not the style of
    # each place.
    abbreviation, disp, is_flip = args.get("abbr", "out"), args.get("disp", ""), "flip" in _orders(args)
    is_first_symbol = abbreviation in ("on", "in", "values", "none", "comma")
    is_second_symbol = abbreviation not in ("off", "in")
    is_source_symbol = is_second_symbol if is_flip else is_first_symbol
    is_target_symbol = is_first_symbol if is_flip else is_second_symbol
    if disp in ("unit", "unit2"):
        return _unit_alone(measure, codes, args, is_first=disp == "unit")
    # disp=preunit has a word before each unit, adj=pre one before the first.
    words = [extra.lstrip("+").strip() for extra in extras] if disp == "preunit" or args.get("adj") == "pre" else []
    before_target = words[-1] if words and disp == "preunit" else ""
    source = source_text(measure, args, is_source_symbol, words[0] if words else "")
    if abbreviation == "~":
        source += f" [{unit_name(measure.unit, args, is_symbol=True)}]"
    targets = [
        text for code in codes if (text := target_text(measure, code, args, decimals, is_target_symbol, before_target))
    ]
    if args.get("adj") == "mid" and extras and not is_flip:
        source += extras[0] if extras[0][0] == "-" else f" {extras[0]}"
    if disp == "x" and extras and targets:
        return _between(source, "; ".join(targets), extras)
    return _arrange(source, targets, disp, is_flip)


def _orders(args: Args) -> tuple[str | None, str | None]:
    return args.get("order"), args.get("disp")


def _unit_alone(measure: Measure, codes: Sequence[str], args: Args, *, is_first: bool) -> str:
    """Show the name of the first or second unit without a number. Source: Template:Convert, disp=unit."""
    unit = measure.unit if is_first else find_unit(codes[0]) if codes else None
    return unit_name(unit, args, is_symbol=args.get("abbr") == "on" or not is_first) if unit else ""


def _between(source: str, targets: str, extras: Sequence[str]) -> str:
    """Put the words of disp=x between and behind the measures.

    >>> _between("10 km", "6.2 mi", ["(about", ")"])
    '10 km (about 6.2 mi)'
    """
    before = extras[0] if extras[0][-1] in "([" else f"{extras[0]} "
    joint = "" if before[0] in ",;" else " "
    return f"{source}{joint}{before}{targets}{extras[1] if len(extras) > 1 else ''}"


def _without_commas(text: str, style: str) -> str:
    """Take the commas out of numbers: all for off and gaps, those of four digits for 5.

    >>> _without_commas("1,500 feet", "off"), _without_commas("1,500 or 15,000", "5")
    ('1500 feet', '1500 or 15,000')
    """
    if style == "5":
        return re.sub(r"(?<![0-9,])([0-9]),([0-9]{3})(?![0-9,])", r"\1\2", text)
    return re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", text) if style in ("off", "gaps") else text


def _places(args: Args) -> range:
    """Return the places of the positional arguments, empty ones among them."""
    return range(1, 1 + max((int(name) for name in args if re.fullmatch(r"[1-9][0-9]?", name)), default=0))


def _unread_text(values: Sequence[str]) -> str:
    """Write a measure that cannot be read: number or words, then range words and numbers, then the unit.

    >>> _unread_text(["12", "parrots", "kg"])
    '12 parrots'
    """
    place = 1 if len(values) > 1 else 0
    while place < len(values) - 1 and (read_number(values[place]) or values[place] in RANGES):
        place += 1
    words = (RANGES[value].given.strip() if value in RANGES else value for value in values[: place + 1])
    return join_nonempty(" ", *words)


def _arrange(source: str, targets: Sequence[str], disp: str, is_flip: bool) -> str:
    """Put source and targets together as disp asks. Source: Template:Convert, parameter disp."""
    if not targets:
        return source
    if disp in ("out", "output only", "output number only", "number"):
        return "; ".join(targets)
    shown = [*targets, source] if is_flip else [source, *targets]
    first, rest = shown[0], "; ".join(shown[1:])
    between = {
        "or": " or ",
        "comma": ", ",
        "semicolon": "; ",
        "/": " / ",
        "slash": " / ",
        "s": " / ",
        "br": "<br>",
    }.get(disp)
    if between:
        return first + between + rest
    return f"{first} [{rest}]" if disp == "sqbr" else f"{first} ({rest})"
