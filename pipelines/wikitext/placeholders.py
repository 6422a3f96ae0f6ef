r"""Placeholders: characters that no article holds, for what must survive the cleaning of a text.

Cleaning moves and removes characters, so positions taken before it are worth nothing after it. A placeholder moves with
the text, and positions are read off when the text is done:

    [[Tea|cup]] and [[File:A.jpg]]
    LINK_START 0 c u p LINK_END   a n d   IMAGE 0
               └─ targets[0] is "Tea"           └─ images[0] is "A.jpg"

The signs are noncharacters, which Unicode reserves for use inside a program; the numbers are one character each,
from a private plane, so that no step takes their digits for text.
"""

from __future__ import annotations

import re

__all__ = [
    "EMPTIED",
    "IMAGE",
    "LINK_END",
    "LINK_START",
    "MAX_NUMBER",
    "MENTIONED",
    "TABLE",
    "TABLE_NUMBER",
    "TRACE",
    "clean_input",
    "image_placeholders",
    "number_char",
    "number_of",
    "without_images",
]

LINK_START, LINK_END, IMAGE, TRACE = "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd8"
"""A link's start, an image and the trace of a dropped template are followed by a number character.

(U+FDD0 stands for an unknown value.)
"""

EMPTIED = "\ufdd4"
"""Stands between quote marks where all that they held shows nothing, so that both go together: `''{{unknown}}''`."""

MENTIONED = "\ufdd5"
"""Stands around marks that a text writes about, `the key <code>,</code> (comma)`: they are not its punctuation."""

MAX_NUMBER = 0xFFFC
_FIRST_NUMBER = 0xF0000  # the first of the 65,534 characters of the private plane 15
TABLE_NUMBER = chr(_FIRST_NUMBER + MAX_NUMBER + 1)
TABLE = IMAGE + TABLE_NUMBER
"""The place of a table that was dropped, written as an image of a number that no image has: it is cleaned as one is."""
_IMAGE_AND_NUMBER = re.compile(f"{IMAGE}[\U000f0000-\U000ffffd]")
_QUOTED_IMAGE = re.compile(f"(?<='){IMAGE}[\U000f0000-\U000ffffd](?=')")
_SUSPECT_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127, 0xED, 0xEF, 0xF3])
"""Control characters, and the first UTF-8 bytes of all the other forbidden characters (and of a few allowed ones)."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000f0000-\U000fffff]")


def clean_input(text: str) -> str:
    r"""Replace characters that no text should hold: control characters, lone surrogates, and our own placeholders.

    >>> clean_input("a\0b\r\nc")
    'a\ufffdb\nc'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    data = text.encode("utf-8", "surrogatepass")
    if len(data.translate(None, _SUSPECT_BYTES)) == len(data):
        return text  # most texts; five times as fast as a search for the characters
    return _FORBIDDEN.sub("\ufffd", text)


def without_images(text: str) -> str:
    """Return a text without its image placeholders.

    >>> without_images(f"a{IMAGE}{number_char(0)}b")
    'ab'
    """
    if f"'{IMAGE}" in text:
        text = _QUOTED_IMAGE.sub(EMPTIED, text)
    return _IMAGE_AND_NUMBER.sub("", text)


def number_char(number: int) -> str:
    """Write a number from 0 to MAX_NUMBER as one character."""
    return chr(_FIRST_NUMBER + number)


def number_of(char: str) -> int:
    """Read a number character; a result outside 0..MAX_NUMBER means that the character is not one.

    >>> number_of(number_char(7))
    7
    """
    return ord(char) - _FIRST_NUMBER


def image_placeholders(text: str) -> str:
    """Return only the image placeholders of a text, for a text that is dropped while its images are kept.

    >>> image_placeholders(f"a{IMAGE}{number_char(0)}b") == IMAGE + number_char(0)
    True
    """
    return "".join(_IMAGE_AND_NUMBER.findall(text)) if IMAGE in text else ""
