"""Templates of positions on the map: degrees, minutes and seconds, and references to a grid."""

from __future__ import annotations

import re

from pipelines.templates.words import Args, Rule, aside, first_value, positional

__all__ = ["RULES"]

_NUMBER = re.compile(r"[+\-−]?[0-9]{1,3}(?:\.[0-9]{1,12})?")
_SIGNS = ("°", "′", "″")


def _coord(args: Args) -> str:
    """Show `{{coord|51|30|N|0|7|W}}` as '51°30′N 0°7′W' inside a sentence. Source: Template:Coord.

    With display=title it stands at the top of the page alone.
    """
    display = args.get("display", "inline").lower().replace(" ", "")
    if display and not any(word in display.split(",") for word in ("inline", "i", "it", "ti", "inline-title")):
        return ""
    return aside(_position(args))


def _position(args: Args) -> str:
    """Write a latitude and a longitude from up to four arguments each; '' where they are none.

    >>> _position({"1": "51", "2": "30", "3": "N", "4": "0", "5": "7", "6": "W"})
    '51°30′N 0°7′W'
    >>> _position({"1": "43.65", "2": "-79.38"}), _position({"1": "44.112", "2": "-87.913", "format": "dms"})
    ('43.65°N 79.38°W', '44°06′43″N 87°54′47″W')
    """
    values: list[str] = []
    # Behind the numbers and letters follow remarks such as region:GB_type:landmark.
    while len(values) < 8 and (value := positional(args, len(values) + 1)) and _is_part(value):
        values.append(value.upper() if value.isalpha() else value)
    if len(values) == 2:
        latitude, longitude = (
            _decimal(value, letters, args) for value, letters in zip(values, ("NS", "EW"), strict=True)
        )
        return f"{latitude} {longitude}"
    try:
        end = next(place for place, value in enumerate(values) if value in ("N", "S"))
    except StopIteration:
        return ""
    parts, others = values[: end + 1], values[end + 1 :]
    if len(others) != len(parts) or others[-1] not in ("E", "W") or len(parts) > 4:
        return ""
    if len(parts) == 2 and args.get("format") == "dms":
        return f"{_in_degrees(float(parts[0]))}{parts[1]} {_in_degrees(float(others[0]))}{others[1]}"
    return " ".join("".join(map("".join, zip(side[:-1], _SIGNS, strict=False))) + side[-1] for side in (parts, others))


def _is_part(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value)) or value.upper() in ("N", "S", "E", "W")


def _decimal(value: str, letters: str, args: Args) -> str:
    """Write a decimal coordinate with the letter of its sign: the first one where it is positive."""
    letter = letters[1] if value[0] in "-−" else letters[0]
    size = value.lstrip("+-−")
    return f"{_in_degrees(float(size))}{letter}" if args.get("format") == "dms" else f"{size}°{letter}"


def _in_degrees(size: float) -> str:
    """Write degrees, minutes and seconds.

    >>> _in_degrees(44.112)
    '44°06′43″'
    """
    seconds = round(size * 3600)
    return f"{seconds // 3600}°{seconds // 60 % 60:02}′{seconds % 60:02}″"


def _grid(before: str) -> Rule:
    """Show `{{oscoor|SO123456_region:GB}}` as 'SO123456', or its label. Source: Template:Oscoor, Template:Gbmapping."""

    def rule(args: Args) -> str:
        reference = positional(args, 1).partition("_")[0].strip()
        return first_value(args, "2", "name") or (before + reference if reference else "")

    return rule


RULES: dict[str, Rule] = {
    "coord": _coord,
    "gbmapping": _grid("grid reference "),
    "oscoor": _grid(""),
}
