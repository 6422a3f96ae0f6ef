"""Templates of numbers, as the words that Wikipedia shows."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from pipelines.templates.words import (
    MINUS,
    Args,
    Rule,
    all_positional,
    first_value,
    in_words,
    join_nonempty,
    ordinal,
    ordinal_in_words,
    positional,
    raised_power,
    with_commas,
)

__all__ = ["RULES"]


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
    """Show `{{val|6.2|0.1|e=18|u=m/s}}` as '(6.2±0.1)×10¹⁸ m/s', and `{{val|e=10}}` as 10¹⁰. Source: Template:Val."""
    shown = with_commas(positional(args, 1))
    second, third = positional(args, 2), positional(args, 3)
    if second.startswith("("):  # uncertainty of the last digits: 1.00794(7)
        shown += second
    elif second and third:  # an uncertainty that differs upwards and downwards
        shown += f" (+{second.lstrip('+')} / {MINUS}{third.lstrip('-−')})"
    elif second:
        shown += f"±{with_commas(second)}"
        if args.get("e"):
            shown = f"({shown})"
    if args.get("e"):
        shown += f"{'×' if shown else ''}10{raised_power(args['e'])}"
    unit = first_value(args, "u", "ul", "up", "upl")
    shown = f"{args.get('p', '')}{shown}{args.get('s', '')}"
    return join_nonempty("" if unit[:1] in "%°" else " ", shown, unit)


def _times_ten(args: Args) -> str:
    """Show `{{e|24}}` as ×10²⁴. Source: Template:E."""
    return f"×10{raised_power(positional(args, 1))}" if positional(args, 1) else ""


def _ten_to(args: Args) -> str:
    """Show `{{10^|24}}` as 10²⁴. Source: Template:10^."""
    return f"10{raised_power(positional(args, 1))}" if positional(args, 1) else "10"


def _first_number(args: Args) -> str:
    """Show `{{nts|1000}}` and `{{formatnum:1000}}` as 1,000. Source: Template:Number table sorting."""
    return with_commas(first_value(args, "1"))


def _show_nothing(_args: Args) -> str:
    """Show nothing: `{{ntsh|5}}` is a hidden key for sorting. Source: Template:Number table sorting."""
    return ""


def _ordinal(args: Args) -> str:
    """Show `{{ordinal|2}}` as 2nd. Source: Template:Ordinal."""
    return ordinal(positional(args, 1).replace(",", ""))


def _words(args: Args) -> str:
    """Show `{{number to word|5}}` as 'five', with a capital where case=U. Source: Template:Number to word.

    >>> _words({"1": "21"}), _words({"1": "5", "case": "U"}), _words({"1": "5", "ord": "on"}), _words({"1": "2.5"})
    ('twenty-one', 'Five', 'fifth', '2.5')
    """
    text = positional(args, 1).replace(",", "").replace(MINUS, "-")
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        return positional(args, 1)
    is_ordinal = bool(first_value(args, "ord"))
    with_and = args.get("us", "") not in ("on", "yes") and args.get("sp", "") != "us"
    words = ordinal_in_words(int(text)) if is_ordinal else in_words(int(text), with_and=with_and)
    return words[:1].upper() + words[1:] if args.get("case", "").lower() in ("u", "upper", "s") else words


def _ordinal_words(args: Args) -> str:
    """Show `{{ordinal to word|5}}` as 'fifth'. Source: Template:Ordinal to word."""
    return _words({**args, "ord": "on"})


def _words_by_manual(args: Args) -> str:
    """Show numbers to nine in words, larger ones in digits. Source: Template:Spellnum per MOS; MOS:NUMERAL."""
    text = positional(args, 1).replace(",", "")
    return _words(args) if re.fullmatch(r"[0-9]", text) else with_commas(text)


def _roman(args: Args) -> str:
    """Show `{{Roman|14}}` as XIV. Source: Template:Roman.

    >>> _roman({"1": "1994"}), _roman({"1": "x"})
    ('MCMXCIV', 'x')
    """
    text = positional(args, 1)
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 0 < int(text) < 4000:
        return text
    signs, number = "", int(text)
    for size, sign in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
                       (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):  # fmt: skip
        signs += sign * (number // size)
        number %= size
    return signs


def _rounded(args: Args) -> str:
    """Show `{{round|62212|-2}}` as 62200, with the decimals that the second argument gives. Source: Template:Round."""
    return _decimal(positional(args, 1), positional(args, 2) or "0")


def _significant(args: Args) -> str:
    """Show `{{sigfig|4.22|2}}` as 4.2: so many significant figures. Source: Template:Sigfig."""
    value, figures = _float(positional(args, 1)), positional(args, 2)
    if value is None or not value or not re.fullmatch(r"[0-9]{1,2}", figures):
        return positional(args, 1)
    return _decimal(positional(args, 1), str(int(figures) - 1 - math.floor(math.log10(abs(value)))))


def _decimal(text: str, places: str) -> str:
    """Round halves away from zero; a text that is no number stays as it is.

    >>> _decimal("62212", "-2"), _decimal("2.345", "2"), _decimal("-0.5", "0"), _decimal("x", "1")
    ('62200', '2.35', '−1', 'x')
    """
    value = _float(text)
    if value is None or abs(value) > 1e15 or not re.fullmatch(r"-?[0-9]{1,2}", places):
        return text
    # By the decimal text and not by the binary value, in which 2.345 is a little less.
    step = Decimal(1).scaleb(-max(min(int(places), 15), -15))
    shown = (Decimal(repr(value)) / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    return f"{shown:f}".replace("-", MINUS)


def _float(text: str) -> float | None:
    """Read a number that may hold commas and the sign of Wikipedia's minus."""
    cleaned = text.replace(",", "").replace(MINUS, "-")
    return (
        float(cleaned) if len(cleaned) <= 40 and re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", cleaned) else None
    )


def _percentage(args: Args) -> str:
    """Show `{{percentage|1|4}}` as 25%. Source: Template:Percentage."""
    try:
        part, whole = float(positional(args, 1)), float(positional(args, 2))
        digits = min(int(positional(args, 3) or 0), 10)
        if not math.isfinite(part / whole):
            return ""
        return f"{100 * part / whole:.{max(digits, 0)}f}%"
    except (ValueError, ZeroDivisionError, OverflowError):
        return ""


RULES: dict[str, Rule] = {
    "10^": _ten_to,
    "e": _times_ten,
    "formatnum": _first_number,
    "format price": _first_number,
    "frac": _fraction,
    "ntsh": _show_nothing,
    "number to word": _words,
    "ordinal": _ordinal,
    "ordinal to word": _ordinal_words,
    "percentage": _percentage,
    "roman": _roman,
    "round": _rounded,
    "sfrac": _stacked_fraction,
    "sigfig": _significant,
    "spellnum per mos": _words_by_manual,
    "val": _value,
}
