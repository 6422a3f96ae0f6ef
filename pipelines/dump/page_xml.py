"""One <page> element of an export, read into a record: of several revisions the newest counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.parsers import expat

from pipelines.dump.revisions import RevisionKey, to_key
from pipelines.dump.site import Site
from schemas.titles import canonical_title, decode_name

__all__ = ["WIKITEXT", "BrokenPage", "Page", "name_of", "parse_page"]

_TITLE = re.compile(rb"<title>([^<]{1,1000})")
_ID = re.compile(rb"<id>\s*([0-9]{1,19})\s*<")
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_MAX_ID = 2**63 - 1  # a column of int64
_MAX_NAMESPACE = 2**31 - 1  # a column of int32
_TO_TARGET = r"\s*+:?\s*+\[\[\s*+:?([^\[\]|<>{}\n]*+)[^\[\]\n]*+\]\]"
_REDIRECT = re.compile(rf"\s*+#REDIRECT{_TO_TARGET}", re.IGNORECASE)
_ANY_REDIRECT = re.compile(rf"\s*+#[^\W\d_][^\W\d]*+{_TO_TARGET}")
# "*+" never gives back what it has matched, so that a line of megabytes is read once
WIKITEXT = "wikitext"
"""The content model of articles; exports before 0.6 name none, for there was no other."""


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
        timestamp: when the revision was made, as YYYYMMDDhhmmss; 0 if the dump does not say.
        model: content model of the revision.
        has_text: False if the dump leaves out a text that the revision has, as stub dumps do.
        older_revisions: revisions of the page in the same element, of which none counts.
    """

    page_id: int
    revision_id: int
    title: str
    namespace: int
    redirect: str | None
    wikitext: str
    size_bytes: int
    timestamp: int = 0
    model: str = WIKITEXT
    has_text: bool = True
    older_revisions: int = 0

    @property
    def revision_key(self) -> RevisionKey:
        """The greater key is that of the newer revision."""
        return RevisionKey(self.timestamp, self.revision_id)

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
    """Collects the fields of a page from expat's events. Of several revisions the newest counts."""

    __slots__ = ("_current", "has_redirect", "key", "page", "parts", "path", "redirect", "revision", "revisions")

    def __init__(self) -> None:
        self.path: list[str] = []
        self.parts: list[str] = []
        self.page: dict[str, str] = {}
        self.revision: dict[str, str] = {}
        self.key = RevisionKey(-1, -1)
        self.revisions = 0
        self.redirect: str | None = None
        self.has_redirect = False
        self._current: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.path.append(tag)
        self.parts.clear()
        # The lengths are compared first: this runs at every start tag of the dump
        if len(self.path) == 2:
            if tag == "revision":
                self._current = {}
            elif tag == "redirect":
                self.redirect, self.has_redirect = attributes.get("title"), True
        elif len(self.path) == 3 and tag == "text" and "deleted" not in attributes:
            self._current["bytes"] = attributes.get("bytes", "")

    def end(self, tag: str) -> None:
        depth = len(self.path)
        if depth == 3 and tag in _REVISION_TAGS and self.path[1] == "revision":
            self._current[tag] = "".join(self.parts)
        elif depth == 2 and tag in _PAGE_TAGS:
            self.page[tag] = "".join(self.parts)
        elif depth == 2 and tag == "revision":
            self._end_revision()
        self.parts.clear()
        self.path.pop()

    def _end_revision(self) -> None:
        self.revisions += 1
        number = self._current.get("id", "")
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        key = to_key(self._current.get("timestamp", ""), int(number) if is_number else 0)
        if key >= self.key:  # of two that are equal, the last in the file
            self.key, self.revision = key, self._current


_PAGE_TAGS = frozenset({"title", "ns", "id"})
_REVISION_TAGS = frozenset({"id", "timestamp", "model", "text"})


def parse_page(data: bytes, site: Callable[[], Site] = Site, older_revisions: int = 0) -> Page:
    """Read the fields of one <page> element.

    A page whose text was deleted, or that has no revision, has empty wikitext. A missing revision id is 0. A page
    without <ns> (in old exports) gets its namespace from its title. Nothing is repaired: a null byte, a lone
    surrogate or invalid UTF-8 is no XML.

    Args:
        data: the element, UTF-8.
        site: returns the wiki of the dump; called only where the element lacks what newer exports have.
        older_revisions: number of revisions that were cut out of the element before.

    Raises:
        BrokenPage: broken_xml, missing_title, missing_id or bad_number.

    >>> page = parse_page(b"<page><title>A</title><id>7</id><revision><text>#redirect [[b]]</text></revision></page>")
    >>> page.page_id, page.title, page.namespace, page.redirect, page.wikitext
    (7, 'A', 0, 'B', '#redirect [[b]]')
    """
    found = _read_fields(data)
    title = found.page.get("title", "").strip()
    if not title:
        raise BrokenPage("missing_title", "the page has no title")
    if "id" not in found.page:
        raise BrokenPage("missing_id", "the page has no id")
    space = found.page.get("ns")
    text = found.revision.get("text", "")
    return Page(
        page_id=_to_number(found.page["id"], 0, _MAX_ID),
        revision_id=_to_number(found.revision.get("id", "0"), 0, _MAX_ID),
        title=title,
        namespace=namespace_of(title, site().namespaces)
        if space is None
        else _to_number(space, -_MAX_NAMESPACE, _MAX_NAMESPACE),
        redirect=found.redirect or _redirect_in(text, found, site),
        wikitext=text,
        size_bytes=len(text.encode("utf-8")),
        timestamp=max(0, found.key.timestamp),
        model=found.revision.get("model", "").strip().lower() or WIKITEXT,
        has_text=bool(text) or found.revision.get("bytes", "") in ("", "0"),
        older_revisions=older_revisions + max(0, found.revisions - 1),
    )


def _redirect_in(text: str, found: _Fields, site: Callable[[], Site]) -> str | None:
    """Return the target of a redirect that no tag names; its keyword may be in the wiki's own language."""
    if "#" not in text[:100]:
        return None
    return redirect_target(text, any_word=found.has_redirect or not site().is_english_wikipedia)


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


def redirect_target(wikitext: str, *, any_word: bool = False) -> str | None:
    """Return the title that a page starting with #REDIRECT leads to, without its section; None for other pages.

    Exports mark redirects by a tag as well, where `parse_page` looks first.

    Args:
        wikitext: of the page.
        any_word: accept any word as the keyword, because each language has its own. A list item has a blank there.

    Source: MediaWiki's WikitextContent::getRedirectTargetAndText.

    >>> redirect_target("#REDIRECT [[green_tea#History|x]] {{R}}"), redirect_target("#1 is [[tea]]")
    ('Green tea', None)
    >>> redirect_target("#WEITERLEITUNG [[Tee]]"), redirect_target("#WEITERLEITUNG [[Tee]]", any_word=True)
    (None, 'Tee')
    """
    match = (_ANY_REDIRECT if any_word else _REDIRECT).match(wikitext)
    # Decoded before the section is cut off: a reference such as &#39; holds a number sign, too.
    return (canonical_title(decode_name(match.group(1)).partition("#")[0]) or None) if match else None
