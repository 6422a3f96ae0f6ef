"""The nodes of wikitext: pieces of text, and between them templates, links, tables and tags as they were written.

    Tea is {{lang|zh|'''茶'''}} or [[Cha]].<ref>a</ref>

    ["Tea is ", Template([["lang"], ["zh"], ["'''茶'''"]]), " or [[Cha]].", Tag("ref", "", "a")]

A piece of text may hold whole links, and the pieces of text beside each other may be cut anywhere. Comments show
nothing and are no nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

__all__ = [
    "Link",
    "Parameter",
    "Piece",
    "Pieces",
    "Table",
    "Tag",
    "Template",
    "is_file_target",
    "to_wikitext",
]

_FILE_TARGET = re.compile(r"^[\s_]*(?:file|image)[\s_]*:", re.IGNORECASE)


class Tag(NamedTuple):
    """An element whose content no other bracket sees: `<ref>`, `<math>`, `<gallery>`, `<table>`.

    Args:
        name: lower case.
        attributes: as written.
        content: wikitext or source text between the tags; None where the tag closes itself.
        written: the whole element as written.
    """

    name: str
    attributes: str
    content: str | None
    written: str


@dataclass(slots=True)
class Template:
    """`{{name|argument|key=argument}}`: the name, then each argument as written between the bars."""

    parts: list[Pieces] = field(default_factory=lambda: [[]])


@dataclass(slots=True)
class Parameter:
    """`{{{name|default}}}`: a parameter of the page, which has none where it is an article."""

    parts: list[Pieces] = field(default_factory=lambda: [[]])


@dataclass(slots=True)
class Link:
    """`[[target|label]]` or `[[File:a.jpg|thumb|caption]]`: the target, then what follows each bar."""

    parts: list[Pieces] = field(default_factory=lambda: [[]])


@dataclass(slots=True)
class Table:
    """`{|` to `|}`: all that stands between, as one part."""

    parts: list[Pieces] = field(default_factory=lambda: [[]])


Piece: TypeAlias = str | Template | Parameter | Link | Table | Tag
Pieces: TypeAlias = list[Piece]

_MARKS: dict[type, tuple[str, str]] = {
    Template: ("{{", "}}"),
    Parameter: ("{{{", "}}}"),
    Link: ("[[", "]]"),
    Table: ("{|", "|}"),
}


def is_file_target(target: str) -> bool:
    """Return whether a link shows a file.

    >>> is_file_target("Image: a.jpg"), is_file_target(":File:a.jpg")
    (True, False)
    """
    return bool(_FILE_TARGET.match(target))


def to_wikitext(pieces: Pieces) -> str:
    """Write pieces as wikitext again; only comments are lost.

    >>> to_wikitext(["Tea is ", Template([["lang"], ["zh"], ["茶"]]), "."])
    'Tea is {{lang|zh|茶}}.'
    """
    return "".join(map(_piece_to_wikitext, pieces))


def _piece_to_wikitext(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Tag):
        return piece.written
    opening, closing = _MARKS[type(piece)]
    return f"{opening}{'|'.join(map(to_wikitext, piece.parts))}{closing}"
