"""Units of measurement: code, names, symbol, size in SI units, and the units that are shown beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pipelines.templates.words import DATA, read_table

__all__ = ["NUMBER_WORDS", "Unit", "find_unit", "known_code"]

NUMBER_WORDS = {3: "thousand", 6: "million", 9: "billion", 12: "trillion"}
"""Exponent of ten -> the word that stands before the name of a unit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. A value v means `v * scale + offset` in the SI unit of its kind.

    Args:
        kind: the quantity; only units of one kind convert into each other.
        singular, plural: names in British spelling.
        symbol: as Wikipedia abbreviates it.
        scale: size in SI units.
        defaults: codes of the units that are shown where the article names none, with blanks between.
        offset: of temperatures, in kelvin.
        multiple: the exponent of ten whose word stands before the name (6: million); 0 without a word.
        takes_number: whether k, M, G or T before the code stand for thousand, million and so on.
        is_inverse: whether a larger value means less, as litres per 100 kilometres do: v means 1 / (v * scale).
    """

    kind: str
    singular: str
    plural: str
    symbol: str
    scale: float
    defaults: str
    offset: float = 0.0
    multiple: int = 0
    takes_number: bool = False
    is_inverse: bool = False

    def to_si(self, value: float) -> float:
        """Return a value of this unit in the SI unit of its kind.

        >>> find_unit("mi").to_si(2.0)
        3218.688
        """
        if self.is_inverse:
            return 1 / (value * self.scale) if value else math.inf
        return value * self.scale + self.offset

    def from_si(self, value: float) -> float:
        """Return a value of the SI unit of its kind in this unit.

        >>> round(find_unit("L/100km").from_si(find_unit("mpgus").to_si(30.0)), 2)
        7.84
        """
        if self.is_inverse:
            return 1 / (value * self.scale) if value else math.inf
        return (value - self.offset) / self.scale


def _read_unit(
    kind: str, singular: str, plural: str, symbol: str, scale: str, offset: str, defaults: str, takes_number: str
) -> Unit:
    takes = {"yes": True, "no": False}[takes_number]
    size = float(scale.removeprefix("1/"))
    is_inverse = scale.startswith("1/")
    return Unit(
        kind, singular, plural, symbol, size, defaults, float(offset), takes_number=takes, is_inverse=is_inverse
    )


_UNITS = read_table(DATA / "units.tsv", 9, _read_unit)


def _code_in_table(code: str) -> str:
    if code not in _UNITS:
        raise KeyError(code)
    return code


_REDIRECTS = read_table(DATA / "unit_redirects.tsv", 2, _code_in_table)
_DEFAULTS = read_table(DATA / "numbered_units.tsv", 2, str)
# "koi" is tried before "k": koibbl is a thousand barrels, and oibbl is no unit.
_EXPONENTS = {"koi": 3, "e3": 3, "M": 6, "e6": 6, "G": 9, "e9": 9, "T": 12, "e12": 12, "k": 3}
"""What may stand before a code -> the exponent of ten. Source: Template:Convert, full list of units."""


def known_code(code: str) -> str:
    """Return the code of our table for any code of a unit; an unknown one stays as it is.

    >>> known_code("feet"), known_code("parrot")
    ('ft', 'parrot')
    """
    return _REDIRECTS.get(code, code)


def find_unit(code: str) -> Unit | None:
    """Find the unit of a code of Template:Convert.

    Args:
        code: for instance `km2`, `sqmi`, `e6acre`, `koilbbl/d`; blanks around it do not matter.

    Returns:
        The unit, or None where the code is unknown.

    >>> find_unit("mi").plural, find_unit("e6acre").multiple, find_unit("parrot") is None
    ('miles', 6, True)
    """
    code = code.strip()
    unit = _UNITS.get(_REDIRECTS.get(code, code))
    if unit is not None:
        return unit
    for prefix, exponent in _EXPONENTS.items():
        if code.startswith(prefix):
            rest = code.removeprefix(prefix)
            rest = _REDIRECTS.get(rest, rest)
            unit = _UNITS.get(rest)
            # e6 is a number before any unit; M is one before barrels, but a part of the code in MW.
            if unit is not None and (prefix.startswith("e") or unit.takes_number):
                return _numbered(unit, rest, exponent)
    return None


def _numbered(unit: Unit, code: str, exponent: int) -> Unit:
    """Return a unit with a number word before it; the units beside it carry the same number.

    >>> _numbered(find_unit("kg"), "kg", 6).defaults
    'e6lb'
    """
    number = f"e{exponent}"
    defaults = _DEFAULTS.get(number + code) or " ".join(number + default for default in unit.defaults.split())
    return replace(unit, scale=unit.scale * 10.0**exponent, defaults=defaults, multiple=exponent)
