"""Holes: places of a text whose words a dump cannot give (prices of today, ages of today), and their mending."""

from __future__ import annotations

import re

__all__ = ["HOLE", "mend_holes"]

HOLE = "\ufdd0"
"""Stands for a value that is not in the dump. A Unicode noncharacter: no article holds it."""

_PARENTHESES = re.compile(
    rf"(?<!\s)\s*\([^(){HOLE}]{{0,500}}{HOLE}[^()]{{0,500}}\)|(?<!\s)\s*\[[^\[\]{HOLE}]{{0,500}}{HOLE}[^\[\]]{{0,500}}\]"
)
_APPOSITION = (
    r"(?:or|now|today|about|around|roughly|approximately|nearly|over|equal|equivalent|worth|equating|adjusted)\b"
)
_CLAUSE = re.compile(
    rf"(?:(?<!\s)\s*[,;]|\s[–—])\s*{_APPOSITION}[^,;.()–—\n]{{0,120}}{HOLE}[^,;.()–—\n]{{0,120}}(?=[,;.()–—\n]|$)"
)
_BARE = re.compile(rf"(?:(?:US|A|C|NZ)?[$£€¥₹])?{HOLE}(?:\s*(?:million|billion|trillion))?")


def mend_holes(text: str) -> str:
    """Take holes out of a text: with their parentheses, else with their apposition, else an ellipsis stands for them.

    Args:
        text: prose or wikitext in which `HOLE` may stand.

    Returns:
        The text without any hole.

    >>> mend_holes(f"A ticket was $5 (${HOLE} in {HOLE} dollars). It sold.")
    'A ticket was $5. It sold.'
    >>> mend_holes(f"It cost $800, equivalent to ${HOLE} in 2015, a lot.")
    'It cost $800, a lot.'
    >>> mend_holes(f"They estimate a cost of ${HOLE}, with care at 10%.")
    'They estimate a cost of …, with care at 10%.'
    """
    if HOLE not in text:
        return text
    for _depth in range(8):
        text, count = _PARENTHESES.subn("", text)
        if not count:
            break
    return _BARE.sub("…", _CLAUSE.sub("", text))
