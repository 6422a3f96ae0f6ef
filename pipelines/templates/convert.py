"""Template:Convert: the measure that the article gives, and the same in other units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipelines.templates.args import Args, Rule, joined, listed, pairs, positional, superscript
from pipelines.templates.measures import RANGES, Measure, decimals_of, read_measure, read_number, rounded
from pipelines.templates.numbers import MINUS, with_commas
from pipelines.templates.units import MULTIPLES, Unit, find_unit

__all__ = ["RULES"]

_SPLIT_UNITS = {"ftin": ("ft", "in", 12), "ft in": ("ft", "in", 12), "stlb": ("st", "lb", 14), "lboz": ("lb", "oz", 16)}
_DEFAULT_OF_PARTS = {"ft": "m", "yd": "m", "st": "lb kg", "lb": "kg", "mi": "km"}


def _unit_text(unit: Unit, *, is_symbol: bool, is_plural: bool, is_us: bool) -> str:
    if is_symbol:
        return f"×10{superscript(str(unit.multiple))} {unit.symbol}" if unit.multiple else unit.symbol
    name = unit.plural if is_plural else unit.singular
    if is_us:
        name = name.replace("metre", "meter").replace("litre", "liter").replace("tonne", "metric ton")
    return f"{MULTIPLES[unit.multiple]} {name}" if unit.multiple else name


def _with_unit(numbers: str, unit_text: str) -> str:
    return numbers + unit_text if unit_text[:1] in "/×" else f"{numbers} {unit_text}"


def _is_adjective(args: Args) -> bool:
    """`adj=on` (once `sing=on`) asks for 'a 60-mile road'. Source: Template:Convert, parameter adj."""
    return args.get("adj") in ("on", "mid", "1") or args.get("sing") == "on"


def _is_one(measure: Measure) -> bool:
    """'1 mile' and '1/2 mile', but '0.5 miles' and '1 million barrels'. Source: Template:Convert."""
    number = measure.numbers[0]
    is_one = abs(number.value) == 1 or ("/" in number.text and abs(number.value) < 1)
    return is_one and len(measure.numbers) == 1 and not measure.unit.multiple


def _source_text(measure: Measure, args: Args, is_symbol: bool) -> str:
    """Write the measure as the article gives it."""
    is_adjective, is_us = _is_adjective(args), args.get("sp") == "us"
    is_symbol = is_symbol or (measure.unit.kind.startswith("temperature") and args.get("abbr") != "off")
    is_plural = not is_adjective and not _is_one(measure)
    if measure.part_text:
        text, symbol, code = measure.part_text.split("|")
        part, first = find_unit(code), measure.numbers[0].text
        if is_symbol or part is None:
            return f"{first} {measure.unit.symbol} {text} {symbol}"
        if is_adjective:
            return f"{first}-{measure.unit.singular} {text}-{part.singular}"
        name = measure.unit.singular if first == "1" else measure.unit.plural
        return f"{first} {name} {text} {part.singular if text == '1' else part.plural}"
    unit = _unit_text(measure.unit, is_symbol=is_symbol, is_plural=is_plural, is_us=is_us)
    words = [RANGES[word][0] for word in measure.ranges]
    if is_adjective and not is_symbol:
        words = [word.replace(" ", "-") if word.strip().isalpha() else word for word in words]
        return f"{_interleaved([n.text for n in measure.numbers], words)}-{unit.replace(' ', '-')}"
    if is_symbol and set(measure.ranges) == {"x"}:
        return " × ".join(_with_unit(number.text, unit) for number in measure.numbers)
    return _with_unit(_interleaved([number.text for number in measure.numbers], words), unit)


def _interleaved(values: Sequence[str], words: Sequence[str]) -> str:
    return "".join(value + word for value, word in zip(values, [*words, ""], strict=True))


def _target_text(measure: Measure, code: str, args: Args, decimals: int | None, is_symbol: bool) -> str:
    """Write the measure in another unit; '' where it cannot be converted."""
    split = _SPLIT_UNITS.get(code)
    target = find_unit(split[1] if split else code)
    if target is None or target.kind != measure.unit.kind:
        return ""
    source = measure.unit
    results = [
        (number.value * source.scale + source.offset - target.offset) / target.scale for number in measure.numbers
    ]
    # All numbers of a range have the decimals of its most precise one. Source: Module:Convert.
    places = decimals if decimals is not None else max(
        decimals_of(number, source, target, result, bool(measure.part_text) and source.symbol == "ft")
        for number, result in zip(measure.numbers, results, strict=True)
    )  # fmt: skip
    is_symbol = is_symbol or (target.kind.startswith("temperature") and args.get("abbr") != "off")
    words = [RANGES[word][1] for word in measure.ranges]
    if split:
        return _interleaved([_split_text(result, split, places) for result in results], words)
    texts = [_significant(result, args) or rounded(result, places) for result in results]
    numbers = _interleaved(texts, words)
    if args.get("disp") in ("number", "output number only"):
        return numbers
    is_name = not is_symbol or target.symbol == target.plural
    if _is_adjective(args) and is_name and not target.multiple:
        name = _unit_text(target, is_symbol=False, is_plural=False, is_us=args.get("sp") == "us")
        return f"{numbers}-{name.replace(' ', '-')}"
    is_plural = len(texts) > 1 or texts[0] != "1" or bool(target.multiple)
    unit = _unit_text(target, is_symbol=is_symbol, is_plural=is_plural, is_us=args.get("sp") == "us")
    if is_symbol and "x" in measure.ranges:
        return " × ".join(_with_unit(text, unit) for text in texts)
    return _with_unit(numbers, unit)


def _split_text(result: float, split: tuple[str, str, int], decimals: int) -> str:
    larger, smaller, size = split
    total = float(f"{abs(result):.{max(min(decimals, 6), 0)}f}")
    whole = int(total // size)
    rest = rounded(total - whole * size, max(decimals, 0))
    sign = MINUS if result < 0 and total else ""
    return f"{sign}{whole:,} {larger} {rest} {smaller}" if whole else f"{sign}{rest} {smaller}"


def _significant(result: float, args: Args) -> str:
    """Round to `sigfig` figures or to a multiple of `round`; '' where the article asks for neither."""
    figures, multiple = args.get("sigfig", ""), args.get("round", "")
    if re.fullmatch(r"[1-9][0-9]?", figures) and result:
        return rounded(result, int(figures) - 1 - math.floor(math.log10(abs(result)) + 1e-14))
    if multiple in ("5", "10", "25", "50", "0.5"):
        step = float(multiple)
        return rounded(math.floor(result / step + 0.5) * step, 1 if step < 1 else 0)
    return ""


def _target_codes(measure: Measure, values: Sequence[str], place: int) -> tuple[list[str], int]:
    """Return the codes of the units to show beside, and the place of the next argument."""
    if place < len(values):
        asked = values[place]
        codes = [asked] if asked in _SPLIT_UNITS else re.split(r"[ +]+", asked)
        if codes and all(code in _SPLIT_UNITS or find_unit(code) for code in codes):
            return codes[:4], place + 1
        place += not asked
    if measure.part_text:
        return _DEFAULT_OF_PARTS.get(measure.unit.symbol, "").split(), place
    if measure.unit.symbol == "m" and len(measure.numbers) == 1 and 0 < measure.numbers[0].value < 3:
        return ["ftin"], place
    return measure.unit.defaults.split(), place


def _convert(args: Args) -> str:
    """`{{convert|330|mi}}` shows '330 miles (530 km)'. Source: Template:Convert, Module:Convert.

    A unit that is not in our table, or a number that is none, is shown as written, without a conversion.

    >>> _convert({"1": "10", "2": "-", "3": "40", "4": "m", "5": "ft"})
    '10–40 metres (33–131 ft)'
    """
    values = listed(args, limit=20) if "" not in args.values() else [positional(args, place) for place in _places(args)]
    read = read_measure(values)
    if read is None:
        return joined(
            " ", *(RANGES[value][0].strip() if value in RANGES else value for value in values[: _as_written(values)])
        )
    measure, place = read
    codes, place = _target_codes(measure, values, place)
    decimals = next((int(value) for value in values[place:] if re.fullmatch(r"-?[0-9]{1,2}", value)), None)
    abbreviation, is_flip = args.get("abbr", "out"), "flip" in (args.get("order"), args.get("disp"))
    is_first_symbol = abbreviation in ("on", "in", "values", "none", "comma")
    is_second_symbol = abbreviation not in ("off", "in")
    source = _source_text(measure, args, is_second_symbol if is_flip else is_first_symbol)
    is_target_symbol = is_first_symbol if is_flip else is_second_symbol
    targets = [text for code in codes if (text := _target_text(measure, code, args, decimals, is_target_symbol))]
    extra = next((value for value in values[place:] if value and not re.fullmatch(r"-?[0-9]{1,2}", value)), "")
    if args.get("adj") == "mid" and extra and not is_flip:
        source += extra if extra[0] == "-" else f" {extra}"
    return _arranged(source, targets, args.get("disp", ""), is_flip)


def _places(args: Args) -> range:
    return range(1, 1 + max((int(name) for name in args if re.fullmatch(r"[1-9][0-9]?", name)), default=0))


def _as_written(values: Sequence[str]) -> int:
    """Count the arguments that are the measure: number or text, range words, numbers, and the unit."""
    place = 1 if len(values) > 1 else 0
    while place < len(values) - 1 and (read_number(values[place]) or values[place] in RANGES):
        place += 1
    return place + 1


def _arranged(source: str, targets: Sequence[str], disp: str, is_flip: bool) -> str:
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
    """`{{cvt|10|km}}` is convert with abbr=on. Source: Template:Cvt."""
    return _convert({"abbr": "on", **args})


def _height(args: Args) -> str:
    """`{{height|ft=5|in=11}}` shows '5 ft 11 in (1.80 m)'. Source: Template:Height."""
    if args.get("ft"):
        return _convert(
            {"1": args["ft"], "2": "ft", "3": args.get("in") or "0", "4": "in", "5": "m", "6": "2", "abbr": "on"}
        )
    for code in ("m", "cm"):
        if args.get(code):
            return _convert({"1": args[code], "2": code, "3": "ftin", "abbr": "on"})
    return positional(args, 1)


_GAUGES_MM = pairs(
    """
600=1 ft 11 5/8 in,610=2 ft,750=2 ft 5 1/2 in,760=2 ft 5 15/16 in,762=2 ft 6 in,914=3 ft,
1000=3 ft 3 3/8 in,1067=3 ft 6 in,1219=4 ft,1435=4 ft 8 1/2 in,1520=4 ft 11 27/32 in,
1524=5 ft,1600=5 ft 3 in,1668=5 ft 5 21/32 in,1676=5 ft 6 in
    """
)
"""Track gauges in millimetres with their imperial names. Source: Template:Track gauge, list of gauges."""


def _gauge(args: Args) -> str:
    """`{{RailGauge|1435mm}}` shows '1,435 mm (4 ft 8 1/2 in)'. Source: Template:Track gauge."""
    asked = positional(args, 1).lower().replace(" ", "")
    millimetres = {"standard": "1435", "sg": "1435", "std": "1435"}.get(asked, asked.removesuffix("mm"))
    if millimetres not in _GAUGES_MM:
        return positional(args, 1)
    metric, imperial = f"{with_commas(millimetres)} mm", _GAUGES_MM[millimetres]
    return f"{metric} ({imperial})" if asked.endswith("mm") else f"{imperial} ({metric})"


def _population_density(args: Args) -> str:
    """`{{pop density|3645257|640081.87|km2|sqmi}}` shows people by area in both units. Source: Template:Pop density."""
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
    "conv": _convert,
    "cvt": _short_convert,
    "height": _height,
    "pop density": _population_density,
    "population density": _population_density,
    "railgauge": _gauge,
    "rail gauge": _gauge,
    "track gauge": _gauge,
    "trackgauge": _gauge,
}
