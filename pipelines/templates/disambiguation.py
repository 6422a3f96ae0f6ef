"""Templates that mark a page as a list of the meanings of its title."""

from __future__ import annotations

import re

from pipelines.templates.words import DATA, read_table

__all__ = ["is_disambiguation"]

_NAMES = frozenset(read_table(DATA / "disambiguation.tsv", 2, str))
_ABBREVIATIONS = re.compile(r"[234][a-z]+disambig")
"""Templates of abbreviations with 2, 3 or 4 letters, such as 3ccdisambig."""


def is_disambiguation(name: str) -> bool:
    """Return whether a template marks a disambiguation page.

    Args:
        name: template name, lower case, without underscores or blanks at its ends.

    Source: Category:Disambiguation message boxes.

    >>> is_disambiguation("hndis"), is_disambiguation("3ccdisambig"), is_disambiguation("disambiguation needed")
    (True, True, False)
    """
    return name in _NAMES or _ABBREVIATIONS.fullmatch(name) is not None
