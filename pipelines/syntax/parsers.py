"""Which parser reads wikitext: the scanner of this package, or the grammar of mwparserfromhell."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from pipelines.syntax.brackets import scan
from pipelines.syntax.nodes import Pieces

__all__ = ["WIKITEXT_PARSERS", "WikitextParser", "parse_wikitext"]

WikitextParser: TypeAlias = Literal["scanner", "mwparserfromhell"]
WIKITEXT_PARSERS: tuple[WikitextParser, ...] = get_args(WikitextParser)


def parse_wikitext(text: str, parser: WikitextParser = "scanner") -> Pieces:
    """Read wikitext into nodes in their order.

    Args:
        text: wikitext of a page, or of a part of one.
        parser: "scanner" takes linear time for any text; "mwparserfromhell" has its own grammar, and no such bound.

    >>> parse_wikitext("{{a|b}} c") == parse_wikitext("{{a|b}} c", "mwparserfromhell")
    True
    """
    if parser == "scanner":
        return scan(text)
    from pipelines.syntax.grammar import read_grammar

    return read_grammar(text)
