"""MediaWiki names: page titles, canonical file names, and the addresses at which Commons serves a file."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from html.entities import html5
from urllib.parse import quote, unquote

__all__ = [
    "THUMBNAIL_WIDTHS_PX",
    "canonical_file",
    "canonical_title",
    "decode_name",
    "decode_percent",
    "file_key",
    "file_page_url",
    "hashed_folder",
    "quoted_name",
    "thumbnail_path",
    "thumbnail_url",
]

_SPACES = re.compile(r"[ _\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_BIDI_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e]+")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_UPLOAD = "https://upload.wikimedia.org/wikipedia/commons"
_VIDEOS = ("ogv", "webm", "mpg", "mpeg")
DEFAULT_THUMBNAIL_WIDTH_PX = 330
THUMBNAIL_WIDTHS_PX = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
"""The widths that Wikimedia serves. Source: Wikimedia's thumbnail size policy, 2025 ($wgThumbnailSteps)."""

_MAX_THUMBNAIL_NAME_BYTES = 160
"""If a file's name is longer, its thumbnail is named `thumbnail`. Source: MediaWiki's FileRepo, abbrvThreshold."""
_RASTERS = {
    "svg": ("", ".png"), "webp": ("", ".png"), "xcf": ("", ".png"), "bmp": ("", ".png"),
    "tif": ("lossy-page1-", ".jpg"), "tiff": ("lossy-page1-", ".jpg"),
    "djvu": ("page1-", ".jpg"), "pdf": ("page1-", ".jpg"),
    "ogv": ("", ".jpg"), "webm": ("", ".jpg"), "mpg": ("", ".jpg"), "mpeg": ("", ".jpg"),
}  # fmt: skip
"""File type -> what its thumbnail's name has before the width, and the suffix of the raster image that is served.

Source: MediaWiki's media handlers (PagedTiffHandler, DjVuHandler, PdfHandler, TimedMediaHandler, SVG, WebP, XCF).
"""


def canonical_title(title: str) -> str:
    """Normalise a title as MediaWiki does: several blanks become one space, the first letter becomes a capital.

    Source: MediaWiki's MediaWikiTitleCodec::splitTitleString.

    >>> canonical_title("  apollo_11 ")
    'Apollo 11'
    """
    if title.isascii() and "_" not in title and "  " not in title:
        text = title.strip(" ")  # four of five titles: nothing to normalise inside
    else:
        text = _SPACES.sub(" ", _BIDI_MARKS.sub("", title)).strip(" ")
    first = text[:1].upper()  # two letters for "ß" and ligatures, which MediaWiki leaves as they are
    return (first if len(first) == 1 else text[:1]) + text[1:]


def decode_percent(name: str) -> str:
    """Decode the percent signs of a name in a link; where they are no UTF-8, the name stays as it is.

    A title holds no percent sign before two hexadecimal digits, so nothing that is a title is changed.

    Source: MediaWiki's Parser::handleInternalLinks2 and MediaWikiTitleCodec::getTitleInvalidRegex.

    >>> decode_percent("Caf%C3%A9"), decode_percent("100% (song)"), decode_percent("%FF")
    ('Café', '100% (song)', '%FF')
    """
    try:
        return unquote(name, errors="strict") if "%" in name else name
    except UnicodeDecodeError:
        return name


def decode_name(name: str) -> str:
    """Decode the percent signs and character references of a name in a link, as MediaWiki does before it looks it up.

    A reference ends with a semicolon, else it is none: in `Q&region` nothing is decoded.

    Source: MediaWiki's Sanitizer::decodeCharReferences.

    >>> decode_name("Rock &amp; Roll.jpg"), decode_name("Caf%C3%A9 &#233;"), decode_name("AT&T &copyright;")
    ('Rock & Roll.jpg', 'Café é', 'AT&T &copyright;')
    """
    text = decode_percent(name)
    return _REFERENCE.sub(_decode_reference, text) if "&" in text else text


def _decode_reference(match: re.Match[str]) -> str:
    reference = match.group()
    if reference[1] == "#":
        return html.unescape(reference)
    return html5.get(reference[1:], reference)


def canonical_file(name: str) -> str:
    """Return the Commons name of a file link: without namespace, blanks for underscores, the first letter a capital.

    >>> canonical_file("image:old_photo.JPG")
    'Old photo.JPG'
    """
    text = canonical_title(name)
    prefix, colon, rest = text.partition(":")
    if colon and prefix.strip().lower() in ("file", "image"):
        text = canonical_title(rest)
    return text


def file_key(name: str) -> str:
    """Return the key by which the names of a file are compared: its canonical name with composed accents.

    >>> file_key("e\u0301tude_1.jpg")
    'Étude 1.jpg'
    """
    return unicodedata.normalize("NFC", canonical_file(unicodedata.normalize("NFC", name)))


def hashed_folder(file: str) -> str:
    """Return the folder of a file below the root of Commons: the first digit of its name's MD5, then the first two.

    Source: MediaWiki's FileRepo::getHashPath.

    >>> hashed_folder("Example.jpg")
    'a/a9'
    """
    digest = hashlib.md5(file.replace(" ", "_").encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"{digest[0]}/{digest[:2]}"


def thumbnail_path(file: str, width_px: int = DEFAULT_THUMBNAIL_WIDTH_PX) -> str:
    """Return the path of a thumbnail below the folder `thumb` of Commons, encoded for a URL.

    >>> thumbnail_path("SIPI Jelly Beans 4.1.07.tiff", 256)
    'b/b6/SIPI_Jelly_Beans_4.1.07.tiff/lossy-page1-256px-SIPI_Jelly_Beans_4.1.07.tiff.jpg'
    """
    name = file.replace(" ", "_")
    suffix = name.rpartition(".")[2].lower()
    before, raster = _RASTERS.get(suffix, ("", ""))
    is_long = len(name.encode("utf-8", "replace")) > _MAX_THUMBNAIL_NAME_BYTES
    width = f"{width_px}px-" if suffix in _VIDEOS and not is_long else f"{width_px}px"
    quoted = quoted_name(name)
    shown = quoted_name(f"thumbnail.{name.rpartition('.')[2]}") if is_long else quoted
    return f"{hashed_folder(file)}/{quoted}/{before}{width}-{shown}{raster}"


def thumbnail_url(file: str, width_px: int = DEFAULT_THUMBNAIL_WIDTH_PX) -> str:
    """Return the address of a thumbnail on Commons, without fetching it.

    Args:
        file: canonical file name.
        width_px: one of the widths that Wikimedia serves.

    >>> thumbnail_url("Example.jpg")
    'https://upload.wikimedia.org/wikipedia/commons/thumb/a/a9/Example.jpg/330px-Example.jpg'
    """
    return f"{_UPLOAD}/thumb/{thumbnail_path(file, width_px)}"


def file_page_url(file: str) -> str:
    """Return the address of the page that names the author and the licence of a file.

    >>> file_page_url("Old photo.JPG")
    'https://commons.wikimedia.org/wiki/File:Old_photo.JPG'
    """
    return "https://commons.wikimedia.org/wiki/File:" + quoted_name(file)


def quoted_name(name: str) -> str:
    """Encode a file's name for a URL as MediaWiki does.

    Source: MediaWiki's wfUrlencode.

    >>> quoted_name("Étude (1), d'après.jpg")
    '%C3%89tude_(1),_d%27apr%C3%A8s.jpg'
    """
    return quote(name.replace(" ", "_"), safe="!$()*,:;@~", errors="replace")
