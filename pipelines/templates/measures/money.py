"""Templates of money: signs of currencies, amounts, and prices of today that no dump holds."""

from __future__ import annotations

from pipelines.templates.words import (
    DATA,
    UNKNOWN_VALUE,
    Args,
    Rule,
    first_value,
    join_nonempty,
    positional,
    read_table,
    with_commas,
)

__all__ = ["RULES"]

_CURRENCY_SIGNS = read_table(DATA / "currencies.tsv", 2, str)
"""Template or code of a currency -> its sign. Source: Module:Currency."""


def _money(sign: str) -> Rule:
    """Show `{{US$|2 billion}}` as US$2 billion. Source: Template:US$, Template:GBP."""
    return lambda args: sign + with_commas(positional(args, 1)) if positional(args, 1) else sign


def _currency(args: Args) -> str:
    """Show `{{currency|5000|USD}}` as US$5,000. Source: Template:Currency."""
    sign = _CURRENCY_SIGNS.get(first_value(args, "2", "code").lower(), first_value(args, "2", "code"))
    return sign + with_commas(first_value(args, "1", "amount"))


def _price_of_today(_args: Args) -> str:
    """Show an unknown value: `{{inflation|US|800|1861}}` depends on the day of reading. Source: Template:Inflation."""
    return UNKNOWN_VALUE


_INDIAN_NUMBERS = {"k": "thousand", "m": "million", "b": "billion", "t": "trillion", "l": "lakh", "c": "crore",
                   "lc": "lakh crore"}  # fmt: skip


def _rupees(args: Args) -> str:
    """Show `{{INRConvert|5|c}}` as '₹5 crore', with an unknown value in dollars. Source: Template:INRConvert."""
    amount = with_commas(positional(args, 1))
    number = _INDIAN_NUMBERS.get(positional(args, 2).lower(), "")
    return f"₹{join_nonempty(' ', amount, number)} (US${UNKNOWN_VALUE})" if amount else ""


def _old_pounds(args: Args) -> str:
    """Show `{{£sd|l=5|s=4|d=3}}` as '£5 4s 3d'. Source: Template:Pounds, shillings, and pence."""
    pounds, shillings, pence = (first_value(args, name, place) for name, place in (("l", "1"), ("s", "2"), ("d", "3")))
    parts = (f"£{with_commas(pounds)}" if pounds else "", f"{shillings}s" if shillings else "")
    return join_nonempty(" ", *parts, f"{pence}d" if pence else "")


RULES: dict[str, Rule] = {
    **{name: _money(sign) for name, sign in _CURRENCY_SIGNS.items()},
    "£sd": _old_pounds,
    "currency": _currency,
    "inflation": _price_of_today,
    "inrconvert": _rupees,
}
