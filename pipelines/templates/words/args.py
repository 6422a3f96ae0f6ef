"""Arguments of a template: positional under "1", "2", ..., and named; how a rule reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Args", "Rule", "all_positional", "first_value", "join_nonempty", "positional", "superscript"]

Args = Mapping[str, str]
Rule = Callable[[Args], str]
"""Returns the wikitext that one template shows for its arguments."""

_SUPERSCRIPTS = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")
_SUPERSCRIPT_DIGITS = frozenset("0123456789+-−")


def positional(args: Args, place: int) -> str:
    """Return the argument at a place counted from 1, or ''.

    >>> positional({"1": "fr", "2": "x"}, 2)
    'x'
    """
    return args.get(str(place), "")


def first_value(args: Args, *names: str) -> str:
    """Return the value of the first of these names that has one, or ''.

    >>> first_value({"1": "", "text": "x"}, "1", "text")
    'x'
    """
    for name in names:
        value = args.get(name, "")
        if value:
            return value
    return ""


def all_positional(args: Args, limit: int = 200) -> list[str]:
    """Return the positional arguments that are not empty, from at most `limit` places.

    >>> all_positional({"1": "a", "2": "", "3": "b", "class": "x"})
    ['a', 'b']
    """
    values = []
    place = 1
    while place <= limit and (value := args.get(str(place))) is not None:
        if value:
            values.append(value)
        place += 1
    return values


def join_nonempty(separator: str, *parts: str) -> str:
    """Join the parts that are not empty.

    >>> join_nonempty(", ", "a", "", "b")
    'a, b'
    """
    return separator.join(part for part in parts if part)


def superscript(text: str) -> str:
    """Return digits and signs as Unicode superscripts, and any other text unchanged.

    An exponent changes the meaning of a number (10²⁴ is not 1024), the letters of an ordinal do not (1st).

    >>> superscript("−24"), superscript("st")
    ('⁻²⁴', 'st')
    """
    return text.translate(_SUPERSCRIPTS) if text and _SUPERSCRIPT_DIGITS.issuperset(text) else text
