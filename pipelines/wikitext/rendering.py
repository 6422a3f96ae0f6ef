"""Nodes of wikitext as text: each is replaced by what it shows, the innermost first, whichever parser found them.

The arguments of a template are told apart before anything inside them is shown, so that no bar and no equals sign
that a template shows can cut the argument that it stands in.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from pipelines.syntax import Link, Parameter, Pieces, Table, Tag, Template
from pipelines.wikitext.placeholders import EMPTIED
from pipelines.wikitext.traces import without_traces

__all__ = ["NodeRenderer", "render_pieces"]

_NOT_IN_KEYS = re.compile(r"[\[\]{}<>\n]")
_MAX_KEY_CHARS = 80
"""Longer keys of arguments are text with an equals sign."""
_QUOTE_MARKS = frozenset("'\"“‘«„")


class NodeRenderer(Protocol):
    """Returns the text that replaces each node. The nodes inside its arguments are replaced already."""

    def template(self, name: str, args: dict[str, str]) -> str:
        """Return the text for a template: its name as written, its arguments by key or by place, stripped."""
        ...

    def link(self, parts: list[str]) -> str:
        """Return the text for a link: its target, then what follows each bar."""
        ...

    def table(self, content: str) -> str:
        """Return the text for a table."""
        ...

    def tag(self, tag: Tag) -> str:
        """Return the text for an extension tag."""
        ...


def render_pieces(pieces: Pieces, renderer: NodeRenderer) -> str:
    """Join pieces of wikitext, each node as the text that the renderer returns for it."""
    if len(pieces) == 1 and isinstance(pieces[0], str):  # most arguments
        return pieces[0]
    if not pieces:
        return ""
    shown: list[str] = []
    add = shown.append
    for place, piece in enumerate(pieces):
        if isinstance(piece, str):  # most pieces
            add(piece)
            continue
        text = _render_node(piece, renderer)
        if shown and not (text and without_traces(text)) and _is_held_open(shown[-1], pieces, place + 1):
            add(EMPTIED)
        if text:
            add(text)
    return "".join(shown)


def _is_held_open(before: str, pieces: Pieces, following: int) -> bool:
    """Return whether the place of a node that shows nothing is marked, given the text before it and what follows it.

    Between quote marks it takes them along, and letters behind it do not belong to the link before it.
    """
    last = before[-1:]
    if last in _QUOTE_MARKS:
        return True
    if last != "]" or before[-2:] != "]]" or following >= len(pieces):
        return False
    after = pieces[following]
    return isinstance(after, str) and after[:1].isalpha()


def _render_node(node: Template | Parameter | Link | Table | Tag, renderer: NodeRenderer) -> str:
    if isinstance(node, Tag):
        return renderer.tag(node)
    if isinstance(node, Template):
        return renderer.template(render_pieces(node.parts[0], renderer), _arguments(node.parts[1:], renderer))
    if isinstance(node, Link):
        return renderer.link([render_pieces(part, renderer) for part in node.parts])
    if isinstance(node, Table):
        return renderer.table("".join(render_pieces(part, renderer) for part in node.parts))
    # A parameter has no value in an article, which nobody transcludes.
    return render_pieces(node.parts[1], renderer) if len(node.parts) > 1 else ""


def _arguments(parts: list[Pieces], renderer: NodeRenderer) -> dict[str, str]:
    """Return the arguments of a template by name: `key=value` by its key, others by their place.

    >>> class Shouter:
    ...     def template(self, name, args):
    ...         return "="
    >>> _arguments([["330"], ["abbr = on"], ["a ", Template([["="]]), " b"], ["mi"]], Shouter())
    {'1': '330', 'abbr': 'on', '2': 'a = b', '3': 'mi'}
    """
    args: dict[str, str] = {}
    place = 0
    for part in parts:
        if len(part) == 1 and isinstance(part[0], str):  # most arguments
            before, equals, after = part[0].partition("=")
            if equals and (key := _cached_key(before) if len(before) <= _MAX_KEY_CHARS else _read_key(before)):
                args[key] = after.strip()
            else:
                place += 1
                args[str(place)] = part[0].strip()
            continue
        keyed = _split_key(part, renderer)
        if keyed is None:
            place += 1
            key, value = str(place), part
        else:
            key, value = keyed
        args[key] = render_pieces(value, renderer).strip()
    return args


def _split_key(part: Pieces, renderer: NodeRenderer) -> tuple[str, Pieces] | None:
    """Return the key of an argument and the pieces of its value; None where it has no key.

    Only an equals sign in the argument's own text counts, not one inside of a link, template or tag.
    """
    for place, piece in enumerate(part):
        if isinstance(piece, str) and "=" in piece:
            before, _, after = piece.partition("=")
            if "[" in before:  # the equals sign may stand inside of a link
                return None
            key = _read_key(render_pieces([*part[:place], before], renderer) if place else before)
            return (key, [after, *part[place + 1 :]]) if key else None
    return None


def _read_key(text: str) -> str:
    """Return the key of an argument, given the text before its equals sign; '' if that is no key."""
    key = text.strip()
    return key if len(key) <= _MAX_KEY_CHARS and not _NOT_IN_KEYS.search(key) else ""


@lru_cache(maxsize=1 << 12)
def _cached_key(text: str) -> str:
    return _read_key(text)
