"""Templates of ships, as the names that Wikipedia shows."""

from __future__ import annotations

from pipelines.templates.words import DATA, Args, Rule, join_nonempty, positional, read_table

__all__ = ["RULES", "ship_rule"]

_SHIP_PREFIXES = read_table(DATA / "ships.tsv", 2, str)


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


_ORBITERS = {"098": "Pathfinder", "099": "Challenger", "101": "Enterprise", "102": "Columbia", "103": "Discovery",
             "104": "Atlantis", "105": "Endeavour"}  # fmt: skip
"""Number of an orbiter vehicle of NASA -> its name."""


def _orbiter(args: Args) -> str:
    """Show `{{OV|103}}` as 'Discovery', and `{{OV|103|full}}` as 'Space Shuttle Discovery'. Source: Template:OV."""
    number = positional(args, 1)
    name = _ORBITERS.get(number.zfill(3), f"OV-{number}" if number else "")
    return f"Space Shuttle {name}" if positional(args, 2) == "full" and number.zfill(3) in _ORBITERS else name


def ship_rule(name: str) -> Rule | None:
    """Find the rule of a template that is named after a ship's prefix.

    >>> ship_rule("hms")({"1": "Victory", "2": "1765"})
    'HMS Victory (1765)'
    """
    return _ship(_SHIP_PREFIXES[name]) if name in _SHIP_PREFIXES else None


RULES: dict[str, Rule] = {"ov": _orbiter, "sclass": _ship_class, "ship": _any_ship}
