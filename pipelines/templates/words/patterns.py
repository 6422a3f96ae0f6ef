"""Patterns of templates whose words stand around their arguments, as tables write them."""

from __future__ import annotations

import re

from pipelines.templates.words.args import Args, Rule, first_value

__all__ = ["pattern_rule"]

_VARIABLE = re.compile(r"\$(?:([0-9])|\{([a-z0-9_,\- ]+)\})")
_OPTIONAL = re.compile(r"⟦([^⟦⟧]*)⟧")


def pattern_rule(pattern: str) -> Rule:
    """Return the rule of a template that shows a pattern.

    `$1` is the first argument, and `${text,1}` the first of these that has a value. A part in `⟦...⟧` is left out
    where an argument in it is missing. A template with arguments in its pattern shows nothing where none of them is
    given, unless they are all optional.

    >>> law = pattern_rule("$1 U.S.C. § $2⟦($3)⟧")
    >>> law({"1": "42", "2": "1983"}), law({"1": "42", "2": "1983", "3": "a"}), law({})
    ('42 U.S.C. § 1983', '42 U.S.C. § 1983(a)', '')
    >>> pattern_rule("—")({}), pattern_rule("née⟦ $1⟧")({})
    ('—', 'née')
    """
    if "$" not in pattern or not _VARIABLE.search(pattern):
        return lambda _args: pattern
    # Outside of ⟦⟧ stand the even parts, inside the odd ones.
    parts = [_variables(part) for part in _OPTIONAL.split(pattern)]
    fixed = [names for place, (_, variables) in enumerate(parts) for names in variables if place % 2 == 0]

    def rule(args: Args) -> str:
        if fixed and not any(first_value(args, *names) for names in fixed):
            return ""
        shown = []
        for place, (texts, variables) in enumerate(parts):
            values = [first_value(args, *names) for names in variables]
            if place % 2 == 0 or all(values):
                shown.append(texts[0] + "".join(value + text for value, text in zip(values, texts[1:], strict=True)))
        return "".join(shown)

    return rule


def _variables(part: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Split a part of a pattern into the texts between its variables, and the names of each variable.

    >>> _variables("$1 of ${text,2}")
    (['', ' of ', ''], [('1',), ('text', '2')])
    """
    pieces = _VARIABLE.split(part)
    names = [tuple((place or several).split(",")) for place, several in zip(pieces[1::3], pieces[2::3], strict=True)]
    return pieces[::3], names
