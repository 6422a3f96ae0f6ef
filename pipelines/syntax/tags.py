"""Where comments and extension tags stand in wikitext: they hold any text, so they are found before all brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.syntax.nodes import Tag

__all__ = ["TAG_NAMES", "split_tags"]

TAG_NAMES = (
    "categorytree", "ce", "chem", "gallery", "graph", "hiero", "imagemap", "includeonly", "indicator", "inputbox",
    "maplink", "mapframe", "math", "nowiki", "pre", "ref", "references", "score", "script", "source", "style",
    "syntaxhighlight", "table", "templatedata", "templatestyles", "timeline",
)  # fmt: skip
"""Elements that are one node with what they hold. Source: Special:Version of English Wikipedia, extension tags.

HTML tables, styles and scripts are none in MediaWiki, but show nothing in prose.
"""

_BY_FREQUENCY = sorted(TAG_NAMES, key=lambda name: name != "ref")  # nine of ten are references
_SPECIAL = re.compile(rf"<(?:!--|({'|'.join(_BY_FREQUENCY)})(?=[\s/>])([^<>]*)>)", re.IGNORECASE)
_CLOSE = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in TAG_NAMES}
_TABLE_TAG = re.compile(r"<(/?)table\b[^<>]*>", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[ \t]*(?:<!--|\n|$)")


def split_tags(text: str) -> Iterator[str | Tag]:
    r"""Cut a text at its extension tags, without its comments.

    A comment alone on its line goes with the line, which would end a paragraph otherwise; one that is never closed
    reaches to the end. A tag that is never closed is text. Source: MediaWiki's Preprocessor_Hash.

    >>> list(split_tags("a\n<!-- x -->\nb<nowiki><!-- y --></nowiki>"))
    ['a\nb', Tag(name='nowiki', attributes='', content='<!-- y -->', written='<nowiki><!-- y --></nowiki>')]
    """
    if "<" not in text:
        yield text
        return
    finder = _CloseFinder(text)
    kept: list[str] = []  # text since the last tag; comments cut it
    at = begin = 0
    while match := _SPECIAL.search(text, at):
        start, at = match.span()
        if match.group(1) is None:
            if begin < start:
                kept.append(text[begin:start])
            at = begin = _after_comments(text, start, kept)
            continue
        name, attributes = match.group(1).lower(), match.group(2)
        closes_itself = attributes.endswith("/")  # <ref name="a" />
        close = (at, at) if closes_itself else finder.find(name, at)
        if close is None:
            continue
        if kept or begin < start:
            yield "".join(kept) + text[begin:start]
            kept = []
        content = None if closes_itself else text[at : close[0]]
        at = begin = close[1]
        yield Tag(name, attributes, content, text[start:begin])
    if kept or begin < len(text):
        yield "".join(kept) + text[begin:]


def _after_comments(text: str, start: int, kept: list[str]) -> int:
    """Return where the text goes on after a comment and those that follow it; blanks before them may be taken off."""
    has_line = _ends_line(kept)
    at = start
    while text.startswith("<!--", at):
        end = text.find("-->", at + 4)
        at = len(text) if end < 0 else end + 3
        if not has_line:
            return at
        rest = _REST_OF_LINE.match(text, at)
        if rest is None:
            return at
        if rest.group().endswith("\n"):
            kept[-1] = kept[-1].rstrip(" \t")
            return rest.end()
        if not rest.group().endswith("<!--"):
            return at
        at = rest.end() - 4
    return at


def _ends_line(pieces: list[str]) -> bool:
    """Return whether only blanks stand behind the last line break of a text; a text behind an element has none."""
    for piece in reversed(pieces):
        if bare := piece.rstrip(" \t"):
            return bare[-1] == "\n"
    return False


class _CloseFinder:
    """Finds the closing tags of one text in linear time."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Names whose closing tag is nowhere behind the place: without them a page of open tags takes quadratic time.
        self._never_closed: set[str] = set()
        self._has_lost_table = False

    def find(self, name: str, at: int) -> tuple[int, int] | None:
        """Return where the closing tag of an element stands, or None."""
        if name in self._never_closed:
            return None
        if name == "table" and not self._has_lost_table:
            if nested := self._table_end(at):
                return nested
            self._has_lost_table = True  # from here on, a table ends at the next closing tag
        close = _CLOSE[name].search(self._text, at)
        if close is None:
            self._never_closed.add(name)
            return None
        return close.span()

    def _table_end(self, at: int) -> tuple[int, int] | None:
        """Return where the tag stands that closes a table and not one inside of it."""
        depth = 1
        for match in _TABLE_TAG.finditer(self._text, at):
            depth += -1 if match.group(1) else 1
            if not depth:
                return match.span()
        return None
