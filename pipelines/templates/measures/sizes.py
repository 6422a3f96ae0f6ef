"""Templates of sizes that convert in a form of their own: short, of persons, of tracks, of people on an area."""

from __future__ import annotations

import re

from pipelines.templates.measures.convert import convert
from pipelines.templates.measures.measures import read_number
from pipelines.templates.measures.units import find_unit
from pipelines.templates.words import DATA, Args, Rule, join_nonempty, positional, read_table, with_commas

__all__ = ["RULES", "size_rule"]


def _short_convert(args: Args) -> str:
    """Show `{{cvt|10|km}}` as '10 km (6.2 mi)': convert with abbr=on. Source: Template:Cvt."""
    return convert({"abbr": "on", **args})


def _height(args: Args) -> str:
    """Show `{{height|ft=5|in=11}}` as '5 ft 11 in (1.80 m)'. Source: Template:Height."""
    if args.get("ft"):
        return convert(
            {"1": args["ft"], "2": "ft", "3": args.get("in") or "0", "4": "in", "5": "m", "6": "2", "abbr": "on"}
        )
    for code in ("m", "cm"):
        if args.get(code):
            return convert({"1": args[code], "2": code, "3": "ftin", "abbr": "on"})
    return positional(args, 1)


_GAUGES_MM = read_table(DATA / "gauges.tsv", 2, str)
"""Track gauges in millimetres with their imperial names. Source: Template:Track gauge, list of gauges."""
_IMPERIAL = {imperial.replace(" 1/2", ".5").replace(" ", ""): mm for mm, imperial in _GAUGES_MM.items()}
"""Imperial name as articles write it, 3ft6in -> millimetres."""
_NAMED_GAUGES = {"standard": "1435", "sg": "1435", "std": "1435", "ussg": "1435", "uksg": "1435", "metre": "1000mm",
                 "meter": "1000mm", "metric": "1000mm", "cape": "1067", "irish": "1600", "russian": "1520mm",
                 "indian": "1676", "iberian": "1668mm"}  # fmt: skip
"""Name of a gauge -> millimetres, with mm behind where they come first."""
_KINDS = {"1435": "standard gauge", "1000": "metre gauge"}


def _gauge(args: Args) -> str:
    """Show `{{RailGauge|1435mm}}` as '1,435 mm (4 ft 8 1/2 in)', and `{{RailGauge|3ft6in}}` the other way round.

    Source: Template:Track gauge.
    """
    written = positional(args, 1).lower().replace(" ", "").replace(",", "")
    gauge = _NAMED_GAUGES.get(written) or _IMPERIAL.get(written) or written
    millimetres = gauge.removesuffix("mm")
    if millimetres not in _GAUGES_MM:
        return positional(args, 1)
    metric, imperial = f"{with_commas(millimetres)} mm", _GAUGES_MM[millimetres]
    shown = f"{metric} ({imperial})" if gauge.endswith("mm") else f"{imperial} ({metric})"
    return join_nonempty(" ", shown, _KINDS.get(millimetres, "") if args.get("al") in ("on", "yes", "y") else "")


def size_rule(name: str) -> Rule | None:
    """Find the rule of an old template that is named after two units.

    >>> size_rule("mi to km")({"1": "10"}), size_rule("to be or not to be")
    ('10 miles (16 km)', None)
    """
    source, joint, target = name.partition(" to ")
    if not joint or find_unit(source) is None or find_unit(target) is None:
        return None
    return lambda args: convert({**args, "1": positional(args, 1), "2": source, "3": target})


def _hands(args: Args) -> str:
    """Show `{{hands|15.2}}` as '15.2 hands (62 inches, 157 cm)': 15 hands and 2 inches. Source: Template:Hands.

    >>> _hands({"1": "14", "2": "to", "3": "15.2"})
    '14 to 15.2 hands (56 to 62 inches, 142 to 157 cm)'
    """
    heights = [value for value in (positional(args, 1), positional(args, 3)) if value]
    if not heights or not all(re.fullmatch(r"[0-9]{1,2}(?:\.[0-3])?", height) for height in heights):
        return join_nonempty(" ", *heights, "hands" if heights else "")
    joint = f" {positional(args, 2)} " if len(heights) > 1 else ""
    # The digit behind the point counts inches; a hand has four.
    inches = [4 * int(height.split(".")[0]) + int(height.partition(".")[2] or 0) for height in heights]
    centimetres = joint.join(str(round(number * 2.54)) for number in inches)
    return f"{joint.join(heights)} hands ({joint.join(map(str, inches))} inches, {centimetres} cm)"


def _population_density(args: Args) -> str:
    """Show `{{pop density|3645257|640081.87|km2|sqmi}}` as '5.7/km² (14.8/sq mi)'. Source: Template:Pop density."""
    people, area = read_number(positional(args, 1)), read_number(positional(args, 2))
    unit, target = f"PD/{positional(args, 3) or 'km2'}", f"PD/{positional(args, 4) or 'sqmi'}"
    if people is None or area is None or area.value <= 0:
        return ""
    density = people.value / area.value
    places = args.get("prec", "")
    decimals = int(places) if re.fullmatch(r"[0-6]", places) else 0 if density >= 10 else 1
    return convert({"1": f"{density:.{decimals}f}", "2": unit, "3": target, "4": str(decimals), "abbr": "on"})


RULES: dict[str, Rule] = {
    "convert": convert,
    "cvt": _short_convert,
    "hands": _hands,
    "height": _height,
    "pop density": _population_density,
    "railgauge": _gauge,
}
