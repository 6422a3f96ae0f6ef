"""Templates of codes: of airports and stock exchanges, and the letters after a person's name."""

from __future__ import annotations

from pipelines.templates.words import (
    DATA,
    Args,
    Rule,
    all_positional,
    first_value,
    join_nonempty,
    positional,
    read_table,
)

__all__ = ["RULES"]

_REGISTERS = ("IATA", "ICAO", "FAA LID", "WMO")
"""What the arguments of Template:Airport codes mean, by their place."""


def _airport_codes(args: Args) -> str:
    """Show `{{airport codes|JFK|KJFK|JFK}}` as '(IATA: JFK, ICAO: KJFK, FAA LID: JFK)'. Source: Template:Airport codes.

    >>> _airport_codes({"1": "", "2": "EGCB", "p": "n"})
    'ICAO: EGCB'
    """
    codes = [(label, positional(args, place)) for place, label in enumerate(_REGISTERS, start=1)]
    shown = join_nonempty(", ", *(f"{label}: {code}" for label, code in codes if code.strip("-–—")))
    is_plain = first_value(args, "p", "parentheses").lower() in ("n", "no")
    return shown if is_plain or not shown else f"({shown})"


def _exchange(label: str) -> Rule:
    """Show `{{nasdaq|MSFT}}` as 'Nasdaq: MSFT'. Source: Category:Stock exchange templates."""
    return lambda args: f"{label}: {positional(args, 1)}" if positional(args, 1) else ""


def _post_nominals(args: Args) -> str:
    """Show `{{post-nominals|country=GBR|OBE|FRS}}` as 'OBE FRS'. Source: Template:Post-nominals."""
    letters = all_positional(args)
    separator = ", " if first_value(args, "sep").strip() in (",", "comma") else " "
    return separator.join(letters) if letters else first_value(args, "list", "post-nominals", "post-noms")


RULES: dict[str, Rule] = {
    **{name: _exchange(label) for name, label in read_table(DATA / "stock_exchanges.tsv", 2, str).items()},
    "airport codes": _airport_codes,
    "post-nominals": _post_nominals,
}
