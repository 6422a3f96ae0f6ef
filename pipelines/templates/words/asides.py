"""Text that belongs to a line only where the line says something else, too: a citation or a position in prose."""

from __future__ import annotations

import re

__all__ = ["ASIDE", "aside", "settle_asides"]

ASIDE, _CLOSING = "\ufde0", "\ufde1"
"""Noncharacters, which no article holds, before and behind an aside."""

_ASIDE = re.compile(f"{ASIDE}[^{ASIDE}{_CLOSING}]*{_CLOSING}")
_WORD = re.compile(r"\w")


def aside(text: str) -> str:
    """Mark a text as an aside, which `settle_asides` keeps or removes when the whole line is known.

    `See {{cite book|title=Tea}} for more.` is a sentence with a citation in it; `* {{cite book|title=Tea}}` is an
    entry of a bibliography, and no prose.
    """
    return f"{ASIDE}{text}{_CLOSING}" if text else ""


def settle_asides(line: str) -> str:
    """Keep the asides of a line that has words of its own, and remove those of any other line.

    >>> settle_asides(f"See {aside('Bell (1999)')}."), settle_asides(f"{aside('Bell (1999)')}.")
    ('See Bell (1999).', '.')
    """
    if ASIDE not in line:
        return line
    without = _ASIDE.sub("", line)
    return line.replace(ASIDE, "").replace(_CLOSING, "") if _WORD.search(without) else without
