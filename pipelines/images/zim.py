"""Kiwix ZIM files: which entries are pictures of the wiki, which file names they stand for, and their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from pipelines.images.name_index import IndexedName
from pipelines.images.source import Missing
from schemas.errors import InputError, MissingDependency

__all__ = ["ZimContainer", "names_in_path"]

_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|bmp|svg|tiff?)$", re.IGNORECASE)
_FOLDERS = re.compile(r"^(?:(?:C/)?(?:I/(?:m/)?|m/)|_assets_/(?:[^/]+/)?|(?:\./)?images?/)?([^/]+)$")
_SCALED = re.compile(r"^(?:(?:lossy|lossless)-)?(?:page\d+-|lang[a-z-]+-)?\d+px-{1,2}(.+)$")
_WEBP = re.compile(r"^(.+\.(?:jpe?g|png|gif|svg|tiff?|bmp|xcf|webp))\.webp$", re.IGNORECASE)
_RASTER = re.compile(r"^(.+\.(?:svg|tiff?|djvu|pdf|xcf|webp|bmp|gif))\.(?:png|jpe?g)$", re.IGNORECASE)


class ZimContainer:
    """One ZIM file, read through libzim (an optional package).

    Args:
        path: of the file.

    Raises:
        InputError: it is no ZIM file, or damaged.
        MissingDependency: libzim is not installed.
    """

    def __init__(self, path: str) -> None:
        try:
            from libzim.reader import Archive
        except ImportError as error:
            raise MissingDependency(
                "zim: needs a package that is not installed: libzim", remedy="pip install libzim"
            ) from error
        self._path = path
        try:
            self._archive: Any = Archive(path)
        except (RuntimeError, OSError, ValueError) as error:
            raise InputError(f"not a readable ZIM file ({error})", path=path, remedy="fetch it again") from error

    def names(self) -> Iterator[IndexedName]:
        """Yield each name of a picture, its rank and the number of its entry (the second number is not used).

        Raises:
            InputError: the file is damaged.
        """
        try:
            for number in range(self._archive.all_entry_count):
                entry = self._archive._get_entry_by_id(number)
                for rank, name in enumerate(names_in_path(entry.path)):
                    yield name, rank, number, 0
        except (RuntimeError, OSError, IndexError, ValueError) as error:  # a name that is no UTF-8 is a ValueError
            raise InputError(f"the ZIM file is damaged ({error})", path=self._path, remedy="fetch it again") from error

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:  # noqa: ARG002
        """Return the bytes of the entry of a number (`first`); a redirect is followed to its entry."""
        try:
            item = self._archive._get_entry_by_id(first).get_item()
            if item.size > max_bytes:
                return Missing("too_large", f"{item.size} bytes, at most {max_bytes}")
            return bytes(item.content)
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            return Missing("unreadable", f"{self._path}, entry {first}: {error}")

    def close(self) -> None:
        """Release the file; libzim closes it with its last reference."""
        self._archive = None


def names_in_path(path: str) -> list[str]:
    """Return the file names that an entry of a wiki's ZIM may stand for, the likeliest first; none if it is no picture.

    Source: mwoffliner. Older files have I/m/NAME or I/NAME, newer ones _assets_/HASH/NAME. A JPEG or PNG that was
    converted to WebP has .webp after its name; the raster of an SVG, TIFF or PDF has the raster's suffix; a
    thumbnail may have its width before its name.

    >>> names_in_path("I/m/Tea_cup.jpg"), names_in_path("_assets_/1f0c/330px-Tea_cup.jpg")
    (['Tea_cup.jpg'], ['330px-Tea_cup.jpg', 'Tea_cup.jpg'])
    >>> names_in_path("I/Map%2C_old.svg.png.webp")
    ['Map,_old.svg.png.webp', 'Map,_old.svg.png', 'Map,_old.svg']
    >>> names_in_path("A/Tea")
    []
    """
    match = _FOLDERS.match(path)
    if match is None or not _PICTURE.search(path):
        return []
    names = [unquote(match.group(1))]
    for pattern in (_SCALED, _WEBP, _RASTER):
        shorter = pattern.match(names[-1])
        if shorter:
            names.append(shorter.group(1))
    return names
