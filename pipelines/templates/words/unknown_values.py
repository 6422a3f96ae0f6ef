"""Values that no dump holds, such as a price or an age of today: what stands for them, and how a text does without."""

from __future__ import annotations

import re

__all__ = ["UNKNOWN_VALUE", "remove_unknown_values"]

UNKNOWN_VALUE = "\ufdd0"
"""Stands in a text for a value that is not in the dump. A Unicode noncharacter, which no article holds."""

# One pattern for each place where a value can go without harm to the sentence. All are bounded in length, so that
# an article with many signs and no end of a clause cannot make the search quadratic.
_IN_PARENTHESES = re.compile(
    rf"(?<!\s)\s*\([^(){UNKNOWN_VALUE}]{{0,500}}{UNKNOWN_VALUE}[^()]{{0,500}}\)"
    rf"|(?<!\s)\s*\[[^\[\]{UNKNOWN_VALUE}]{{0,500}}{UNKNOWN_VALUE}[^\[\]]{{0,500}}\]"
)
_APPOSITION = (
    r"(?:or|now|today|about|around|roughly|approximately|nearly|over|equal|equivalent|worth|equating|adjusted)\b"
)
_IN_APPOSITION = re.compile(
    rf"(?:(?<!\s)\s*[,;]|\s[–—])\s*{_APPOSITION}[^,;.()–—\n]{{0,120}}{UNKNOWN_VALUE}[^,;.()–—\n]{{0,120}}"
    r"(?=[,;.()–—\n]|$)"
)
_ALONE = re.compile(rf"(?:(?:US|A|C|NZ)?[$£€¥₹])?{UNKNOWN_VALUE}(?:\s*(?:million|billion|trillion))?")


def remove_unknown_values(text: str) -> str:
    """Remove unknown values with the parentheses or the apposition around them; an ellipsis replaces the others.

    Args:
        text: prose or wikitext in which `UNKNOWN_VALUE` may stand.

    Returns:
        The text without any `UNKNOWN_VALUE`.

    >>> remove_unknown_values(f"A ticket was $5 (${UNKNOWN_VALUE} in {UNKNOWN_VALUE} dollars). It sold.")
    'A ticket was $5. It sold.'
    >>> remove_unknown_values(f"It cost $800, equivalent to ${UNKNOWN_VALUE} in 2015, a lot.")
    'It cost $800, a lot.'
    >>> remove_unknown_values(f"They estimate a cost of ${UNKNOWN_VALUE}, with care at 10%.")
    'They estimate a cost of …, with care at 10%.'
    """
    if UNKNOWN_VALUE not in text:
        return text
    # Only innermost parentheses match: eight rounds remove eight levels, which is more than prose has.
    for _level in range(8):
        text, count = _IN_PARENTHESES.subn("", text)
        if not count:
            break
    return _ALONE.sub("…", _IN_APPOSITION.sub("", text))
