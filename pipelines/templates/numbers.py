"""Templates of numbers, money and chemistry, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, all_positional, first_value, join_nonempty, positional, superscript
from pipelines.templates.tables import DATA, read_table
from pipelines.templates.unknown_values import UNKNOWN_VALUE

__all__ = ["MINUS", "RULES", "with_commas"]

MINUS = "−"
_NUMBER = re.compile(r"([+\-−]?)([0-9][0-9,]*|)(\.[0-9]+)?")


def with_commas(text: str) -> str:
    """Group the digits of a number by three, as MediaWiki's formatnum does; other text stays as it is.

    >>> with_commas("1234567.25"), with_commas("-1200"), with_commas("12 to 15"), with_commas("1066")
    ('1,234,567.25', '−1,200', '12 to 15', '1,066')
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match or not (match[2] or match[3]) or len(text) > 100:
        return text.strip()
    digits = match[2].replace(",", "")
    grouped = re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+$)", ",", digits) or "0"
    return match[1].replace("-", MINUS) + grouped + (match[3] or "")


def _fraction(args: Args) -> str:
    """Show `{{frac|5|1|2}}` as 5 1/2, `{{frac|1|2}}` and `{{frac|2}}` as 1/2. Source: Template:Frac."""
    parts = all_positional(args)[:3]
    if len(parts) == 3:
        return f"{parts[0]} {parts[1]}/{parts[2]}"
    return f"{parts[0]}/{parts[1]}" if len(parts) == 2 else f"1/{parts[0]}" if parts else ""


def _stacked_fraction(args: Args) -> str:
    """Show `{{sfrac|a + 1|2}}` as '(a + 1)/2': a sum stands in parentheses. Source: Template:Sfrac."""
    parts = [f"({part})" if re.search(r"[+\-−] | [+\-−]", part) else part for part in all_positional(args)[:3]]
    return _fraction({str(place): part for place, part in enumerate(parts, start=1)})


def _value(args: Args) -> str:
    """Show `{{val|6.2|0.1|e=18|u=m/s}}` as '6.2±0.1×10¹⁸ m/s'. Source: Template:Val."""
    shown = with_commas(positional(args, 1))
    second, third = positional(args, 2), positional(args, 3)
    if second.startswith("("):  # uncertainty of the last digits: 1.00794(7)
        shown += second
    elif second and third:  # an uncertainty that differs upwards and downwards
        shown += f" (+{second.lstrip('+')} / {MINUS}{third.lstrip('-−')})"
    elif second:
        shown += f"±{with_commas(second)}"
    if args.get("e"):
        shown += f"×10{_power(args['e'])}"
    unit = first_value(args, "u", "ul", "up", "upl")
    shown = f"{args.get('p', '')}{shown}{args.get('s', '')}"
    return join_nonempty("" if unit[:1] in "%°" else " ", shown, unit)


def _power(exponent: str) -> str:
    """Write an exponent raised, or after a caret where it has other characters than digits and signs.

    >>> _power("-24"), _power("n")
    ('⁻²⁴', '^n')
    """
    digits = exponent.replace("-", MINUS)
    raised = superscript(digits)
    return raised if raised != digits else f"^{digits}"


def _times_ten(args: Args) -> str:
    """Show `{{e|24}}` as ×10²⁴. Source: Template:E."""
    return f"×10{_power(positional(args, 1))}" if positional(args, 1) else ""


def _ten_to(args: Args) -> str:
    """Show `{{10^|24}}` as 10²⁴. Source: Template:10^."""
    return f"10{_power(positional(args, 1))}" if positional(args, 1) else "10"


def _chemical(args: Args) -> str:
    """Show `{{chem|H|2|O}}` as H2O; indices stand on the line, charges stay as written. Source: Template:Chem."""
    return "".join(all_positional(args))


def _chemical2(args: Args) -> str:
    """Show `{{chem2|SO4(2-)}}` as SO4²⁻: one formula, indices on the line. Source: Template:Chem2."""
    formula = "".join(all_positional(args))
    charged = re.sub(r"\(([0-9]*)([+\-−])\)", lambda m: superscript(m[1] + m[2]), formula)
    return charged.replace("->", "→").replace("<-->", "⇌").replace("*", "·")


_SYMBOLS = read_table(DATA / "elements.tsv", 2, str)
"""Name of an element or particle -> its symbol. Source: IUPAC periodic table; Template:Subatomic particle."""


def _nuclide(args: Args) -> str:
    """Show `{{nuclide|link|helium|4}}` as ⁴He. Source: Template:Nuclide, Template:SimpleNuclide.

    >>> _nuclide({"1": "Link", "2": "helium", "3": "4"})
    '⁴He'
    """
    # `Link` and `anti` style the template and are no part of the name.
    words = [word for word in all_positional(args) if word.lower() not in ("link", "anti")]
    if not words:
        return ""
    symbol = _SYMBOLS.get(words[0].lower(), words[0])
    return superscript(words[1]) + symbol if len(words) > 1 else symbol


def _particle(args: Args) -> str:
    """Show `{{SubatomicParticle|Positron}}` as e⁺. Source: Template:Subatomic particle."""
    name = positional(args, 1)
    return _SYMBOLS.get(name.lower(), name)


_CURRENCY_SIGNS = read_table(DATA / "currencies.tsv", 2, str)
"""Template or code of a currency -> its sign. Source: Module:Currency."""


def _money(sign: str) -> Rule:
    """Show `{{US$|2 billion}}` as US$2 billion. Source: Template:US$, Template:GBP."""
    return lambda args: sign + with_commas(positional(args, 1)) if positional(args, 1) else sign


def _currency(args: Args) -> str:
    """Show `{{currency|5000|USD}}` as US$5,000. Source: Template:Currency."""
    sign = _CURRENCY_SIGNS.get(first_value(args, "2", "code").lower(), first_value(args, "2", "code"))
    return sign + with_commas(first_value(args, "1", "amount"))


def _first_number(args: Args) -> str:
    """Show `{{nts|1000}}` and `{{formatnum:1000}}` as 1,000. Source: Template:Number table sorting."""
    return with_commas(first_value(args, "1"))


def _ordinal(args: Args) -> str:
    """Show `{{ordinal|2}}` as 2nd. Source: Template:Ordinal.

    >>> [_ordinal({"1": number}) for number in ("1", "12", "23")]
    ['1st', '12th', '23rd']
    """
    number = positional(args, 1)
    if not re.fullmatch(r"[0-9]+", number):
        return number
    # 11th, 12th and 13th, but 21st.
    ending = "th" if number[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending


def _price_of_today(_args: Args) -> str:
    """Show an unknown value: `{{inflation|US|800|1861}}` depends on the day of reading. Source: Template:Inflation."""
    return UNKNOWN_VALUE


def _show_nothing(_args: Args) -> str:
    """Show nothing: `{{ntsh|5}}` is a hidden key for sorting. Source: Template:Number table sorting."""
    return ""


def _percentage(args: Args) -> str:
    """Show `{{percentage|1|4}}` as 25%. Source: Template:Percentage."""
    try:
        part, whole = float(positional(args, 1)), float(positional(args, 2))
        digits = min(int(positional(args, 3) or 0), 10)
        return f"{100 * part / whole:.{max(digits, 0)}f}%"
    except (ValueError, ZeroDivisionError, OverflowError):
        return ""


RULES: dict[str, Rule] = {
    **{name: _money(sign) for name, sign in _CURRENCY_SIGNS.items()},
    "10^": _ten_to,
    "chem": _chemical,
    "chem2": _chemical2,
    "currency": _currency,
    "e": _times_ten,
    "formatnum": _first_number,
    "format price": _first_number,
    "frac": _fraction,
    "inflation": _price_of_today,
    "ntsh": _show_nothing,
    "nuclide": _nuclide,
    "ordinal": _ordinal,
    "percentage": _percentage,
    "sfrac": _stacked_fraction,
    "subatomic particle": _particle,
    "val": _value,
}
