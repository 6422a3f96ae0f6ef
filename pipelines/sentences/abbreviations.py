"""Words beside a full stop: abbreviations, numbers of items, and words that begin a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.templates.words import read_table

__all__ = ["TITLES", "ends_sentence", "is_abbreviation", "opens_sentence"]

_WORDS = read_table(Path(__file__).with_name("data") / "sentence_words.tsv", 2, str)
TITLES = frozenset(word for word, kind in _WORDS.items() if "title" in kind)
"""Abbreviations that stand before a name, without their full stop."""
_NUMBERED = frozenset(word for word, kind in _WORDS.items() if "number" in kind)
_OTHER = frozenset(word for word, kind in _WORDS.items() if kind == "other")
_OPENERS = frozenset(word for word, kind in _WORDS.items() if kind == "opener")
_ALL_WORDS = TITLES | _NUMBERED | _OTHER
_WORD_EDGE = re.compile(r"[\s()\[\]\"“”'‘’—–/]")
_ENUMERATOR = re.compile(r"(?:^|(\w*)[:;.!?]\s)[(\[\"“]?(?:\d{1,3}|[A-Za-z]|[ivx]{2,5})\.$")
_ZONE_OR_DAY = re.compile(
    r"(?:(?:Eastern|Central|Mountain|Pacific|Atlantic|Greenwich|Coordinated)\b|[A-Z]{1,4}T\b|UTC\b|(?:[A-Z][a-z]+)day\b)"
)
_FIRST_WORD = re.compile(r"[\"“(\[]?([A-Z][a-z]*)\b")


def is_abbreviation(before: str, is_number: bool, text: str, start: int) -> bool:
    """Return whether the full stop at the end of a text belongs to its last word, or to the number of an item.

    Args:
        before: what stands before the cut; it ends with the full stop.
        is_number: whether a number follows, or a word such as iPhone.
        text: the paragraph.
        start: where it goes on behind the full stop.
    """
    word = _WORD_EDGE.split(before[:-1])[-1]
    if word in TITLES or _is_enumerator(before):
        return True
    if is_number and (word in _NUMBERED or word.lower() in _NUMBERED):
        return True
    return word.lower() in ("a.m", "p.m") and bool(_ZONE_OR_DAY.match(text, start))


def _is_enumerator(before: str) -> bool:
    """Return whether a text ends with the number of an item of a list that runs within a line.

    >>> [_is_enumerator(text) for text in ("It has: 1.", "Boil it. 2.", "See no. 2.", "J. B.")]
    [True, True, False, False]
    """
    found = _ENUMERATOR.search(before[-24:])
    if not found:
        return False
    word = found.group(1) or ""  # an initial or an abbreviation before it: J. B. or no. 2.
    return len(word) != 1 and word.lower() not in _NUMBERED


def opens_sentence(text: str, start: int) -> bool:
    """Return whether a word stands at a place that begins a sentence far more often than it goes on with one.

    >>> opens_sentence("Jeopardy! The", 10), opens_sentence("Jeopardy! Masters", 10)
    (True, False)
    """
    found = _FIRST_WORD.match(text, start)
    return bool(found and found.group(1) in _OPENERS)


def ends_sentence(text: str) -> bool:
    """Return whether what stands before a full stop may be a sentence: three words, and the last is no abbreviation.

    >>> ends_sentence("it was so"), ends_sentence("now Tea Inc"), ends_sentence("born in the U.S")
    (True, False, False)
    """
    word = text.rpartition(" ")[2]
    is_whole = len(word) > 1 and word.isalnum() and not word.isupper() and not {word, word.lower()} & _ALL_WORDS
    return is_whole and text.count(" ") > 1 and ")" not in text
