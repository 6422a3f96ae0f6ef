"""Templates of the seasons of a league, as the years that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.words import DATA, Args, Rule, join_nonempty, positional, read_table

__all__ = ["RULES"]

_YEAR = re.compile(r"[12][0-9]{3}")
_GAMES = {"SOG": "Summer Olympics", "WOG": "Winter Olympics", "SPG": "Summer Paralympics",
          "WPG": "Winter Paralympics", "PAG": "Pan American Games", "ASG": "Asian Games", "COG": "Commonwealth Games",
          "SYO": "Summer Youth Olympics", "WYO": "Winter Youth Olympics", "SEG": "Southeast Asian Games",
          "AAG": "African Games", "EUG": "European Games", "UNI": "Summer Universiade"}  # fmt: skip
"""Code of Template:GamesName -> the games."""


def _in_one_year(args: Args) -> str:
    """Show `{{mlby|1990}}` as '1990', and `{{nfly|1990|1995}}` as '1990–1995'. Source: Template:Baseball year."""
    first, second = positional(args, 1), positional(args, 2)
    return join_nonempty("–", first, second if _YEAR.fullmatch(second) else "")


def _over_new_year(args: Args) -> str:
    """Show `{{nhly|1990}}` as '1990–91': the season begins in that year. Source: Template:NHL Year, Template:NBA Year.

    >>> _over_new_year({"1": "1999"}), _over_new_year({"1": "1990-91"}), _over_new_year({"1": "1990", "2": "end"})
    ('1999–2000', '1990–91', '1991')
    """
    first, second = positional(args, 1), positional(args, 2)
    if not _YEAR.fullmatch(first):
        return first.replace("-", "–")
    following = int(first) + 1
    if second in ("start", "end"):
        return first if second == "start" else str(following)
    if _YEAR.fullmatch(second):  # several seasons, from the start of the first one to the end of the last one
        return f"{first}–{int(second) + 1}"
    return f"{first}–{following if following % 100 == 0 else f'{following % 100:02}'}"


def _games(args: Args) -> str:
    """Show `{{GamesName|SOG|2008}}` as '2008 Summer Olympics'. Source: Template:GamesName."""
    name = _GAMES.get(positional(args, 1).upper(), positional(args, 1))
    return join_nonempty(" ", positional(args, 2), name)


def _grand_prix(args: Args) -> str:
    """Show `{{F1 GP|2006|Monaco}}` as '2006 Monaco Grand Prix'. Source: Template:F1 GP."""
    parts = [positional(args, 1), positional(args, 2)]
    return f"{join_nonempty(' ', *parts)} Grand Prix" if any(parts) else ""


RULES: dict[str, Rule] = {
    **read_table(DATA / "seasons.tsv", 2, {"one": _in_one_year, "two": _over_new_year}.__getitem__),
    "f1 gp": _grand_prix,
    "gamesname": _games,
}
