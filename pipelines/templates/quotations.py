"""Templates of quotations and lists: text that stands in paragraphs or lines of its own."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, joined, listed, positional, text_of, with_aliases

__all__ = ["RULES"]


def _block(args: Args) -> str:
    """Quotations that stand as a paragraph: the text, a dash, who said it and where. Source: Template:Blockquote."""
    text = text_of(args, "1", "text", "quote", "quotetext")
    who = joined(", ", text_of(args, "2", "author", "sign", "by", "char"), text_of(args, "3", "source", "title"))
    return f"\n\n{text} — {who}\n\n" if text and who else f"\n\n{text}\n\n" if text else ""


def _pull_quote(args: Args) -> str:
    """`{{rquote|left|text|author|source}}`: the first argument is the side. Source: Template:Rquote."""
    if positional(args, 1).lower() in ("left", "right", "center", "centre", ""):
        args = {**args, "1": positional(args, 2), "2": positional(args, 3), "3": positional(args, 4)}
    return _block(args)


def _centre_quote(args: Args) -> str:
    """`{{cquote|text|||author|source}}`: sizes stand between. Source: Template:Cquote."""
    if not args.get("2") and not args.get("3"):
        args = {**args, "2": positional(args, 4), "3": positional(args, 5)}
    return _block(args)


def _poem(args: Args) -> str:
    """`{{poemquote|text|author|source}}` keeps its lines. Source: Template:Poem quote."""
    return _block({**args, "1": text_of(args, "1", "text").replace("\n", "<br>")})


def _bullets(args: Args) -> str:
    """`{{plainlist|...}}` and `{{ubl|a|b}}`: one item a line. Source: Template:Plainlist, Template:Unbulleted list."""
    items = listed(args)
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        return f"\n{items[0]}\n"
    return "\n" + "\n".join(f"* {item}" for item in items) + "\n" if items else ""


def _inline_list(args: Args) -> str:
    """`{{hlist|a|b}}` stands in one line; here with commas. Source: Template:Hlist."""
    items = listed(args)
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        items = [line.strip("*# \t") for line in items[0].splitlines()]
    return joined(", ", *items)


def _columns(args: Args) -> str:
    """`{{columns-list|...}}` and `{{columns|col1=...}}` show their text. Source: Template:Columns-list, Columns."""
    texts = [args[key] for key in ("col1", "col2", "col3", "col4", "col5", "col6") if args.get(key)]
    text = "\n".join(texts) or text_of(args, "2" if re.fullmatch(r"\d+\w*|", positional(args, 1)) else "1", "1")
    return f"\n{text}\n" if text else ""


def _collapsible(args: Args) -> str:
    """`{{collapsible list|title=...|a|b}}` shows its items. Source: Template:Collapsible list."""
    return _bullets(args)


RULES: dict[str, Rule] = {
    "collapsible list": _collapsible,
    "columns-list": _columns,
    "cquote": _centre_quote,
    "hlist": _inline_list,
    "plainlist": _bullets,
    "poemquote": _poem,
    "quote": _block,
    "rquote": _pull_quote,
}
RULES = with_aliases(
    RULES,
    {
        "columns-list": "column list|columns|multi-column numbered list",
        "cquote": "pull quote|pullquote",
        "hlist": "comma separated entries|cslist|csv|enum|flat list|flatlist|horizontal list|pagelist",
        "plainlist": "blist|bulleted list|olist|ordered list|plain list|ubl|unbulleted|unbulleted list|vunblist",
        "poemquote": "poem|poem quote|verse",
        "quote": (
            "block quote|blockquotation|blockquote|bq|bquote|divquote|epigraph|imagequote|"
            "long quotation|longquote|qquote|quotation|quote box|quote frame|quote1|quotebox|quotetext|"
            "verse translation text"
        ),
    },
)
