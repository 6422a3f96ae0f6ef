"""The <page> elements of an export, cut out of a stream of bytes that comes in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.dump.page_xml import BrokenPage
from pipelines.dump.revisions import FIRST_BYTES, RevisionFilter

__all__ = ["Cut", "PageCutter"]

_TOKEN = re.compile(rb"<(?:page(?=[\s/>])|/page\s*>|/mediawiki\s*>)")
_LONGEST_TOKEN_BYTES = 64
"""If the end of a chunk cuts a tag in two, the tag begins within so many bytes of the end."""


class Cut(NamedTuple):
    """A <page> element cut out of a stream.

    Args:
        position: of its first byte in the stream's XML.
        data: the whole element; only its first bytes if there is a problem.
        problem: why it cannot be used; None for a whole page.
        older_revisions: number of revisions that are left out of the data, because the page was too large with them.
    """

    position: int
    data: bytes
    problem: BrokenPage | None
    older_revisions: int = 0


class PageCutter:
    """Cuts pages out of a stream that comes in chunks, keeping one page at most in memory.

    It looks only for <page>, </page> and </mediawiki>, which cannot stand in text (XML escapes "<" there). So a page
    with broken XML is lost alone, where a parser of the whole stream would stop.

    Attributes:
        open_at: position of the page that is not closed yet; None between pages.
        is_ended: whether the last tag was </mediawiki>.

    Args:
        max_page_bytes: a page with more bytes of XML is returned with its newest revision alone; one with more bytes
            even so is not kept in memory, and is returned as a problem.
    """

    # Positions count bytes of the stream. The buffer holds the last of them:
    #
    #     0 ............... _base ...................... end of the last chunk
    #                       |<-------- _buffer -------->|
    #                             ^ _scanned: tags are found up to here
    #
    # _base is open_at while a page is open, so that it can be returned whole; otherwise it is the place up to which
    # tags are found. So it is, too, where the open page is too large: its bytes have gone on to _revisions.

    def __init__(self, max_page_bytes: int) -> None:
        self._max_page_bytes = max_page_bytes
        self._buffer = b""
        self._base = 0
        self._scanned = 0
        self._revisions: RevisionFilter | None = None
        self.open_at: int | None = None
        self.is_ended = False

    @property
    def open_head(self) -> bytes:
        """The first bytes of the page that is open; b"" between pages."""
        if self.open_at is None:
            return b""
        if self._revisions is not None:
            return self._revisions.first_bytes
        return self._buffer[self.open_at - self._base :][:FIRST_BYTES]

    def feed(self, chunk: bytes) -> Iterator[Cut]:
        """Take the next bytes of the stream, and yield the pages that end in them."""
        self._buffer += chunk
        for match in _TOKEN.finditer(self._buffer, self._scanned):
            self._scanned = match.end()
            start = self._base + match.start()
            if match.group().startswith(b"</page"):
                yield self._close(start, match.end())
                continue
            if self.open_at is not None:
                yield self._drop(start, "broken_xml", "the page is not closed")
            self.is_ended = match.group().startswith(b"</mediawiki")
            self.open_at = None if self.is_ended else start
            self._revisions = None
        self._trim()

    def _close(self, start: int, end: int) -> Cut:
        """Return the open page, whose end tag lies from start (in the stream) to end (in the buffer)."""
        if self.open_at is None:
            return Cut(start, b"", BrokenPage("broken_xml", "the end of a page whose start is missing"))
        size = self._base + end - self.open_at
        if size > self._max_page_bytes:
            return self._close_large(start, size)
        cut = Cut(self.open_at, self._buffer[self.open_at - self._base : end], None)
        self.open_at = None
        return cut

    def _close_large(self, start: int, size: int) -> Cut:
        """Return the open page with its newest revision alone; as a problem if it is too large even so."""
        revisions = self._pass_on(start - self._base)
        data, size_of_newest = revisions.element()
        if revisions.revisions < 2 or not data:
            whole = f"{size if revisions.revisions < 2 else size_of_newest} bytes of XML"
            kept = "" if revisions.revisions < 2 else " with its newest revision alone"
            return self._drop(start, "page_too_large", f"{whole}{kept}, the limit is {self._max_page_bytes}")
        cut = Cut(self.open_at or 0, data, None, revisions.revisions - 1)
        self.open_at, self._revisions = None, None
        return cut

    def _pass_on(self, end: int) -> RevisionFilter:
        """Feed the bytes of the open page, up to a place in the buffer, to the filter of its revisions."""
        self._revisions = self._revisions or RevisionFilter(self._max_page_bytes)
        self._revisions.feed(self._buffer[max(0, (self.open_at or 0) - self._base) : end])
        return self._revisions

    def _drop(self, end: int, reason: str, detail: str) -> Cut:
        """Return the open page as a problem, with its first bytes up to a position of the stream."""
        position = self.open_at or 0
        head = self.open_head[: end - position]
        self.open_at, self._revisions = None, None
        return Cut(position, head, BrokenPage(reason, detail))

    def _trim(self) -> None:
        """Drop the bytes of the buffer that no later tag needs."""
        end = len(self._buffer)
        # The chunk may end inside a tag: look again from its "<" when more has come
        tail = self._buffer.rfind(b"<", max(self._scanned, end - _LONGEST_TOKEN_BYTES))
        self._scanned = tail if tail >= 0 else end
        keep = self._scanned
        if self.open_at is not None:
            if self._revisions is None and self._base + end - self.open_at <= self._max_page_bytes:
                keep = min(keep, self.open_at - self._base)
            else:
                self._pass_on(keep)
        self._buffer = self._buffer[keep:]
        self._base += keep
        self._scanned -= keep
