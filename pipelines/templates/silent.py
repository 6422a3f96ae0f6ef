"""Templates that show nothing in running text: notes, sources, maintenance, boxes, navigation, layout."""

from __future__ import annotations

import re

from pipelines.templates.words import DATA, read_table

__all__ = ["is_silent"]

_TABLE = read_table(DATA / "silent.tsv", 2, str)
_NAMES = frozenset(name for name in _TABLE if "*" not in name)
# str.startswith and str.endswith take a tuple and try all of it in C.
_BEGINNINGS = tuple(name[:-1] for name in _TABLE if name.endswith("*"))
_ENDINGS = tuple(name[1:] for name in _TABLE if name.startswith("*"))
_NAVIGATION = re.compile(
    r"(?:cities|counties|countries|culture|demographics|districts|economy|elections|ethnic groups|foreign relations"
    r"|geography|government|history|islands|languages|leaders|lists?|members|military|monarchs|municipalities|outline"
    r"|parks|politics|presidents|prime ministers|protected areas|provinces|regions|rivers|states|subdivisions|topics"
    r"|universities) (?:of|in|by|on) .+"
)
"""Boxes of links at the foot of an article, named after what they list: 'rivers of Albania'."""


def is_silent(name: str) -> bool:
    """Return whether a template is known to show nothing in running text.

    Args:
        name: normalised template name, lower case.

    Source: the categories that are named in data/silent.tsv; Category:Navigational boxes.

    >>> is_silent("citation needed"), is_silent("infobox country"), is_silent("convert")
    (True, True, False)
    """
    if name in _NAMES or name.startswith(_BEGINNINGS) or name.endswith(_ENDINGS):
        return True
    return _NAVIGATION.fullmatch(name) is not None
