"""Templates of quotations and lists: text that stands in paragraphs or lines of its own."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, all_positional, first_value, join_nonempty, positional

__all__ = ["RULES"]


def _block(args: Args) -> str:
    """Show `{{quote|text|author|source}}` as a paragraph: 'text — author, source'. Source: Template:Blockquote."""
    text = first_value(args, "1", "text", "quote", "quotetext")
    author = first_value(args, "2", "author", "sign", "by", "char")
    origin = join_nonempty(", ", author, first_value(args, "3", "source", "title"))
    return f"\n\n{text} — {origin}\n\n" if text and origin else f"\n\n{text}\n\n" if text else ""


def _pull_quote(args: Args) -> str:
    """Show `{{rquote|left|text|author|source}}` as a quotation; its side comes first. Source: Template:Rquote."""
    if positional(args, 1).lower() in ("left", "right", "center", "centre", ""):
        args = {**args, "1": positional(args, 2), "2": positional(args, 3), "3": positional(args, 4)}
    return _block(args)


def _centre_quote(args: Args) -> str:
    """Show `{{cquote|text|||author|source}}` as a quotation; sizes come between. Source: Template:Cquote."""
    # Articles that leave the sizes out write the author in their place.
    if not args.get("2") and not args.get("3"):
        args = {**args, "2": positional(args, 4), "3": positional(args, 5)}
    return _block(args)


def _poem(args: Args) -> str:
    """Show `{{poemquote|text|author|source}}` as a quotation that keeps its lines. Source: Template:Poem quote."""
    return _block({**args, "1": first_value(args, "1", "text").replace("\n", "<br>")})


def _bullets(args: Args) -> str:
    """Show `{{plainlist|...}}` and `{{ubl|a|b}}` as one item a line. Source: Template:Plainlist."""
    items = all_positional(args)
    # One argument with bullets is a list in wikitext already.
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        return f"\n{items[0]}\n"
    return "\n" + "\n".join(f"* {item}" for item in items) + "\n" if items else ""


def _inline_list(args: Args) -> str:
    """Show `{{hlist|a|b}}` as 'a, b'; Wikipedia puts dots between. Source: Template:Hlist."""
    items = all_positional(args)
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        items = [line.strip("*# \t") for line in items[0].splitlines()]
    return join_nonempty(", ", *items)


def _columns(args: Args) -> str:
    """Show the text of `{{columns-list|...}}` and `{{columns|col1=...}}`. Source: Template:Columns-list."""
    texts = [args[key] for key in ("col1", "col2", "col3", "col4", "col5", "col6") if args.get(key)]
    # The first argument may be a number of columns or a width, '3' or '30em': the text is the second one then.
    place = "2" if re.fullmatch(r"\d+\w*|", positional(args, 1)) else "1"
    text = "\n".join(texts) or first_value(args, place, "1", "content")
    return f"\n{text}\n" if text else ""


def _content(args: Args) -> str:
    """Show the text of `{{div col|content=...}}`, which without it only begins columns. Source: Template:Div col."""
    return f"\n{args['content']}\n" if args.get("content") else ""


RULES: dict[str, Rule] = {
    "collapsible list": _bullets,
    "columns-list": _columns,
    "cquote": _centre_quote,
    "div col": _content,
    "hlist": _inline_list,
    "plainlist": _bullets,
    "poemquote": _poem,
    "quote": _block,
    "rquote": _pull_quote,
}
