"""A dump: find the streams in it, and read the pages in a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pipelines.dump.files import check_dump, index_beside, read_index, read_site
from pipelines.dump.page_cutter import Cut, PageCutter
from pipelines.dump.page_xml import BrokenPage, Page, name_of, parse_page
from pipelines.dump.site import Site
from pipelines.dump.streams import Compression, Stream, StreamDamage, compression_of, cut_xml, decompress, scan_bz2
from pipelines.dump.stubs import check_texts
from pipelines.storage import open_file, size_of
from schemas.errors import InputError
from schemas.records import Reject

__all__ = ["LOSS_REASONS", "UNREADABLE", "ReadLimits", "find_streams", "read_pages"]

UNREADABLE = "unreadable_file"
LOSS_REASONS = frozenset({"truncated_stream", "corrupt_stream", UNREADABLE})
"""Reasons of rejects that stand for an unknown number of lost pages; the others stand for one page."""

_ROOT_BYTES = 4096
"""Bytes in which the root of an export begins, but for a long comment before it."""
_STREAM_HEAD = re.compile(rb"\s*(?:</?mediawiki\b|<siteinfo\b|<page\b|\Z)")
"""How a stream of a multistream dump begins: with pages, or with the start or the end of the export."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits of the reader.

    Args:
        max_page_bytes: of the XML of one page with its newest revision. MediaWiki itself allows 2 MiB of wikitext.
    """

    max_page_bytes: int = 10 * 2**20


def find_streams(path: str | PathLike[str], index_path: str | PathLike[str] | None = None) -> list[Stream]:
    """Find the parts of a dump that can be read apart from each other, in order, covering the whole file.

    - bz2: its streams, as the multistream index lists them, or found by scanning the file for their first bytes. One
      for the whole file where streams do not begin with a page (pbzip2 cuts anywhere).
    - Plain XML: ranges of about 64 MiB that begin with a page.
    - gz: one, because it cannot be entered in the middle.

    Args:
        path: of the dump, or its URL.
        index_path: of its multistream index; None: used if it lies beside the dump under Wikimedia's name.

    Raises:
        InputError: the file is no dump (`check_dump`) or one without texts (`check_texts`), or the index does not
            belong to it.
    """
    check_texts(path, check_dump(path))
    size = size_of(path)
    with open_file(path) as file:
        compression = compression_of(file.read(16))
    if index_path is not None and compression != "bz2":
        raise InputError("an index belongs to a bz2 dump only", path=path, remedy="leave the index out")
    if compression == "bz2":
        offsets = _bz2_offsets(path, index_path or index_beside(path), size)
    else:
        offsets = cut_xml(path) if compression == "xml" else [0]
    return _to_streams(str(path), offsets, size, compression)


def _bz2_offsets(path: str | PathLike[str], index_path: str | PathLike[str] | None, size: int) -> list[int]:
    if index_path is not None:
        return sorted({0, *read_index(index_path, path)})
    offsets = scan_bz2(path)
    # Three streams tell: a compressor that cuts at pages does so everywhere. The first always starts with the export.
    samples = {offsets[position] for position in (1, len(offsets) // 2, -1)} if len(offsets) > 1 else set()
    is_cut = all(_starts_with_page(Stream(str(path), offset, size - offset, "bz2")) for offset in samples)
    return offsets if is_cut else [0]


def _starts_with_page(stream: Stream) -> bool:
    """Return whether a stream begins with a page; a damaged one counts as if it did, and is a loss when it is read."""
    try:
        return bool(_STREAM_HEAD.match(next(decompress(stream), b"")))
    except StreamDamage:
        return True


def _to_streams(path: str, offsets: Sequence[int], size: int, compression: Compression) -> list[Stream]:
    ends = [*offsets[1:], size]
    return [
        Stream(path, offset, end - offset, compression, is_last=end == size)
        for offset, end in zip(offsets, ends, strict=True)
    ]


def read_pages(stream: Stream, limits: ReadLimits = ReadLimits()) -> Iterator[Page | Reject]:
    """Read the pages of a stream in order, in bounded memory.

    A page that cannot be used is a Reject (broken_xml, page_too_large, missing_title, missing_id, bad_number) in
    its place, and reading goes on with the next. Where the data ends early or does not decode, the pages before
    come first, then one Reject with a reason of LOSS_REASONS. gz has its checksum at the end and plain XML none, so
    there a damaged page that is still well-formed passes unnoticed.

    Args:
        stream: from `find_streams`.
        limits: of the reader.

    Yields:
        Pages, and Rejects of the stage "dump". The id of a loss is `file@stream offset`; that of a page
        `file@stream offset+position in the stream's XML`.

    Raises:
        InputError: the file cannot be read.
    """
    where = f"{Path(stream.path).name}@{stream.offset}"
    cutter = PageCutter(limits.max_page_bytes)
    damage: StreamDamage | None = None
    head = b""
    try:
        for chunk in decompress(stream):
            head = head or chunk[:_ROOT_BYTES]
            for cut in cutter.feed(chunk):
                yield _to_page(cut, stream.path, where)
    except StreamDamage as error:
        damage = error
    if damage or cutter.open_at is not None or _misses_end(stream, cutter, head):
        yield _to_loss(damage, cutter, where)


def _misses_end(stream: Stream, cutter: PageCutter, head: bytes) -> bool:
    """Return whether an export whose last stream this is was never closed: the file was cut off between two pages.

    Args:
        stream: that was read.
        cutter: that cut it.
        head: the first bytes of the stream, which spare a second look at the file where it is the only one.
    """
    if not stream.is_last or cutter.is_ended:
        return False
    return b"<mediawiki" in head.partition(b"<page")[0] or read_site(stream.path).has_root


def _to_page(cut: Cut, path: str, where: str) -> Page | Reject:
    def site() -> Site:
        return read_site(path)

    problem = cut.problem
    if problem is None:
        try:
            return parse_page(cut.data, site, cut.older_revisions)
        except BrokenPage as error:
            problem = error
    return Reject("dump", f"{where}+{cut.position}", problem.reason, f"{name_of(cut.data[:4096])}: {problem.detail}")


def _to_loss(damage: StreamDamage | None, cutter: PageCutter, where: str) -> Reject:
    reason = damage.reason if damage else "truncated_stream"
    detail = damage.detail if damage else "the XML ends early"
    if cutter.open_at is not None:
        detail = f"{detail}, inside {name_of(cutter.open_head)}"
    return Reject("dump", where, reason, detail)
