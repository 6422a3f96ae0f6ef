"""Text that belongs to a line only where the line says something else, too: a citation or a position in prose."""

from __future__ import annotations

import re

__all__ = ["OPENING", "aside", "settle_asides"]

# The first sign is that of an unknown value: one search for it finds both kinds of text that need a second look.
OPENING, _CLOSING = "\ufdd0\ufdd4", "\ufdd5"
"""Noncharacters, which no article holds, around an aside."""

_ASIDE = re.compile(f"{OPENING}[^\ufdd4{_CLOSING}]*{_CLOSING}")
_WORD = re.compile(r"\w")


def aside(text: str) -> str:
    """Mark a text as an aside, which `settle_asides` keeps or removes when the whole line is known.

    `See {{cite book|title=Tea}} for more.` is a sentence with a citation in it; `* {{cite book|title=Tea}}` is an
    entry of a bibliography, and no prose.
    """
    return f"{OPENING}{text}{_CLOSING}" if text else ""


def settle_asides(line: str) -> str:
    """Keep the asides of a line that has words of its own, and remove those of any other line.

    >>> settle_asides(f"See {aside('Bell (1999)')}."), settle_asides(f"{aside('Bell (1999)')}.")
    ('See Bell (1999).', '.')
    """
    if OPENING not in line:
        return line
    without = _ASIDE.sub("", line)
    return line.replace(OPENING, "").replace(_CLOSING, "") if _WORD.search(without) else without
