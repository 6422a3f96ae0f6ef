"""A measure as an article writes it, and how precisely the same is written in another unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.templates.measures.units import Unit, find_unit, known_code
from pipelines.templates.words import DATA, MINUS, join_nonempty, read_table, superscript, with_commas

__all__ = ["RANGES", "Measure", "Number", "Rest", "decimals_of", "read_measure", "read_number", "rounded"]

_MAX_DIGITS = 30


class RangeWords(NamedTuple):
    """What stands between the numbers of a range as the article gives it, and between the converted ones."""

    given: str
    converted: str


RANGES = read_table(DATA / "range_words.tsv", 3, RangeWords)
"""Argument between two numbers -> what is shown for it. Source: Template:Convert, ranges."""
_TWO_UNITS = {
    ("ft", "in"): 12,
    ("yd", "ft"): 3,
    ("st", "lb"): 14,
    ("lb", "oz"): 16,
    ("mi", "yd"): 1760,
    ("mi", "ft"): 5280,
    ("mi", "chain"): 80,
    ("mi", "furlong"): 8,
    ("LT", "cwt"): 20,
}
"""Codes of a larger and a smaller unit that form one measure -> how many of the smaller make one of the larger."""
_LARGER_UNITS = frozenset(larger for larger, _ in _TWO_UNITS)
_NUMBER = re.compile(r"([+\-−]?)([0-9][0-9,]*|(?=\.))(\.[0-9]+)?(?:[eE]([+\-−]?[0-9]{1,2}))?")
_FRACTION = re.compile(r"([+\-−]?)(?:([0-9]{1,9})[+\- ])?([0-9]{1,6})//?([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the article writes it. decimals: digits after the point, or minus the number of trailing zeros."""

    text: str
    value: float
    decimals: float


class Rest(NamedTuple):
    """The second number of a measure in two units, as written: the 11 inches of 5 feet 11 inches."""

    text: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Measure:
    """What stands before the target units.

    Args:
        numbers: one, or those of a range.
        ranges: the words between the numbers, as keys of `RANGES`.
        unit: of the numbers.
        rest: the second number and unit of a measure in two units, which the value of the first holds already.
    """

    numbers: tuple[Number, ...]
    ranges: tuple[str, ...]
    unit: Unit
    rest: Rest | None = None


def read_number(text: str) -> Number | None:
    """Read a number of Template:Convert: 1,200, 1.5e6, 5+1/2.

    >>> read_number("1,200"), read_number("5+1/2").text, read_number("about 5") is None
    (Number(text='1,200', value=1200.0, decimals=-2), '5 1/2', True)
    """
    text = text.strip()
    if len(text) > _MAX_DIGITS:
        return None
    if fraction := _FRACTION.fullmatch(text):
        sign, whole, above, below = fraction.groups()
        if not int(below):
            return None
        value = int(whole or 0) + int(above) / int(below)
        shown = join_nonempty(" ", whole or "", f"{above}/{below}")
        is_negative = sign in ("-", MINUS)
        decimals = max(math.log10(int(below)), 1.0)
        return Number((MINUS if is_negative else "") + shown, -value if is_negative else value, decimals)
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    sign, whole, decimals_text, exponent = match.groups()
    digits = whole.replace(",", "")
    value = float(f"{digits or '0'}{decimals_text or ''}e{(exponent or '0').replace(MINUS, '-')}")
    decimals = len(decimals_text) - 1 if decimals_text else -(len(digits) - len(digits.rstrip("0")))
    shown = with_commas(sign.replace("+", "") + digits + (decimals_text or ""))
    if exponent:
        shown += f"×10{superscript(exponent.replace('-', MINUS))}"
    is_negative = sign in ("-", MINUS)
    return Number(shown, -value if is_negative else value, decimals - int((exponent or "0").replace(MINUS, "-")))


def read_measure(values: Sequence[str]) -> tuple[Measure, int] | None:
    """Read numbers, range words and the unit.

    Returns:
        The measure and the place of the argument after it, or None where the arguments are no measure.

    >>> measure, place = read_measure(["10", "to", "40", "m", "ft"])
    >>> [number.value for number in measure.numbers], measure.ranges, measure.unit.plural, place
    ([10.0, 40.0], ('to',), 'metres', 4)
    """
    numbers, ranges, place = [], [], 0
    while place < len(values) and (number := read_number(values[place])) is not None:
        numbers.append(number)
        place += 1
        if place + 1 < len(values) and values[place].lower() in RANGES and len(numbers) < 10:
            ranges.append(values[place].lower())
            place += 1
        else:
            break
    unit = find_unit(values[place]) if numbers and len(numbers) > len(ranges) and place < len(values) else None
    if unit is None:
        return None
    if len(numbers) == 1 and (in_two_units := _read_two_units(numbers[0], unit, values[place : place + 3])):
        return in_two_units, place + 3
    return Measure(tuple(numbers), tuple(ranges), unit), place + 1


def _read_two_units(first: Number, unit: Unit, values: Sequence[str]) -> Measure | None:
    """Read the rest of a measure in two units, `ft|11|in` after a 5; None where it is in one unit."""
    if len(values) < 3 or known_code(values[0]) not in _LARGER_UNITS:
        return None
    code, text, smaller_code = known_code(values[0]), values[1], known_code(values[2])
    if (code, smaller_code) not in _TWO_UNITS:
        return None
    rest, smaller = read_number(text), find_unit(smaller_code)
    if rest is None or smaller is None:
        return None
    value = first.value + math.copysign(rest.value / _TWO_UNITS[code, smaller_code], first.value)
    # Feet and inches give two digits more than feet. Source: Module:Convert, default precision.
    decimals = max(rest.decimals, 0) + (2 if code == "ft" else 0)
    return Measure((Number(first.text, value, decimals),), (), unit, Rest(rest.text, smaller))


def decimals_of(number: Number, source: Unit, target: Unit, result: float, is_in_feet_and_inches: bool) -> int:
    """Choose how many decimals of a result are shown where the article does not fix them.

    The result is about as precise as the source and has two significant figures or more; a temperature has three
    in kelvin. Source: Template:Convert, default rounding.
    """
    if source.kind == "temperature":
        kelvin = abs(number.value * source.scale + source.offset)
        least = 2 if kelvin < 1e-8 else 2 - math.floor(math.log10(kelvin) + 1e-14)
        return max(math.floor(number.decimals), least)
    value, result = abs(number.value), abs(result)
    if value == 0 or result == 0:
        return 0
    # The source's decimals move by the powers of ten between source and result. The logarithm of a power of ten may
    # come out a little too small: 1e-14 and 1e-12 keep floor from taking one more off.
    least = 1 - math.floor(math.log10(result) + 1e-14)
    if is_in_feet_and_inches:
        return max(math.floor(number.decimals + math.log10(target.scale) + 1e-12), least)
    return max(math.floor(number.decimals + math.log10(value / result) + math.log10(2)), least)


def rounded(value: float, decimals: int) -> str:
    """Write a rounded number, halves away from zero, with commas; very large ones as a power of ten.

    >>> rounded(531.08, -1), rounded(-2.25, 1), rounded(9.46e15, -14)
    ('530', '−2.3', '9.5×10¹⁵')
    """
    size = abs(value)
    decimals = max(min(decimals, 12), -300)
    if size >= 1e10 and math.isfinite(size):
        power = math.floor(math.log10(size))
        text = f"{size / 10.0**power:.{max(min(decimals + power, 6), 0)}f}×10{superscript(str(power))}"
    elif decimals < 0:
        step = 10.0**-decimals
        text = with_commas(f"{math.floor(size / step + 0.5) * step:.0f}")
    else:
        text = with_commas(f"{size + 2e-14:.{decimals}f}")
    is_zero = not text.strip("0.")
    return text if value >= 0 or is_zero else MINUS + text
