"""Templates of countries, flags and ships, as the names that Wikipedia shows."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.templates.args import Args, Rule, first_value, join_nonempty, positional
from pipelines.templates.tables import DATA, read_table

__all__ = ["RULES", "ship_rule"]


class Country(NamedTuple):
    """A row of the table of countries. has_template: whether the code alone is a template of the country."""

    name: str
    has_template: bool


def _read_country(name: str, own_template: str) -> Country:
    return Country(name, {"yes": True, "no": False}[own_template])


_COUNTRIES = read_table(DATA / "countries.tsv", 3, _read_country)
_SHIP_PREFIXES = read_table(DATA / "ships.tsv", 2, str)


def _flag(args: Args) -> str:
    """Show the country's name for `{{flag|Brazil}}` and `{{flagcountry|USA}}`. Source: Template:Flag."""
    shown = first_value(args, "name", "1")  # a code or already a name
    return _COUNTRIES[shown].name if shown in _COUNTRIES else shown


def _forces(name: str) -> Rule:
    """Show `{{army|USA|1861}}` as 'United States Army'. Source: Template:Army, Template:Navy, Template:Air force."""

    def rule(args: Args) -> str:
        country = _flag(args)
        return f"{country} {name}" if country else ""

    return rule


def _country(name: str) -> Rule:
    """Show `{{GRC}}` as 'Greece', and `{{GRC|name=Hellas}}` as 'Hellas'. Source: Template:Country data."""
    return lambda args: args.get("name") or name


def _ship(prefix: str) -> Rule:
    """Show `{{USS|Texas|BB-35|6}}` as 'USS Texas'; the last argument selects the parts. Source: Template:USS."""

    def rule(args: Args) -> str:
        name, hull, style = (positional(args, place) for place in (1, 2, 3))
        return _ship_name(prefix, name, hull, style or args.get("up", ""))

    return rule


def _any_ship(args: Args) -> str:
    """Show `{{ship|HMS|Victory|1765}}` as 'HMS Victory (1765)': the prefix comes first. Source: Template:Ship."""
    prefix, name, hull, style = (positional(args, place) for place in (1, 2, 3, 4))
    return _ship_name(prefix, name, hull, style)


def _ship_name(prefix: str, name: str, hull: str, style: str) -> str:
    """Write a ship's name. Styles: 1 hull only, 2 name only, 3 name and hull, 5 prefix and hull, 6 prefix and name.

    Source: Template:Ship, parameter 4 (format). Without a style the prefix, the name and the hull number are shown.
    """
    if style == "1" and hull:
        return hull
    if style == "2":
        return name
    if style == "3":
        return join_nonempty(" ", name, f"({hull})" if hull else "")
    if style == "5" and hull:
        return join_nonempty(" ", prefix, hull)
    if style == "6":
        return join_nonempty(" ", prefix, name)
    return join_nonempty(" ", prefix, name, f"({hull})" if hull else "")


def _ship_class(args: Args) -> str:
    """Show `{{sclass|Iowa|battleship}}` as 'Iowa-class battleship'. Source: Template:Sclass."""
    name, kind = positional(args, 1), positional(args, 2)
    return join_nonempty(" ", f"{name}-class" if name else "", kind)


def _show_nothing(_args: Args) -> str:
    """Show nothing: `{{flagicon|FRA}}` is a picture. Source: Template:Flagicon."""
    return ""


def ship_rule(name: str) -> Rule | None:
    """Find the rule of a template that is named after a ship's prefix.

    >>> ship_rule("hms")({"1": "Victory", "2": "1765"})
    'HMS Victory (1765)'
    """
    return _ship(_SHIP_PREFIXES[name]) if name in _SHIP_PREFIXES else None


RULES: dict[str, Rule] = {
    **{code.lower(): _country(country.name) for code, country in _COUNTRIES.items() if country.has_template},
    "army": _forces("Army"),
    "navy": _forces("Navy"),
    "air force": _forces("Air Force"),
    "flag": _flag,
    "flagicon": _show_nothing,
    "ship": _any_ship,
    "sclass": _ship_class,
}
