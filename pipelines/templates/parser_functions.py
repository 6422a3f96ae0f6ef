"""Parser functions and magic words whose first argument follows a colon in the name: {{#if: x | yes}}, {{uc:abc}}."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.templates.expressions import evaluate, number_of_expression
from pipelines.templates.words import Args, Rule, language_name, positional, with_commas

__all__ = ["magic_word"]

_WITHOUT_A_WIKI = frozenset({"anchorencode", "canonicalurl", "defaultsort", "displaytitle", "filepath", "fullurl",
                             "int", "localurl", "ns", "nse", "pagesincategory", "urlencode"})  # fmt: skip
"""Magic words whose result depends on a wiki, or is no text."""
_MAX_PADDING = 100


def magic_word(written: str) -> Rule | None:
    """Find the rule of a parser function.

    Args:
        written: the name as the page writes it, with the first argument: `#if: x`, `uc:abc`.

    Source: Help:Magic words, Help:Extension:ParserFunctions.

    >>> magic_word("uc:abc")({}), magic_word("#ifeq: a")({"1": "A", "2": "yes", "3": "no"}), magic_word("tea: x")
    ('ABC', 'no', None)
    """
    head, colon, rest = written.partition(":")
    if not colon:
        return None
    head, rest = head.strip().lower(), rest.strip()
    if head in _ON_TEXT:
        shown = _ON_TEXT[head](rest)
        return lambda _args: shown
    if head in _ON_ARGUMENTS:
        rule = _ON_ARGUMENTS[head]
        return lambda args: rule(rest, args)
    # Other parser functions need a wiki to be computed.
    return (lambda _args: "") if head.startswith("#") or head in _WITHOUT_A_WIKI else None


def _branches(args: Args) -> list[str]:
    """Return the arguments in their order; `class=x` is no name here, but the text of a branch."""
    return [value if name.isdigit() else f"{name}={value}" for name, value in args.items()]


def _branch(args: Args, number: int) -> str:
    branches = _branches(args)
    return branches[number] if number < len(branches) else ""


def _if(condition: str, args: Args) -> str:
    """Show the first branch where the condition is not empty, else the second one."""
    return _branch(args, 0 if condition else 1)


def _if_equal(first: str, args: Args) -> str:
    """Show the second argument where the first equals the text in the name, else the third one."""
    return _branch(args, 1 if _is_equal(first, _branch(args, 0)) else 2)


def _if_expression(expression: str, args: Args) -> str:
    """Show the first branch where the expression is not 0."""
    return _branch(args, 0 if number_of_expression(expression) else 1)


def _if_error(text: str, args: Args) -> str:
    """Show the text, or the branch for a text without an error: here nothing has an error."""
    return _branch(args, 1) or text


def _is_equal(first: str, second: str) -> bool:
    """Compare as numbers where both are numbers, and by letter otherwise.

    >>> _is_equal("1.0", "1"), _is_equal("a", "A")
    (True, False)
    """
    if first == second:
        return True
    if not all(re.fullmatch(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", text) for text in (first, second)):
        return False
    return float(first) == float(second)


def _switch(subject: str, args: Args) -> str:
    """Show the value of the case that the subject equals; a case without a value takes that of the next one.

    >>> _switch("b", {"a": "1", "1": "b", "c": "2", "#default": "3"}), _switch("x", {"a": "1", "1": "last"})
    ('2', 'last')
    """
    default, last, is_found = "", "", False
    for name, value in args.items():
        if name.isdigit() and not _is_equal(subject, name):
            last = value
            is_found = is_found or _is_equal(subject, value)
        elif is_found or _is_equal(subject, name):
            return value
        else:
            last = ""
            default = value if name == "#default" else default
    # A text at the end without a case is what is shown otherwise.
    return last or default


def _pad(*, is_left: bool) -> Callable[[str, Args], str]:
    """Show `{{padleft:7|3|0}}` as 007. Source: Help:Magic words."""

    def rule(text: str, args: Args) -> str:
        width = positional(args, 1)
        size = min(int(width), _MAX_PADDING) if re.fullmatch(r"[0-9]{1,3}", width) else 0
        filling = (positional(args, 2) or "0") * max(size - len(text), 0)
        filling = filling[: max(size - len(text), 0)]
        return filling + text if is_left else text + filling

    return rule


def _plural(number: str, args: Args) -> str:
    """Show `{{plural:2|is|are}}` as 'are'."""
    return positional(args, 1) if number in ("1", "-1") else positional(args, 2) or positional(args, 1)


def _format_number(number: str, args: Args) -> str:
    """Show `{{formatnum:12345}}` as 12,345, and without commas where R or NOSEP follows."""
    options = {value.upper() for value in args.values()}
    return number.replace(",", "") if "R" in options else number if "NOSEP" in options else with_commas(number)


def _language(code: str, args: Args) -> str:
    """Show `{{#language:fr|en}}` as French; without a language to name it in, the name is its own, which we lack."""
    return language_name(code) if positional(args, 1) == "en" else ""


def _title_parts(title: str, args: Args) -> str:
    """Show `{{#titleparts:A/B/C|1}}` as A: so many parts, from the one that the second argument gives."""
    parts = title.split("/")
    count, first = (positional(args, place) for place in (1, 2))
    start = int(first) - 1 if re.fullmatch(r"[1-9][0-9]?", first) else 0
    end = start + int(count) if re.fullmatch(r"[1-9][0-9]?", count) else len(parts)
    return "/".join(parts[start:end])


_ON_TEXT: dict[str, Callable[[str], str]] = {
    "#expr": evaluate,
    "lc": str.lower,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "uc": str.upper,
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "grammar": lambda text: text,
}
_ON_ARGUMENTS: dict[str, Callable[[str, Args], str]] = {
    "#if": _if,
    "#ifeq": _if_equal,
    "#iferror": _if_error,
    "#ifexist": _if,  # most pages that an article asks for exist
    "#ifexpr": _if_expression,
    "#language": _language,
    "#switch": _switch,
    "#titleparts": _title_parts,
    "formatnum": _format_number,
    "padleft": _pad(is_left=True),
    "padright": _pad(is_left=False),
    "plural": _plural,
}
