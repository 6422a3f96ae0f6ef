"""Arguments of a template: positional under "1", "2", ..., and named; how a rule reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Args", "Rule", "joined", "listed", "pairs", "positional", "superscript", "text_of", "with_aliases"]

Args = Mapping[str, str]
Rule = Callable[[Args], str]
"""What one template shows for its arguments."""

_SUPERSCRIPTS = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")
_SUPERSCRIPT_DIGITS = frozenset("0123456789+-−")


def positional(args: Args, place: int) -> str:
    """Return the argument at a place counted from 1, or ''.

    >>> positional({"1": "fr", "2": "x"}, 2)
    'x'
    """
    return args.get(str(place), "")


def text_of(args: Args, *names: str) -> str:
    """Return the first argument of these names that is not empty, or ''.

    >>> text_of({"1": "", "text": "x"}, "1", "text")
    'x'
    """
    for name in names:
        value = args.get(name, "")
        if value:
            return value
    return ""


def listed(args: Args, limit: int = 200) -> list[str]:
    """Return the positional arguments that are not empty, at most limit of them.

    >>> listed({"1": "a", "2": "", "3": "b", "class": "x"})
    ['a', 'b']
    """
    values = []
    place = 1
    while place <= limit and (value := args.get(str(place))) is not None:
        if value:
            values.append(value)
        place += 1
    return values


def joined(separator: str, *parts: str) -> str:
    """Join the parts that are not empty.

    >>> joined(", ", "a", "", "b")
    'a, b'
    """
    return separator.join(part for part in parts if part)


def superscript(text: str) -> str:
    """Return digits and signs as Unicode superscripts, any other text as it is.

    An exponent changes the meaning of a number (10²⁴ is not 1024), an ordinal does not (1st).

    >>> superscript("−24"), superscript("st")
    ('⁻²⁴', 'st')
    """
    return text.translate(_SUPERSCRIPTS) if text and _SUPERSCRIPT_DIGITS.issuperset(text) else text


def with_aliases(rules: Mapping[str, Rule], aliases: Mapping[str, str]) -> dict[str, Rule]:
    """Add the redirects of templates to a table of rules.

    Args:
        rules: template name -> rule.
        aliases: template name -> the names that redirect to it, with bars between.

    >>> sorted(with_aliases({"convert": str}, {"convert": "conv|cvt0"}))
    ['conv', 'convert', 'cvt0']
    """
    table = dict(rules)
    for name, others in aliases.items():
        table.update(dict.fromkeys(others.split("|"), rules[name]))
    return table


def pairs(text: str) -> dict[str, str]:
    """Read a table that is written as `key=value,key=value` over several lines.

    >>> pairs("fr=French,de=German")
    {'fr': 'French', 'de': 'German'}
    """
    found = {}
    for pair in text.split(","):
        key, _, value = pair.strip().partition("=")
        found[key] = value
    return found
