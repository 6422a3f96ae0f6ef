"""Templates of quotations: text that stands in paragraphs of its own."""

from __future__ import annotations

from pipelines.templates.words import Args, Rule, first_value, join_nonempty, positional

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


RULES: dict[str, Rule] = {
    "cquote": _centre_quote,
    "poemquote": _poem,
    "quote": _block,
    "rquote": _pull_quote,
}
