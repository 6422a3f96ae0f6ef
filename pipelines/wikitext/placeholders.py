"""Markers: noncharacters that stand in a text for what must survive its cleaning (links and pictures)."""

from __future__ import annotations

import re

__all__ = [
    "IMAGE_MARK",
    "LINK_END",
    "LINK_START",
    "MAX_NUMBER",
    "clean_input",
    "image_marks",
    "number_char",
    "number_of",
    "without_image_marks",
]

LINK_START, LINK_END, IMAGE_MARK = "\ufdd1", "\ufdd2", "\ufdd3"
"""Unicode noncharacters: no article holds them. A start or an image mark is followed by a number character."""

MAX_NUMBER = 0xFFFD
_FIRST_NUMBER = 0xF0000  # the first of the 65,534 characters of the private plane 15
_IMAGE = re.compile(f"{IMAGE_MARK}[\U000f0000-\U000ffffd]")
_SUSPECT_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127, 0xED, 0xEF, 0xF3])
"""Controls, and the first bytes of all of the other forbidden characters in UTF-8 (and of a few that are not)."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000f0000-\U000fffff]")


def clean_input(text: str) -> str:
    r"""Replace characters that no text should hold: controls, lone surrogates, and our own markers.

    >>> clean_input("a\0b\r\nc")
    'a\ufffdb\nc'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    data = text.encode("utf-8", "surrogatepass")
    if len(data.translate(None, _SUSPECT_BYTES)) == len(data):
        return text  # most texts; five times as fast as looking for the characters
    return _FORBIDDEN.sub("\ufffd", text)


def without_image_marks(text: str) -> str:
    """Return a text without its image marks."""
    return _IMAGE.sub("", text)


def number_char(number: int) -> str:
    """Write a number from 0 to MAX_NUMBER as one character."""
    return chr(_FIRST_NUMBER + number)


def number_of(char: str) -> int:
    """Read a number character; a number outside 0..MAX_NUMBER means that it is none.

    >>> number_of(number_char(7))
    7
    """
    return ord(char) - _FIRST_NUMBER


def image_marks(text: str) -> str:
    """Return the image marks of a text that is dropped, without the text."""
    return "".join(_IMAGE.findall(text)) if IMAGE_MARK in text else ""
