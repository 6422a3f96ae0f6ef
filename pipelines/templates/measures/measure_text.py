"""How Template:Convert writes a measure, and the same in another unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from pipelines.templates.measures.measures import RANGES, Measure, Rest, decimals_of, rounded
from pipelines.templates.measures.units import NUMBER_WORDS, Unit, find_unit
from pipelines.templates.words import MINUS, Args, in_words, join_nonempty, superscript

__all__ = ["TWO_UNITS", "TwoUnits", "source_text", "target_text", "unit_name"]


class TwoUnits(NamedTuple):
    """A target that is written in two units, '5 ft 11 in'. size: how many of the smaller make one of the larger."""

    larger: str
    smaller: str
    size: int


TWO_UNITS = {
    "ftin": TwoUnits("ft", "in", 12),
    "ft in": TwoUnits("ft", "in", 12),
    "stlb": TwoUnits("st", "lb", 14),
    "lboz": TwoUnits("lb", "oz", 16),
}


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


def _after_word(word: str, unit: str) -> str:
    """Put a word before a unit: 'nautical miles', 'inhabitants/sq mi'."""
    return join_nonempty("" if unit[:1] == "/" else " ", word, unit)


def _is_adjective(args: Args) -> bool:
    """Return whether the measure is an adjective, 'a 60-mile road'. Source: Template:Convert, adj and sing."""
    return args.get("adj") in ("on", "mid", "1") or args.get("sing") == "on"


def _is_one(measure: Measure) -> bool:
    """Return whether the unit is singular: '1 mile', '1/2 mile', but '0.5 miles'. Source: Template:Convert."""
    number = measure.numbers[0]
    is_one = abs(number.value) == 1 or ("/" in number.text and abs(number.value) < 1)
    return is_one and len(measure.numbers) == 1 and not measure.unit.multiple


def source_text(measure: Measure, args: Args, is_symbol: bool, before_unit: str = "") -> str:
    """Write the measure as the article gives it.

    Args:
        measure: numbers and unit.
        args: of Template:Convert, for its options of style.
        is_symbol: whether the unit is abbreviated.
        before_unit: a word that stands before the unit, or ''.
    """
    is_adjective, is_us = _is_adjective(args), args.get("sp") == "us"
    # Temperatures have symbols unless abbr=off asks for names. Source: Template:Convert, parameter abbr.
    is_symbol = is_symbol or (measure.unit.kind.startswith("temperature") and args.get("abbr") != "off")
    is_plural = not is_adjective and not _is_one(measure)
    if measure.rest is not None:
        return _two_units_text(measure, measure.rest, is_symbol=is_symbol, is_adjective=is_adjective)
    unit = _unit_text(measure.unit, is_symbol=is_symbol, is_plural=is_plural, is_us=is_us)
    unit = _after_word(before_unit, unit)
    texts = [number.text for number in measure.numbers]
    if "spell" in args:
        texts = _spelled(texts, args["spell"])
    words = [RANGES[word].given for word in measure.ranges]
    if args.get("abbr") == "values":
        return _interleaved(texts, words)
    if is_adjective and not is_symbol:
        # An adjective is one word: '10-to-20-mile', but '10–20-mile'.
        words = [word.replace(" ", "-") if word.strip().isalpha() else word for word in words]
        return f"{_interleaved(texts, words)}-{unit.replace(' ', '-')}"
    if is_symbol and set(measure.ranges) == {"x"}:
        return " × ".join(_with_unit(text, unit) for text in texts)
    return _with_unit(_interleaved(texts, words), unit)


def _spelled(texts: list[str], spell: str) -> list[str]:
    """Write numbers in words where `spell` asks for it: in and on, with a capital for In and On.

    >>> _spelled(["5", "1,200", "2.5"], "In"), _spelled(["5"], "")
    (['Five', 'one thousand two hundred', 'two point five'], ['5'])
    """
    if spell.lower() not in ("in", "on", "us"):
        return texts
    spelled = [_number_in_words(text) for text in texts]
    if spell[0].isupper():
        spelled[0] = spelled[0][:1].upper() + spelled[0][1:]
    return spelled


def _number_in_words(text: str) -> str:
    """Write a number in words, and its decimals one by one; fractions and powers of ten stay as they are."""
    match = re.fullmatch(r"(−?)([0-9,]{1,15})(?:\.([0-9]{1,6}))?", text)
    if not match:
        return text
    sign, whole, decimals = match.groups()
    words = in_words(int(f"{sign and '-'}{whole.replace(',', '')}"))
    return f"{words} point {' '.join(in_words(int(digit)) for digit in decimals)}" if decimals else words


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


def target_text(
    measure: Measure, code: str, args: Args, decimals: int | None, is_symbol: bool, before_unit: str = ""
) -> str:
    """Write the measure in another unit; '' where it cannot be converted.

    Args:
        measure: numbers and unit.
        code: of the other unit, or of a pair of units such as `ftin`.
        args: of Template:Convert, for its options of style.
        decimals: how many the article asks for; None for as many as the measure is precise.
        is_symbol: whether the unit is abbreviated.
        before_unit: a word that stands before the unit, or ''.
    """
    two_units = TWO_UNITS.get(code)
    target = find_unit(two_units.smaller if two_units else code)
    if target is None or target.kind != measure.unit.kind:
        return ""
    source = measure.unit
    results = [target.from_si(source.to_si(number.value)) for number in measure.numbers]
    if not all(math.isfinite(result) for result in results):  # no distance with a full tank
        return ""
    # All numbers of a range have the decimals of its most precise one. Source: Module:Convert.
    places = decimals if decimals is not None else max(
        decimals_of(number, source, target, result, measure.rest is not None and source.symbol == "ft")
        for number, result in zip(measure.numbers, results, strict=True)
    )  # fmt: skip
    words = [RANGES[word].converted for word in measure.ranges]
    if two_units:
        return _interleaved([_in_two_units(result, two_units, places) for result in results], words)
    texts = [_significant(result, args) or rounded(result, places) for result in results]
    if "spell" in args and args["spell"].lower() == "on":
        texts = _spelled(texts, args["spell"])
    if args.get("disp") in ("number", "output number only") or args.get("abbr") == "values":
        return _interleaved(texts, words)
    return _with_target_unit(texts, words, target, measure, args, is_symbol, before_unit)


def _with_target_unit(
    texts: list[str],
    words: list[str],
    target: Unit,
    measure: Measure,
    args: Args,
    is_symbol: bool,
    before_unit: str,
) -> str:
    """Write the converted numbers with their unit."""
    # Numbers in words have the name of the unit behind them.
    is_symbol = is_symbol and args.get("spell", "").lower() != "on"
    is_symbol = is_symbol or (target.kind.startswith("temperature") and args.get("abbr") != "off")
    numbers = _interleaved(texts, words)
    # Some units have no symbol but their plural: 'acres' is a name there, and '9,900-acre' its adjective.
    is_name = not is_symbol or target.symbol == target.plural
    if _is_adjective(args) and is_name and not target.multiple:
        name = _unit_text(target, is_symbol=False, is_plural=False, is_us=args.get("sp") == "us")
        return f"{numbers}-{name.replace(' ', '-')}"
    is_plural = len(texts) > 1 or texts[0] != "1" or bool(target.multiple)
    unit = _unit_text(target, is_symbol=is_symbol, is_plural=is_plural, is_us=args.get("sp") == "us")
    unit = _after_word(before_unit, unit)
    if is_symbol and "x" in measure.ranges:
        return " × ".join(_with_unit(text, unit) for text in texts)
    return _with_unit(numbers, unit)


def _in_two_units(result: float, units: TwoUnits, decimals: int) -> str:
    """Write a result that is in the smaller unit in both.

    >>> _in_two_units(70.87, TwoUnits("ft", "in", 12), 0)
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
    """Round to `sigfig` figures, a multiple of `round` or a fraction with `frac` below; '' where none is asked for."""
    figures, multiple, below = args.get("sigfig", ""), args.get("round", ""), args.get("frac", "")
    # The logarithm of a power of ten may come out a little too small.
    if re.fullmatch(r"[1-9][0-9]?", figures) and result:
        return rounded(result, int(figures) - 1 - math.floor(math.log10(abs(result)) + 1e-14))
    if multiple in ("5", "10", "25", "50", "0.5"):
        step = float(multiple)
        return rounded(math.floor(result / step + 0.5) * step, 1 if step < 1 else 0)
    if re.fullmatch(r"[1-9][0-9]?", below) and abs(result) < 1e6:
        parts = round(abs(result) * int(below))
        whole, rest = divmod(parts, int(below))
        fraction = Fraction(rest, int(below))
        shown = join_nonempty(" ", f"{whole:,}" if whole or not rest else "", str(fraction) if rest else "")
        return f"{MINUS}{shown}" if result < 0 and parts else shown
    return ""


def unit_name(unit: Unit, args: Args, *, is_symbol: bool) -> str:
    """Write a unit alone, in the plural where it is a name."""
    return _unit_text(unit, is_symbol=is_symbol, is_plural=True, is_us=args.get("sp") == "us")
