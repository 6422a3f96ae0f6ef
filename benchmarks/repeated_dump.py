"""Writes a larger dump: real pages repeated, each copy with its own ids and titles, in streams as Wikimedia's are."""

from __future__ import annotations

import argparse
import bz2
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path

SLICE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
PAGES_PER_STREAM = 100
"""As in Wikimedia's multistream dumps."""

_PAGE = re.compile(rb"[ \t]*<page>.*?</page>\n?", re.DOTALL)
_TITLE_AND_ID = re.compile(rb"(<title>)([^<]*)(</title>.*?<id>)([0-9]+)(</id>)", re.DOTALL)
FOOTER = b"</mediawiki>\n"


def find_slice() -> Path:
    """Find the slice of English Wikipedia that the gensim package carries."""
    try:
        files = metadata.files("gensim") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == SLICE:
            return Path(str(file.locate()))
    raise SystemExit("no dump: give one with --dump, or pip install '.[demo]' (gensim carries a slice of Wikipedia)")


def read_export(dump: Path) -> tuple[bytes, list[bytes]]:
    """Return the head of an export and its page elements."""
    xml = bz2.decompress(dump.read_bytes())
    return xml[: xml.index(b"<page>")].rstrip(b" \t"), _PAGE.findall(xml)


def renamed(page: bytes, copy: int, step: int) -> bytes:
    """Return a page of a copy: its id moved by copy * step, and the copy's number after its title; copy 0 is the page.

    >>> renamed(b"<page><title>Tea</title><id>7</id>", 2, 1000)
    b'<page><title>Tea (copy 2)</title><id>2007</id>'
    """
    if not copy:
        return page

    def replace(match: re.Match[bytes]) -> bytes:
        start, title, between, number, end = match.groups()
        return b"%s%s (copy %d)%s%d%s" % (start, title, copy, between, int(number) + copy * step, end)

    return _TITLE_AND_ID.sub(replace, page, count=1)


def repeated(pages: list[bytes], copies: int) -> Iterator[bytes]:
    """Return the pages, then their copies, ids ascending throughout."""
    numbers = [int(match.group(4)) for page in pages if (match := _TITLE_AND_ID.search(page))]
    step = max(numbers) + 1
    for copy in range(copies):
        for page in pages:
            yield renamed(page, copy, step)


def moved(page: bytes, by: int) -> bytes:
    """Return a page with a higher id.

    >>> moved(b"<page><title>Tea</title><id>7</id>", 100)
    b'<page><title>Tea</title><id>107</id>'
    """
    found = _TITLE_AND_ID.search(page)
    return b"%s%d%s" % (page[: found.start(4)], int(found[4]) + by, page[found.end(4) :]) if found else page


def write_repeated(
    output: Path, dump: Path, copies: int, pages_per_stream: int = PAGES_PER_STREAM, also: Path | None = None
) -> int:
    """Write the multistream dump, and return the size of its XML in bytes.

    Args:
        output: the file to write.
        dump: whose pages are repeated.
        copies: number of copies, the pages themselves included.
        pages_per_stream: pages of a bz2 stream.
        also: another dump, whose pages come once, after the copies.
    """
    head, pages = read_export(dump)
    more = read_export(also)[1] if also else []
    last_id = copies * (1 + max(int(found.group(4)) for page in pages if (found := _TITLE_AND_ID.search(page))))
    size, waiting = len(head) + len(FOOTER), []
    with open(output, "wb") as file:
        file.write(bz2.compress(head))
        for page in chain(repeated(pages, copies), (moved(page, last_id) for page in more)):
            size += len(page)
            waiting.append(page)
            if len(waiting) == pages_per_stream:
                file.write(bz2.compress(b"".join(waiting)))
                waiting = []
        file.write(bz2.compress(b"".join(waiting)) if waiting else b"")
        file.write(bz2.compress(FOOTER))
    return size


def main() -> int:
    """Write the dump and print how large it is."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--also", type=Path, help="another .xml.bz2 file, whose pages come once, after the copies")
    options.add_argument("--copies", type=int, default=16)
    options.add_argument("--pages-per-stream", type=int, default=PAGES_PER_STREAM)
    options.add_argument("--output", type=Path, required=True, help="file to write, .xml.bz2")
    given = options.parse_args()
    size = write_repeated(given.output, given.dump or find_slice(), given.copies, given.pages_per_stream, given.also)
    print(f"{size / 1e6:.1f} MB of XML in {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
