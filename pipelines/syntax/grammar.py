"""Wikitext as the grammar of mwparserfromhell reads it, in our nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import mwparserfromhell
from mwparserfromhell import nodes as theirs
from mwparserfromhell.wikicode import Wikicode

from pipelines.syntax.nodes import Link, Parameter, Piece, Pieces, Table, Tag, Template
from pipelines.syntax.tags import TAG_NAMES

__all__ = ["read_grammar"]

_BLANKS_AND_BREAK = re.compile(r"[ \t]*\n")
_INDENTED_TABLE = re.compile(r"^[ \t]*:[ \t:]*(?=\{\|)", re.MULTILINE)
_ENDS_LINE = re.compile(r"\n[ \t]*$")


def read_grammar(text: str) -> Pieces:
    """Read wikitext with mwparserfromhell.

    Quotes stay text: they may cross other markup, which its tree cannot say.

    >>> read_grammar("a {{b|c=[[d]]}}<ref>e</ref>")
    ['a ', Template(parts=[['b'], ['c', '=', Link(parts=[['d']])]]), Tag(name='ref', attributes='', content='e', \
written='<ref>e</ref>')]
    """
    if ":{|" in text or ": {|" in text:
        text = _INDENTED_TABLE.sub("", text)  # a table for MediaWiki's Parser::doTableStuff, and text for this grammar
    # The first line begins behind a line break, as every other line, for the comments that stand alone on it.
    return _to_pieces(mwparserfromhell.parse(text, skip_style_tags=True), before="\n")


def _to_pieces(code: Wikicode | None, before: str = "") -> Pieces:
    """Return the nodes of a tree as ours, text beside text joined. before: the text in front of it."""
    pieces: Pieces = []
    takes_line = False  # a comment alone on its line was left out: the line break after it goes, too
    for node in [] if code is None else code.nodes:
        if isinstance(node, theirs.Comment):
            last = pieces[-1] if pieces else before
            takes_line = takes_line or (isinstance(last, str) and _ENDS_LINE.search(last) is not None)
            continue
        for piece in _of_node(node):
            if takes_line and isinstance(piece, str) and (blank := _BLANKS_AND_BREAK.match(piece)):
                piece = piece[blank.end() :]
            takes_line = False
            if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += piece
            elif piece:
                pieces.append(piece)
    return pieces


def _of_node(node: theirs.Node) -> Iterator[Piece]:
    if isinstance(node, theirs.Template):
        yield Template([_to_pieces(node.name), *map(_of_parameter, node.params)])
    elif isinstance(node, theirs.Argument):
        default = [] if node.default is None else [_to_pieces(node.default)]
        yield Parameter([_to_pieces(node.name), *default])
    elif isinstance(node, theirs.Wikilink):
        label = [] if node.text is None else _split_bars(_to_pieces(node.text))
        yield Link([_to_pieces(node.title), *label])
    elif isinstance(node, theirs.Tag):
        yield from _of_tag(node)
    elif isinstance(node, theirs.Heading):
        yield "=" * node.level
        yield from _to_pieces(node.title)
        yield "=" * node.level
    elif isinstance(node, theirs.ExternalLink):
        yield "[" if node.brackets else ""
        yield from _to_pieces(node.url)
        if node.title is not None:
            yield "" if node.suppress_space else " "
            yield from _to_pieces(node.title)
        yield "]" if node.brackets else ""
    else:
        yield str(node)


def _of_parameter(param: theirs.extras.Parameter) -> Pieces:
    if not param.showkey:
        return _to_pieces(param.value)
    return [*_to_pieces(param.name), "=", *_to_pieces(param.value)]


def _of_tag(tag: theirs.Tag) -> Iterator[Piece]:
    name = str(tag.tag).strip().lower()
    attributes = [piece for attribute in tag.attributes for piece in _of_attribute(attribute)]
    if tag.wiki_markup == "{|":
        yield Table([[*attributes, *_to_pieces(tag.contents)]])
    elif tag.wiki_markup is not None:  # the mark of a list, a rule, or a row or cell of a table
        yield from [str(tag.wiki_markup), *attributes, *_to_pieces(tag.contents)]
    elif name in TAG_NAMES and not tag.invalid:
        written = "".join(map(str, tag.attributes)) + "/" * tag.self_closing
        yield Tag(name, written, None if tag.self_closing else str(tag.contents), str(tag))
    elif tag.self_closing or tag.contents is None:
        yield str(tag)
    else:
        yield from [f"<{tag.tag}", *attributes, f"{tag.padding}>"]
        yield from _to_pieces(tag.contents)
        yield f"</{tag.closing_tag}>"


def _of_attribute(attribute: theirs.extras.Attribute) -> Pieces:
    name = [attribute.pad_first, *_to_pieces(attribute.name), attribute.pad_before_eq]
    if attribute.value is None:
        return name
    quotes = attribute.quotes or ""
    return [*name, "=", attribute.pad_after_eq, quotes, *_to_pieces(attribute.value), quotes]


def _split_bars(pieces: Pieces) -> list[Pieces]:
    """Cut the label of a link at its bars, as the options of a file are."""
    parts: list[Pieces] = [[]]
    for piece in pieces:
        if not isinstance(piece, str):
            parts[-1].append(piece)
            continue
        first, *others = piece.split("|")
        if first:
            parts[-1].append(first)
        parts += [[other] if other else [] for other in others]
    return parts
