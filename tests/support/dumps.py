"""Writes small dumps of every kind: XML, bz2, multistream bz2 with its index, gz; with and without siteinfo or ns.

from tests.support.dumps import DumpPage, write_dump
path = write_dump(tmp_path, [DumpPage("Tea", "'''Tea''' is a drink.")], kind="multistream")
"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

Kind = Literal["xml", "bz2", "multistream", "gz"]
KINDS: tuple[Kind, ...] = ("xml", "bz2", "multistream", "gz")
NAMES: dict[Kind, str] = {
    "xml": "testwiki-20251101-pages-articles.xml",
    "bz2": "testwiki-20251101-pages-articles.xml.bz2",
    "multistream": "testwiki-20251101-pages-articles-multistream.xml.bz2",
    "gz": "testwiki-20251101-pages-articles.xml.gz",
}
INDEX_NAME = "testwiki-20251101-pages-articles-multistream-index.txt.bz2"
NAMESPACES = {-1: "Special", 0: "", 1: "Talk", 2: "User", 4: "Project", 6: "File", 10: "Template", 14: "Category"}
FOOTER = "</mediawiki>\n"


@dataclass(frozen=True)
class DumpPage:
    """What to write. page_id null: counted from 1; redirect: also written as a tag (text is up to you)."""

    title: str
    text: str = ""
    page_id: int | None = None
    namespace: int = 0
    redirect: str | None = None


def header_xml(*, version: str = "0.11", with_siteinfo: bool = True) -> str:
    """The start of an export, up to the first page."""
    space = f"http://www.mediawiki.org/xml/export-{version}/"
    start = f'<mediawiki xmlns="{space}" version="{version}" xml:lang="en">\n'
    if not with_siteinfo:
        return start
    names = "".join(
        f'      <namespace key="{key}" case="first-letter">{name}</namespace>\n'
        if name
        else f'      <namespace key="{key}" case="first-letter" />\n'
        for key, name in NAMESPACES.items()
    )
    return (
        f"{start}  <siteinfo>\n    <sitename>Wikipedia</sitename>\n    <dbname>enwiki</dbname>\n"
        f"    <namespaces>\n{names}    </namespaces>\n  </siteinfo>\n"
    )


def page_xml(page: DumpPage, page_id: int, *, with_ns: bool = True) -> str:
    """One <page> element, as MediaWiki writes it."""
    ns = f"    <ns>{page.namespace}</ns>\n" if with_ns else ""
    redirect = f"    <redirect title={quoteattr(page.redirect)} />\n" if page.redirect is not None else ""
    size = len(page.text.encode("utf-8", "replace"))
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n{ns}    <id>{page_id}</id>\n{redirect}"
        f"    <revision>\n      <id>{1000 + page_id}</id>\n      <timestamp>2025-11-01T00:00:00Z</timestamp>\n"
        f"      <contributor>\n        <username>A</username>\n        <id>7</id>\n      </contributor>\n"
        f"      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{size}" xml:space="preserve">{escape(page.text)}</text>\n'
        f"    </revision>\n  </page>\n"
    )


def pages_xml(pages: Sequence[DumpPage], *, with_ns: bool = True) -> list[str]:
    """The <page> elements, in order."""
    ids = [page.page_id if page.page_id is not None else number for number, page in enumerate(pages, 1)]
    return [page_xml(page, page_id, with_ns=with_ns) for page, page_id in zip(pages, ids, strict=True)]


def dump_xml(
    pages: Sequence[DumpPage], *, version: str = "0.11", with_siteinfo: bool = True, with_ns: bool = True
) -> str:
    """A whole export as text."""
    return (
        header_xml(version=version, with_siteinfo=with_siteinfo) + "".join(pages_xml(pages, with_ns=with_ns)) + FOOTER
    )


def write_dump(
    folder: Path,
    pages: Sequence[DumpPage],
    kind: Kind = "multistream",
    *,
    pages_per_stream: int = 2,
    with_index: bool = True,
    version: str = "0.11",
    with_siteinfo: bool = True,
    with_ns: bool = True,
) -> Path:
    """Write the pages to folder under a name like Wikimedia's and give the dump's path.

    A multistream dump gets its index file (INDEX_NAME) beside it unless with_index is false.
    """
    header = header_xml(version=version, with_siteinfo=with_siteinfo)
    elements = pages_xml(pages, with_ns=with_ns)
    path = folder / NAMES[kind]
    if kind == "multistream":
        index = write_multistream(path, header, elements, FOOTER, pages_per_stream)
        if with_index:
            lines = [
                f"{offset}:{number}:{page.title}\n"
                for number, (offset, page) in enumerate(zip(index, pages, strict=True), 1)
            ]
            (folder / INDEX_NAME).write_bytes(bz2.compress("".join(lines).encode()))
        return path
    path.write_bytes(compress((header + "".join(elements) + FOOTER).encode("utf-8"), kind))
    return path


def compress(xml: bytes, kind: Kind) -> bytes:
    """The bytes of a file of this kind with one stream."""
    if kind == "xml":
        return xml
    return gzip.compress(xml, mtime=0) if kind == "gz" else bz2.compress(xml)


def write_multistream(
    path: Path, header: str, elements: Sequence[str], footer: str, pages_per_stream: int
) -> list[int]:
    """Write header, groups of pages and footer as a bz2 stream each; give the stream offset of every page."""
    offsets: list[int] = []
    with open(path, "wb") as file:
        file.write(bz2.compress(header.encode("utf-8")))
        for first in range(0, len(elements), pages_per_stream):
            group = elements[first : first + pages_per_stream]
            offsets += [file.tell()] * len(group)
            file.write(bz2.compress("".join(group).encode("utf-8")))
        file.write(bz2.compress(footer.encode("utf-8")))
    return offsets
