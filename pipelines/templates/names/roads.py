"""Templates of road junctions and numbered roads, as signs and lists write them."""

from __future__ import annotations

import re

from pipelines.templates.words import DATA, Args, Rule, join_nonempty, positional, read_table

__all__ = ["RULES"]

_ROADS = read_table(DATA / "roads.tsv", 2, str)
"""Type of a road, alone or after the code of its state or country -> how its number is written."""
_SUFFIX = re.compile(r"(.+?)[-–](Alt|Bus|Byp|Bypass|Conn|Spur|Truck|Scenic|Toll|Temp|Loop|Future|Hist|Business)")
_MAX_ROADS = 8


def _junction(args: Args) -> str:
    """Show `{{jct|state=CA|US|101|dir1=north|city1=San Jose}}` as 'US 101 north – San Jose'. Source: Template:Jct.

    >>> _junction({"state": "MI", "1": "M", "2": "5", "3": "I", "4": "96"})
    'M-5 / I-96'
    """
    region = args.get("state") or args.get("province") or args.get("country") or ""
    roads = []
    for number in range(1, _MAX_ROADS + 1):
        kind, route = positional(args, 2 * number - 1), positional(args, 2 * number)
        if not kind and not route:
            break
        name = args.get(f"name{number}", "")
        shown = join_nonempty(" ", _road(region, kind, route), args.get(f"dir{number}", ""))
        to = "To" if args.get(f"to{number}") else ""
        roads.append(join_nonempty(" ", to, shown, f"({name})" if name else ""))
    places = [args.get(f"{kind}{number}", "") for number in range(1, 5) for kind in ("city", "location", "ctdab")]
    roads_text = join_nonempty(" / ", args.get("road") or args.get("extra_text", ""), *roads)
    return join_nonempty(" – ", roads_text, join_nonempty(", ", *places))


def _road(region: str, kind: str, number: str) -> str:
    """Write the number of a road.

    >>> _road("CA", "I", "5"), _road("TX", "US-Bus", "90"), _road("ON", "Hwy", "401"), _road("", "CR", "7")
    ('I-5', 'US 90 Bus.', 'Highway 401', 'CR 7')
    """
    suffix = ""
    if match := _SUFFIX.fullmatch(kind):
        kind, suffix = match[1], {"Business": "Bus", "Bypass": "Byp"}.get(match[2], match[2])
    before = _ROADS.get(f"{region} {kind}") or _ROADS.get(kind)
    if before is None:
        before = f"{kind} "
    road = before.replace("$", number) if "$" in before else f"{before}{number}"
    return join_nonempty(" ", road.strip(), f"{suffix}." if suffix and len(suffix) < 5 else suffix)


RULES: dict[str, Rule] = {"jct": _junction}
