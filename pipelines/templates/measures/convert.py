"""Template:Convert: the measure that the article gives, and the same in other units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.templates.measures.measures import RANGES, Measure, Rest, decimals_of, read_measure, read_number, rounded
from pipelines.templates.measures.units import NUMBER_WORDS, Unit, find_unit
from pipelines.templates.words import (
    DATA,
    MINUS,
    Args,
    Rule,
    all_positional,
    join_nonempty,
    positional,
    read_table,
    superscript,
    with_commas,
)

__all__ = ["RULES"]


class _TwoUnits(NamedTuple):
    """A target that is written in two units, '5 ft 11 in'. size: how many of the smaller make one of the larger."""

    larger: str
    smaller: str
    size: int


_TWO_UNITS = {
    "ftin": _TwoUnits("ft", "in", 12),
    "ft in": _TwoUnits("ft", "in", 12),
    "stlb": _TwoUnits("st", "lb", 14),
    "lboz": _TwoUnits("lb", "oz", 16),
}
_DEFAULTS_OF_TWO_UNITS = {"ft": "m", "yd": "m", "st": "lb kg", "lb": "kg", "mi": "km"}
"""Symbol of the larger unit of a measure in two units -> codes of the units shown beside. Source: Template:Convert."""
_INTEGER = re.compile(r"-?[0-9]{1,2}")


def _unit_text(unit: Unit, *, is_symbol: bool, is_plural: bool, is_us: bool) -> str:
    """Write a unit as its symbol or its name, with the power of ten or the number word that belongs to it."""
    if is_symbol:
        return f"×10{superscript(str(unit.multiple))} {unit.symbol}" if unit.multiple else unit.symbol
    name = unit.plural if is_plural else unit.singular
    if is_us:
        name = name.replace("metre", "meter").replace("litre", "liter").replace("tonne", "metric ton")
    return f"{NUMBER_WORDS[unit.multiple]} {name}" if unit.multiple else name


def _with_unit(numbers: str, unit_text: str) -> str:
    """Write numbers before a unit; a unit that begins with a sign follows without a blank: 2.2/km², 26×10⁹ m³."""
    return numbers + unit_text if unit_text[:1] in "/×" else f"{numbers} {unit_text}"


def _is_adjective(args: Args) -> bool:
    """Return whether the measure is an adjective, 'a 60-mile road'. Source: Template:Convert, adj and sing."""
    return args.get("adj") in ("on", "mid", "1") or args.get("sing") == "on"


def _is_one(measure: Measure) -> bool:
    """Return whether the unit is singular: '1 mile', '1/2 mile', but '0.5 miles'. Source: Template:Convert."""
    number = measure.numbers[0]
    is_one = abs(number.value) == 1 or ("/" in number.text and abs(number.value) < 1)
    return is_one and len(measure.numbers) == 1 and not measure.unit.multiple


def _source_text(measure: Measure, args: Args, is_symbol: bool) -> str:
    """Write the measure as the article gives it."""
    is_adjective, is_us = _is_adjective(args), args.get("sp") == "us"
    # Temperatures have symbols unless abbr=off asks for names. Source: Template:Convert, parameter abbr.
    is_symbol = is_symbol or (measure.unit.kind.startswith("temperature") and args.get("abbr") != "off")
    is_plural = not is_adjective and not _is_one(measure)
    if measure.rest is not None:
        return _two_units_text(measure, measure.rest, is_symbol=is_symbol, is_adjective=is_adjective)
    unit = _unit_text(measure.unit, is_symbol=is_symbol, is_plural=is_plural, is_us=is_us)
    words = [RANGES[word].given for word in measure.ranges]
    if is_adjective and not is_symbol:
        # An adjective is one word: '10-to-20-mile', but '10–20-mile'.
        words = [word.replace(" ", "-") if word.strip().isalpha() else word for word in words]
        return f"{_interleaved([n.text for n in measure.numbers], words)}-{unit.replace(' ', '-')}"
    if is_symbol and set(measure.ranges) == {"x"}:
        return " × ".join(_with_unit(number.text, unit) for number in measure.numbers)
    return _with_unit(_interleaved([number.text for number in measure.numbers], words), unit)


def _two_units_text(measure: Measure, rest: Rest, *, is_symbol: bool, is_adjective: bool) -> str:
    """Write a measure in two units: '5 ft 11 in', '5-foot 11-inch' or '5 feet 11 inches'."""
    first, text = measure.numbers[0].text, rest.text
    if is_symbol:
        return f"{first} {measure.unit.symbol} {text} {rest.unit.symbol}"
    if is_adjective:
        return f"{first}-{measure.unit.singular} {text}-{rest.unit.singular}"
    name = measure.unit.singular if first == "1" else measure.unit.plural
    return f"{first} {name} {text} {rest.unit.singular if text == '1' else rest.unit.plural}"


def _interleaved(values: Sequence[str], words: Sequence[str]) -> str:
    """Put the words of a range between its numbers.

    >>> _interleaved(["3", "6"], [" to "])
    '3 to 6'
    """
    return "".join(value + word for value, word in zip(values, [*words, ""], strict=True))


def _target_text(measure: Measure, code: str, args: Args, decimals: int | None, is_symbol: bool) -> str:
    """Write the measure in another unit; '' where it cannot be converted."""
    two_units = _TWO_UNITS.get(code)
    target = find_unit(two_units.smaller if two_units else code)
    if target is None or target.kind != measure.unit.kind:
        return ""
    source = measure.unit
    results = [
        (number.value * source.scale + source.offset - target.offset) / target.scale for number in measure.numbers
    ]
    # All numbers of a range have the decimals of its most precise one. Source: Module:Convert.
    places = decimals if decimals is not None else max(
        decimals_of(number, source, target, result, measure.rest is not None and source.symbol == "ft")
        for number, result in zip(measure.numbers, results, strict=True)
    )  # fmt: skip
    is_symbol = is_symbol or (target.kind.startswith("temperature") and args.get("abbr") != "off")
    words = [RANGES[word].converted for word in measure.ranges]
    if two_units:
        return _interleaved([_in_two_units(result, two_units, places) for result in results], words)
    texts = [_significant(result, args) or rounded(result, places) for result in results]
    numbers = _interleaved(texts, words)
    if args.get("disp") in ("number", "output number only"):
        return numbers
    # Some units have no symbol but their plural: 'acres' is a name there, and '9,900-acre' its adjective.
    is_name = not is_symbol or target.symbol == target.plural
    if _is_adjective(args) and is_name and not target.multiple:
        name = _unit_text(target, is_symbol=False, is_plural=False, is_us=args.get("sp") == "us")
        return f"{numbers}-{name.replace(' ', '-')}"
    is_plural = len(texts) > 1 or texts[0] != "1" or bool(target.multiple)
    unit = _unit_text(target, is_symbol=is_symbol, is_plural=is_plural, is_us=args.get("sp") == "us")
    if is_symbol and "x" in measure.ranges:
        return " × ".join(_with_unit(text, unit) for text in texts)
    return _with_unit(numbers, unit)


def _in_two_units(result: float, units: _TwoUnits, decimals: int) -> str:
    """Write a result that is in the smaller unit in both.

    >>> _in_two_units(70.87, _TwoUnits("ft", "in", 12), 0)
    '5 ft 11 in'
    """
    larger, smaller, size = units
    # Rounded first, so that 71.9 inches are 6 ft 0 in and not 5 ft 12 in.
    total = float(f"{abs(result):.{max(min(decimals, 6), 0)}f}")
    whole = int(total // size)
    rest = rounded(total - whole * size, max(decimals, 0))
    sign = MINUS if result < 0 and total else ""
    return f"{sign}{whole:,} {larger} {rest} {smaller}" if whole else f"{sign}{rest} {smaller}"


def _significant(result: float, args: Args) -> str:
    """Round to `sigfig` figures or to a multiple of `round`; '' where the article asks for neither."""
    figures, multiple = args.get("sigfig", ""), args.get("round", "")
    # The logarithm of a power of ten may come out a little too small.
    if re.fullmatch(r"[1-9][0-9]?", figures) and result:
        return rounded(result, int(figures) - 1 - math.floor(math.log10(abs(result)) + 1e-14))
    if multiple in ("5", "10", "25", "50", "0.5"):
        step = float(multiple)
        return rounded(math.floor(result / step + 0.5) * step, 1 if step < 1 else 0)
    return ""


def _target_codes(measure: Measure, values: Sequence[str], place: int) -> tuple[list[str], int]:
    """Return the codes of the units to show beside, and the place of the next argument."""
    if place < len(values):
        written = values[place]
        codes = [written] if written in _TWO_UNITS else re.split(r"[ +]+", written)
        if codes and all(code in _TWO_UNITS or find_unit(code) for code in codes):
            return codes[:4], place + 1
        place += not written  # an empty argument asks for the default units
    if measure.rest is not None:
        return _DEFAULTS_OF_TWO_UNITS.get(measure.unit.symbol, "").split(), place
    # The height of a person is written in feet and inches. Source: Module:Convert/data, default of m.
    if measure.unit.symbol == "m" and len(measure.numbers) == 1 and 0 < measure.numbers[0].value < 3:
        return ["ftin"], place
    return measure.unit.defaults.split(), place


def _convert(args: Args) -> str:
    """Show `{{convert|330|mi}}` as '330 miles (530 km)'. Source: Template:Convert, Module:Convert.

    Where the unit is not in our table or the number cannot be read, the article's words are shown without a conversion.

    >>> _convert({"1": "10", "2": "-", "3": "40", "4": "m", "5": "ft"})
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
    # By default the first measure has names and the second one symbols; a flip changes the order, not the style of
    # each place.
    abbreviation, is_flip = args.get("abbr", "out"), "flip" in (args.get("order"), args.get("disp"))
    is_first_symbol = abbreviation in ("on", "in", "values", "none", "comma")
    is_second_symbol = abbreviation not in ("off", "in")
    source = _source_text(measure, args, is_second_symbol if is_flip else is_first_symbol)
    is_target_symbol = is_first_symbol if is_flip else is_second_symbol
    targets = [text for code in codes if (text := _target_text(measure, code, args, decimals, is_target_symbol))]
    extra = next((value for value in values[place:] if value and not _INTEGER.fullmatch(value)), "")
    if args.get("adj") == "mid" and extra and not is_flip:
        source += extra if extra[0] == "-" else f" {extra}"
    return _arrange(source, targets, args.get("disp", ""), is_flip)


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
    between = {"or": " or ", "comma": ", ", "semicolon": "; ", "/": " / ", "slash": " / ", "s": " / "}.get(disp)
    if between:
        return first + between + rest
    return f"{first} [{rest}]" if disp == "sqbr" else f"{first} ({rest})"


def _short_convert(args: Args) -> str:
    """Show `{{cvt|10|km}}` as '10 km (6.2 mi)': convert with abbr=on. Source: Template:Cvt."""
    return _convert({"abbr": "on", **args})


def _height(args: Args) -> str:
    """Show `{{height|ft=5|in=11}}` as '5 ft 11 in (1.80 m)'. Source: Template:Height."""
    if args.get("ft"):
        return _convert(
            {"1": args["ft"], "2": "ft", "3": args.get("in") or "0", "4": "in", "5": "m", "6": "2", "abbr": "on"}
        )
    for code in ("m", "cm"):
        if args.get(code):
            return _convert({"1": args[code], "2": code, "3": "ftin", "abbr": "on"})
    return positional(args, 1)


_GAUGES_MM = read_table(DATA / "gauges.tsv", 2, str)
"""Track gauges in millimetres with their imperial names. Source: Template:Track gauge, list of gauges."""


def _gauge(args: Args) -> str:
    """Show `{{RailGauge|1435mm}}` as '1,435 mm (4 ft 8 1/2 in)'. Source: Template:Track gauge."""
    gauge = positional(args, 1).lower().replace(" ", "")
    millimetres = {"standard": "1435", "sg": "1435", "std": "1435"}.get(gauge, gauge.removesuffix("mm"))
    if millimetres not in _GAUGES_MM:
        return positional(args, 1)
    metric, imperial = f"{with_commas(millimetres)} mm", _GAUGES_MM[millimetres]
    return f"{metric} ({imperial})" if gauge.endswith("mm") else f"{imperial} ({metric})"


def _population_density(args: Args) -> str:
    """Show `{{pop density|3645257|640081.87|km2|sqmi}}` as '5.7/km² (14.8/sq mi)'. Source: Template:Pop density."""
    people, area = read_number(positional(args, 1)), read_number(positional(args, 2))
    unit, target = f"PD/{positional(args, 3) or 'km2'}", f"PD/{positional(args, 4) or 'sqmi'}"
    if people is None or area is None or area.value <= 0:
        return ""
    density = people.value / area.value
    places = args.get("prec", "")
    decimals = int(places) if re.fullmatch(r"[0-6]", places) else 0 if density >= 10 else 1
    return _convert({"1": f"{density:.{decimals}f}", "2": unit, "3": target, "4": str(decimals), "abbr": "on"})


RULES: dict[str, Rule] = {
    "convert": _convert,
    "cvt": _short_convert,
    "height": _height,
    "pop density": _population_density,
    "railgauge": _gauge,
}
