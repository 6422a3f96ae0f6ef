"""Templates that mark a page as a list of the meanings of its title."""

from __future__ import annotations

import re

from pipelines.templates.words import DATA, read_table

__all__ = ["is_disambiguation"]

_NAMES = frozenset(read_table(DATA / "disambiguation.tsv", 2, str))
_RULE = re.compile(
    r"(?:.+[ -])?disambiguation(?: page)?"  # hospital disambiguation, wikipedia disambiguation page
    r"|(?:disambiguation|disambig)[ -](?!needed|need\b|inline|link|repair|notice|redirect|short|navbox|class).+"
    r"|\S*disambig|.+[ -]disambig"  # 3ccdisambig, chinesetitledisambig, airport disambig
)
_MAX_NAME_CHARS = 200
_NO_MESSAGE = re.compile(
    r"(?:r (?:from|to|with) |wikiproject |user |no |not |for |see |avoid |incorrect |incomplete |missing |ambiguous "
    r"|needs? |un(?:necessary|needed) |confusing |malplaced |cleanup |delete |move |redirect |hatnote |navbox ).*"
    r"|word[ -]sense disambiguation"
)
"""Names with the word that mark no page as a list: of redirects, projects, users, requests, of the task itself."""


def is_disambiguation(name: str) -> bool:
    """Return whether a template marks a disambiguation page.

    The rule is by name: any "X disambiguation" or "disambiguation X" but requests to disambiguate and the like, and the
    short forms of the table.

    Args:
        name: template name, lower case, without underscores or blanks at its ends.

    Source: Category:Disambiguation message boxes; Wikipedia:Disambiguation.

    >>> is_disambiguation("hndis"), is_disambiguation("3ccdisambig"), is_disambiguation("road disambiguation")
    (True, True, True)
    >>> is_disambiguation("disambiguation needed"), is_disambiguation("r from incomplete disambiguation")
    (False, False)
    """
    if name in _NAMES:
        return True
    if "disambig" not in name or len(name) > _MAX_NAME_CHARS:
        return False
    return _RULE.fullmatch(name) is not None and _NO_MESSAGE.fullmatch(name) is None
