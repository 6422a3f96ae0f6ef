"""Unknown templates in a sentence: which of them stand for a word, which word that is, and where one may stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pipelines.templates.words import LANGUAGE_NAMES, UNKNOWN_VALUE, read_table
from pipelines.wikitext.placeholders import IMAGE

__all__ = ["is_between_words", "word_of_template"]

_TABLE = read_table(Path(__file__).with_name("data") / "unshown_words.tsv", 2, str)
_WORDS = frozenset(word for word in _TABLE if "*" not in word)
_BEGINNINGS = tuple(word[:-1] for word in _TABLE if word.endswith("*"))
_ENDINGS = tuple(word[1:] for word in _TABLE if word.startswith("*"))
_NAME_WORD = re.compile(r"[a-z]+")

_MAX_WORD_CHARS = 100
"""A longer argument is text of its own (a note, a quotation, a box) and no word of the sentence."""
_MAX_PLACES = 4
"""The first plain argument is looked for among so many."""
_NOT_PLAIN = re.compile(
    rf"[\n={{}}<>#*{IMAGE}{UNKNOWN_VALUE}]|://|\bwww\.|\.(?:jpe?g|png|gif|svg|ogg|pdf)$"
    r"|^(?:\d+(?:\.\d+)?\s*(?:px|em|%)|[-+]?\d+\.\d{3,}|x|y|n|yes|no|on|off|true|false|none|auto|left|right|center|top"
    r"|bottom|small|nolink|link|abbr|short|long|icon|full|alt|sort|sortable)$",
    re.IGNORECASE,
)
"""Markup, addresses, files, sizes, coordinates and switches are no words."""
_NUMBER = re.compile(r"(?!\d{4}$)[-+−]?[\d.,]+")
"""A number that is no year."""

_BLANKS = " \t\xa0"
_OPENING = '(["“‘«–—-/'
_SENTENCE_END = ".!?…"
_NEXT_WORD = re.compile(r"((?:'s\b|s\b)?[\s()\[\]\"”’»',;:–—/-]*)(\w)?")


def word_of_template(name: str, args: Mapping[str, str]) -> str:
    """Return the wikitext that an unknown template may show in a sentence: its first plain argument; '' if nothing.

    Args:
        name: of the template, lower case. One that names maintenance, a citation, navigation or layout shows nothing.
        args: positional arguments under "1", "2", ...

    >>> word_of_template("stn", {"1": "Lime Street"}), word_of_template("cite law", {"1": "Act"})
    ('Lime Street', '')
    >>> word_of_template("team", {"1": "#ff0000", "2": "Reds"})
    'Reds'
    """
    if name.startswith("#") or _is_unshown(name):
        return ""
    for place in range(1, _MAX_PLACES + 1):
        value = args.get(str(place))
        if value is None:
            return ""
        has_more = bool(args.get(str(place + 1)))
        if has_more and _NUMBER.fullmatch(value):
            return ""  # a template of numbers computes: 40 of {{convert|40|km}} alone says something else
        is_code = has_more and value.lower().partition("-")[0] in LANGUAGE_NAMES  # fr, zh-tw
        if value and len(value) <= _MAX_WORD_CHARS and not is_code and not _NOT_PLAIN.search(value):
            return value if any(char.isalnum() for char in value) else ""
    return ""


@lru_cache(maxsize=1 << 12)
def _is_unshown(name: str) -> bool:
    return any(
        word in _WORDS or word.startswith(_BEGINNINGS) or word.endswith(_ENDINGS) for word in _NAME_WORD.findall(name)
    )


def is_between_words(before: str, after: str) -> bool:
    """Return whether a place in a line is one where a word of the sentence is missing.

    At the end of a sentence it is not. At its start it is, where the sentence goes on with a small letter. A place
    that touches the word before it, as a footnote does, is none either.

    Args:
        before: the line up to the place, without markup.
        after: the line from the place on, without markup.

    >>> is_between_words("Trains to ", " and back."), is_between_words("Held so under ", ".")
    (True, False)
    >>> is_between_words("He left", " at noon.")
    False
    >>> is_between_words("They won. ", " lost."), is_between_words("They won. ", " The rest lost.")
    (True, False)
    """
    match = _NEXT_WORD.match(after)
    between, following = match.groups() if match else ("", None)
    if following is None or not between:
        return False
    left = before.rstrip(_BLANKS)
    if not left or (left[-1] in _SENTENCE_END and left != before):
        return following.islower() and between[0] not in "–—-/;:()"
    return left[-1] in _OPENING or (left != before and left[-1] not in _SENTENCE_END)
