"""Page variables: magic words that show the title of the page they stand on, such as `{{PAGENAME}}`."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["page_variable"]

_TITLE = frozenset(f"{part}pagename" for part in ("", "article", "base", "full", "root", "subject")) | {"subpagename"}
"""Variables that show a title. An article has no subpages: a slash belongs to its name. Source: Help:Magic words."""
_QUALIFIER = re.compile(r"\s*\([^()]*\)$")
_ENCODED = frozenset(f"{name}e" for name in _TITLE)
_TALK = ("talkpagename", "talkpagenamee")
_EMPTY = frozenset({"namespace", "namespacee", "subjectspace", "subjectspacee", "articlespace", "articlespacee"})
_FIXED = {"namespacenumber": "0", "sitename": "Wikipedia", "talkspace": "Talk", "talkspacee": "Talk"}


def page_variable(name: str, title: str) -> str | None:
    """Return what a page variable shows on a page, or None where the name is none.

    Args:
        name: of a template as written; `PAGENAME:X` asks about the title X.
        title: of the article.

    Source: Help:Magic words, MediaWiki's CoreMagicVariables.

    >>> page_variable("PAGENAME", "Petite Ville"), page_variable("PAGENAME: Help:Tea", "X")
    ('Petite Ville', 'Tea')
    >>> page_variable("PAGENAMEBASE", "Tea (drink)")  # Source: Template:PAGENAMEBASE
    'Tea'
    >>> page_variable("FULLPAGENAMEE", "Petite Ville"), page_variable("convert", "X") is None
    ('Petite_Ville', True)
    """
    variable, colon, other = name.strip().removeprefix("subst:").partition(":")
    variable = variable.strip().lower()
    if variable in _FIXED or variable in _EMPTY:
        return _FIXED.get(variable, "")
    if variable == "pagenamebase":
        return _QUALIFIER.sub("", title)
    asked = other.strip() if colon else title
    if variable in _TALK:
        shown = f"Talk:{asked}"
    elif variable in _TITLE or variable in _ENCODED:
        is_full = variable.startswith("full") or not colon
        shown = asked if is_full else asked.partition(":")[2] or asked
    else:
        return None
    return quote(shown.replace(" ", "_"), safe=":/") if variable in _ENCODED or variable == "talkpagenamee" else shown
