"""The revisions of one page: which is the newest, and how a page of many is read without all of them in memory."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["FIRST_BYTES", "RevisionFilter", "RevisionKey", "to_key"]

FIRST_BYTES = 4096
"""Bytes that are kept of a page or revision that is too large, to name it: MediaWiki writes title, id, time first."""
_TOKEN = re.compile(rb"<(?:revision(?=[\s/>])|/revision\s*>)")
_LONGEST_TOKEN_BYTES = 64
_ID = re.compile(rb"<id>\s*([0-9]{1,18})\s*<")
_TIME = re.compile(rb"<timestamp>\s*([0-9TZ:.+\-]{1,40})\s*<")
_CLOSING = b"</page>"


class RevisionKey(NamedTuple):
    """Orders the revisions of a page: the greater key is the newer revision.

    An id alone would not do: edits that were imported from another wiki have higher ids than edits made after them.

    Args:
        timestamp: as MediaWiki's own number, YYYYMMDDhhmmss; 0 if the dump has none.
        revision_id: 0 if the dump has none.
    """

    timestamp: int
    revision_id: int


def to_key(timestamp: str, revision_id: int) -> RevisionKey:
    """Return the key of a revision.

    Args:
        timestamp: in ISO 8601, as exports write it, or anything else, which is no time.
        revision_id: 0 or more.

    >>> to_key("2025-11-01T08:30:00Z", 7), to_key("soon", 7)
    (RevisionKey(timestamp=20251101083000, revision_id=7), RevisionKey(timestamp=0, revision_id=7))
    """
    digits = timestamp[:4] + timestamp[5:7] + timestamp[8:10] + timestamp[11:13] + timestamp[14:16] + timestamp[17:19]
    is_time = len(digits) == 14 and digits.isascii() and digits.isdigit()
    return RevisionKey(int(digits) if is_time else 0, revision_id)


class RevisionFilter:
    """Takes a page in pieces, and keeps its head and its newest revision; of equal ones the last in the file.

    So a page of a thousand revisions takes the memory of three: the newest, the one that is being read, and a chunk.

    Attributes:
        first_bytes: of the page, to name it.
        revisions: number of whole revisions seen.

    Args:
        max_bytes: of a revision, or of what stands before the first: more is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._head: bytes | None = None  # None until the first revision begins
        self._newest: bytes | None = None  # None also where the newest is too large
        self._newest_bytes = 0
        self._newest_key = RevisionKey(-1, -1)
        # What is not decided yet: the page's head, or the revision that is open. `_dropped` bytes of it are gone.
        self._rest = b""
        self._scanned = 0
        self._dropped = 0
        self._open_first = b""
        self._is_open = False
        self.first_bytes = b""
        self.revisions = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the page."""
        if len(self.first_bytes) < FIRST_BYTES:
            self.first_bytes = (self.first_bytes + data[:FIRST_BYTES])[:FIRST_BYTES]
        self._rest += data
        at = 0  # up to here the rest is decided
        for match in _TOKEN.finditer(self._rest, self._scanned):
            if not match.group().startswith(b"</"):
                if self._head is None:
                    self._head = self._rest[: match.start()] if not self._dropped else b""
                at, self._is_open, self._dropped, self._open_first = match.start(), True, 0, b""
            elif self._is_open:
                self._end_revision(self._rest[at : match.end()])
                at = match.end()
        self._trim(at)

    def _end_revision(self, data: bytes) -> None:
        first = self._open_first or data[:FIRST_BYTES]
        number, time = _ID.search(first), _TIME.search(first)
        key = to_key(time.group(1).decode() if time else "", int(number.group(1)) if number else 0)
        self.revisions += 1
        if key >= self._newest_key:
            size = self._dropped + len(data)
            self._newest = data if size <= self._max_bytes else None
            self._newest_key, self._newest_bytes = key, size
        self._is_open, self._dropped, self._open_first = False, 0, b""

    def _trim(self, at: int) -> None:
        """Drop what is decided, and what is too large to be kept."""
        end = len(self._rest)
        # The data may end inside a tag: look again from its "<" when more has come.
        tail = self._rest.rfind(b"<", max(at, end - _LONGEST_TOKEN_BYTES))
        scanned = tail if tail >= 0 else end
        is_needed = self._is_open or self._head is None
        if not is_needed:
            at = max(at, scanned)
        elif self._dropped or end - at > self._max_bytes:
            self._open_first = self._open_first or self._rest[at : at + FIRST_BYTES]
            self._dropped += max(0, scanned - at)
            at = max(at, scanned)
        self._rest = self._rest[at:]
        self._scanned = max(0, scanned - at)

    def element(self) -> tuple[bytes, int]:
        """Return the page with its newest revision alone, and the size that it has so; b"" where that is too large."""
        head = self._head if self._head is not None else b""
        size = len(head) + self._newest_bytes + len(_CLOSING)
        if self._newest is None or not head or size > self._max_bytes:
            return b"", size
        return head + self._newest + _CLOSING, size
