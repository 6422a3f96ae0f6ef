"""Templates of countries, their flags, teams, athletes and forces, as the names that Wikipedia shows."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelines.templates.words import (
    COUNTRIES,
    DATA,
    Args,
    Rule,
    country_name,
    first_value,
    join_nonempty,
    positional,
    read_table,
)

__all__ = ["RULES", "flag_rule"]


class _Forces(NamedTuple):
    """The adjective of a country, and the names of two of its forces."""

    adjective: str
    navy: str
    air_force: str


_FORCES = read_table(DATA / "forces.tsv", 4, _Forces)
_TEAM = re.compile(
    r"(?:bb|bk|bs|cr|curl|fb|fh|floorball|fs|futsal|hb|ih|kb|lax|nb|rl|ru|sb|vb|wp)(?:5|7|7s|9|10)?w?(u?)w?(?:-rt|-big)?"
)
"""Templates of national teams: a sport, perhaps the size of a team, w for women, u for an age. Source:
Category:Sports flag templates."""
_TEAM_NAMES = {"GBR": "Great Britain"}
"""Codes that mean another name in sports than elsewhere."""
_FLAG = re.compile(r"flag(?!country|list|icon|deco|medalist|template)([a-z0-9]*?)(athlete|player)?(?:2|-rt)?")


def _flag(args: Args) -> str:
    """Show the country's name for `{{flag|Brazil}}` and `{{flagcountry|USA}}`. Source: Template:Flag."""
    return country_name(first_value(args, "name", "1"))  # a code or already a name


def _athlete(args: Args) -> str:
    """Show `{{flagIOCathlete|Usain Bolt|JAM|2008 Summer}}` as 'Usain Bolt (JAM)'. Source: Template:FlagIOCathlete."""
    name, country = positional(args, 1), positional(args, 2)
    return join_nonempty(" ", name, f"({country})" if country else "")


def _team(args: Args) -> str:
    """Show `{{fb|GBR}}` and `{{flagIOC|GBR|2012 Summer}}` as 'Great Britain'. Source: Template:FlagIOC, Template:Fb."""
    code = positional(args, 1)
    return args.get("name") or _TEAM_NAMES.get(code) or country_name(code)


def _team_of_age(args: Args) -> str:
    """Show `{{fbu|21|BRA}}` as 'Brazil': the age comes first. Source: Template:Fbu."""
    return _team({**args, "1": positional(args, 2)} if positional(args, 1).isdigit() else args)


def _forces(name: str) -> Rule:
    """Show `{{army|USA|1861}}` as 'United States Army'. Source: Template:Army, Template:Navy, Template:Air force.

    >>> _forces("Navy")({"1": "UK"}), _forces("Army")({"1": "France"}), _forces("Navy")({"1": "USA"})
    ('Royal Navy', 'French Army', 'United States Navy')
    """

    def rule(args: Args) -> str:
        country = country_name(positional(args, 1))
        known = _FORCES.get(country)
        own = {"Navy": known.navy, "Air Force": known.air_force}.get(name, f"{known.adjective} {name}") if known else ""
        return args.get("name") or own or (f"{country} {name}" if country else "")

    return rule


def _country(name: str) -> Rule:
    """Show `{{GRC}}` as 'Greece', and `{{GRC|name=Hellas}}` as 'Hellas'. Source: Template:Country data."""
    return lambda args: args.get("name") or name


def _show_nothing(_args: Args) -> str:
    """Show nothing: `{{flagicon|FRA}}` is a picture. Source: Template:Flagicon."""
    return ""


def flag_rule(name: str) -> Rule | None:
    """Find the rule of a template of a national team, or of a flag beside a name.

    >>> flag_rule("fbw")({"1": "BRA"}), flag_rule("ru-rt")({"1": "SCO"}), flag_rule("flagpasoathlete")({"1": "A"})
    ('Brazil', 'Scotland', 'A')
    """
    if team := _TEAM.fullmatch(name):
        return _team_of_age if team[1] else _team
    if flag := _FLAG.fullmatch(name):
        return _athlete if flag[2] else _team if flag[1] else _flag
    return None


RULES: dict[str, Rule] = {
    **{code.lower(): _country(country.name) for code, country in COUNTRIES.items() if country.has_template},
    "army": _forces("Army"),
    "navy": _forces("Navy"),
    "air force": _forces("Air Force"),
    "coast guard": _forces("Coast Guard"),
    "marine corps": _forces("Marine Corps"),
    "marines": _forces("Marine Corps"),
    "flag": _flag,
    "flag+link": lambda args: country_name(first_value(args, "2", "1")),
    "flagicon": _show_nothing,
}
