"""The <page> elements of an export: cut out of a stream of bytes, and read into records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from xml.parsers import expat

from schemas.titles import canonical_title

__all__ = ["BrokenPage", "Cut", "Page", "PageCutter", "name_of", "parse_page"]

_TOKEN = re.compile(rb"<(?:page(?=[\s/>])|/page\s*>|/mediawiki\s*>)")
_LONGEST_TOKEN_BYTES = 64
"""If the end of a chunk cuts a tag in two, the tag begins within so many bytes of the end."""
_HEAD_BYTES = 4096
"""Bytes that are kept of a page that is too large, to name it: MediaWiki writes title and id first."""
_TITLE = re.compile(rb"<title>([^<]{1,1000})")
_ID = re.compile(rb"<id>\s*([0-9]{1,19})\s*<")
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_MAX_ID = 2**63 - 1  # a column of int64
_MAX_NAMESPACE = 2**31 - 1  # a column of int32
_REDIRECT = re.compile(
    r"\s*+#REDIRECT\s*+:?\s*+\[\[\s*+:?([^\[\]|#<>{}\n]*+)[^\[\]\n]*+\]\]", re.IGNORECASE
)  # "*+" never gives back what it has matched, so that a line of megabytes is read once


class Page(NamedTuple):
    """One page of a dump.

    Args:
        page_id: 0 or more.
        revision_id: 0 if the dump has none.
        title: with the prefix of its namespace.
        namespace: number; 0 for articles.
        redirect: title of the target; None if the page is no redirect.
        wikitext: of the revision; empty if it was deleted.
        size_bytes: of the wikitext in UTF-8.
    """

    page_id: int
    revision_id: int
    title: str
    namespace: int
    redirect: str | None
    wikitext: str
    size_bytes: int

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a call of the class, which takes half the time of a named tuple's own way."""
        return Page, tuple(self)


class BrokenPage(Exception):
    """A page that cannot be used.

    Args:
        reason: a word for the rejects table.
        detail: a sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Cut(NamedTuple):
    """A <page> element cut out of a stream.

    Args:
        position: of its first byte in the stream's XML.
        data: the whole element; only its first bytes if there is a problem.
        problem: why it cannot be used; None for a whole page.
    """

    position: int
    data: bytes
    problem: BrokenPage | None


class PageCutter:
    """Cuts pages out of a stream that comes in chunks, keeping one page at most in memory.

    It looks only for <page>, </page> and </mediawiki>, which cannot stand in text (XML escapes "<" there). So a page
    with broken XML is lost alone, where a parser of the whole stream would stop.

    Attributes:
        open_at: position of the page that is not closed yet; None between pages.
        is_ended: whether the last tag was </mediawiki>.

    Args:
        max_page_bytes: a page with more bytes of XML is not kept in memory, and is returned as a problem.
    """

    # Positions count bytes of the stream. The buffer holds the last of them:
    #
    #     0 ............... _base ...................... end of the last chunk
    #                       |<-------- _buffer -------->|
    #                             ^ _scanned: tags are found up to here
    #
    # _base is open_at while a page is open, so that it can be returned whole; otherwise, and where the open page is
    # too large, it is the place up to which tags are found.

    def __init__(self, max_page_bytes: int) -> None:
        self._max_page_bytes = max_page_bytes
        self._buffer = b""
        self._base = 0
        self._scanned = 0
        self._head = b""
        self.open_at: int | None = None
        self.is_ended = False

    @property
    def open_head(self) -> bytes:
        """The first bytes of the page that is open; b"" between pages."""
        if self.open_at is None:
            return b""
        return self._head or self._buffer[self.open_at - self._base :][:_HEAD_BYTES]

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
            self._head = b""
        self._trim()

    def _close(self, start: int, end: int) -> Cut:
        """Return the open page, whose end tag lies from start (in the stream) to end (in the buffer)."""
        if self.open_at is None:
            return Cut(start, b"", BrokenPage("broken_xml", "the end of a page whose start is missing"))
        size = self._base + end - self.open_at
        if size > self._max_page_bytes:
            return self._drop(start, "page_too_large", f"{size} bytes of XML, the limit is {self._max_page_bytes}")
        cut = Cut(self.open_at, self._buffer[self.open_at - self._base : end], None)
        self.open_at = None
        return cut

    def _drop(self, end: int, reason: str, detail: str) -> Cut:
        """Return the open page as a problem, with its first bytes up to a position of the stream."""
        position = self.open_at or 0
        head = self.open_head[: end - position]
        self.open_at, self._head = None, b""
        return Cut(position, head, BrokenPage(reason, detail))

    def _trim(self) -> None:
        """Drop the bytes of the buffer that no later tag needs."""
        end = len(self._buffer)
        # The chunk may end inside a tag: look again from its "<" when more has come
        tail = self._buffer.rfind(b"<", max(self._scanned, end - _LONGEST_TOKEN_BYTES))
        self._scanned = tail if tail >= 0 else end
        keep = self._scanned
        if self.open_at is not None and not self._head:
            if self._base + end - self.open_at <= self._max_page_bytes:
                keep = min(keep, self.open_at - self._base)
            else:
                self._head = self.open_head  # too large: from here on only the end of the page is looked for
        self._buffer = self._buffer[keep:]
        self._base += keep
        self._scanned -= keep


def name_of(data: bytes) -> str:
    """Return how messages name a page, from its first bytes.

    >>> name_of(b"<page><title>Tea</title><id>7</id><revision>")
    "page 7 'Tea'"
    >>> name_of(b"<page>")
    'a page without a title'
    """
    title, number = _TITLE.search(data), _ID.search(data)
    if not title:
        return "a page without a title"
    text = title.group(1).decode("utf-8", "replace")
    return f"page {number.group(1).decode()} {text!r}" if number else f"page {text!r}"


class _Fields:
    """Collects the fields of a page from expat's events. Of several revisions the last in the file counts."""

    __slots__ = ("parts", "path", "redirect", "values")

    def __init__(self) -> None:
        self.path: list[str] = []
        self.parts: list[str] = []
        self.values: dict[tuple[str, ...], str] = {}
        self.redirect: str | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.path.append(tag)
        self.parts.clear()
        if tag == "revision" and self.path == _REVISION:
            self.values.pop(_TEXT, None)
            self.values.pop(_REVISION_ID, None)
        elif tag == "redirect" and self.path == _REDIRECT_TAG:
            self.redirect = attributes.get("title")

    def end(self, tag: str) -> None:
        # Three checks, cheapest first: this runs at every end tag of the dump
        if tag in _FIELD_TAGS and len(self.path) <= _DEEPEST and (path := tuple(self.path)) in _FIELD_PATHS:
            self.values[path] = "".join(self.parts)
        self.parts.clear()
        self.path.pop()


_REVISION = ["page", "revision"]
_REDIRECT_TAG = ["page", "redirect"]
_REVISION_ID = ("page", "revision", "id")
_TEXT = ("page", "revision", "text")
_PAGE_ID = ("page", "id")
_FIELD_PATHS = {("page", "title"), ("page", "ns"), _PAGE_ID, _REVISION_ID, _TEXT}
_FIELD_TAGS = {path[-1] for path in _FIELD_PATHS}
_DEEPEST = max(map(len, _FIELD_PATHS))


def parse_page(data: bytes, namespaces: Callable[[], Mapping[str, int]]) -> Page:
    """Read the fields of one <page> element.

    A page whose text was deleted, or that has no revision, has empty wikitext. A missing revision id is 0. A page
    without <ns> (in old exports) gets its namespace from its title. Nothing is repaired: a null byte, a lone
    surrogate or invalid UTF-8 is no XML.

    Args:
        data: the element, UTF-8.
        namespaces: returns lower-case name of a namespace -> number; called only for a page without <ns>.

    Raises:
        BrokenPage: broken_xml, missing_title, missing_id or bad_number.

    >>> parse_page(b"<page><title>A</title><id>7</id><revision><text>#redirect [[b]]</text></revision></page>", dict)
    Page(page_id=7, revision_id=0, title='A', namespace=0, redirect='B', wikitext='#redirect [[b]]', size_bytes=15)
    """
    found = _read_fields(data)
    title = found.values.get(("page", "title"), "").strip()
    if not title:
        raise BrokenPage("missing_title", "the page has no title")
    if _PAGE_ID not in found.values:
        raise BrokenPage("missing_id", "the page has no id")
    space = found.values.get(("page", "ns"))
    text = found.values.get(_TEXT, "")
    return Page(
        page_id=_to_number(found.values[_PAGE_ID], 0, _MAX_ID),
        revision_id=_to_number(found.values.get(_REVISION_ID, "0"), 0, _MAX_ID),
        title=title,
        namespace=namespace_of(title, namespaces())
        if space is None
        else _to_number(space, -_MAX_NAMESPACE, _MAX_NAMESPACE),
        redirect=found.redirect or redirect_target(text),
        wikitext=text,
        size_bytes=len(text.encode("utf-8")),
    )


def _read_fields(data: bytes) -> _Fields:
    found = _Fields()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.parts.append
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BrokenPage("broken_xml", f"line {error.lineno} of the page: {expat.ErrorString(error.code)}") from error
    return found


def _to_number(text: str, smallest: int, largest: int) -> int:
    is_short = text.isascii() and text.isdigit() and len(text) < 19  # the usual case, without the regular expression
    number = int(text) if is_short or _NUMBER.fullmatch(text := text.strip()) else smallest - 1
    if not smallest <= number <= largest:
        raise BrokenPage("bad_number", f"{text[:40]!r} is not an id or namespace")
    return number


def namespace_of(title: str, namespaces: Mapping[str, int]) -> int:
    """Return a page's namespace by the prefix of its title; 0 if that is no namespace.

    >>> namespace_of("File talk:A.jpg", {"file talk": 7}), namespace_of("2001: A Space Odyssey", {"file talk": 7})
    (7, 0)
    """
    prefix, colon, _ = title.partition(":")
    return namespaces.get(canonical_title(prefix).lower(), 0) if colon else 0


def redirect_target(wikitext: str) -> str | None:
    """Return the title that a page starting with #REDIRECT leads to, without its section; None for other pages.

    Only the English keyword is read. Exports mark redirects by a tag as well, where `parse_page` looks first.

    Source: MediaWiki's WikitextContent::getRedirectTargetAndText.

    >>> redirect_target("#REDIRECT [[green_tea#History|x]] {{R}}"), redirect_target("#1 is [[tea]]")
    ('Green tea', None)
    """
    match = _REDIRECT.match(wikitext)
    return (canonical_title(match.group(1)) or None) if match else None
