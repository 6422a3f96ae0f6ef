"""Templates of lists: bullets, columns, glossaries, casts, species, plots of episodes, texts with translations."""

from __future__ import annotations

import re

from pipelines.templates.words import Args, Rule, all_positional, first_value, join_nonempty, positional

__all__ = ["RULES"]

_LIST = re.compile(r"^\s*[*#:;]")


def _as_lines(text: str) -> str:
    """Put a text on lines of its own; '' stays ''."""
    return f"\n{text}\n" if text else ""


def _bullets(args: Args) -> str:
    """Show `{{plainlist|...}}` and `{{ubl|a|b}}` as one item a line. Source: Template:Plainlist."""
    items = all_positional(args)
    # One argument with bullets is a list in wikitext already.
    if len(items) == 1 and _LIST.search(items[0]):
        return _as_lines(items[0])
    return _as_lines("\n".join(f"* {item}" for item in items))


def _inline_list(args: Args) -> str:
    """Show `{{hlist|a|b}}` as 'a, b'; Wikipedia puts dots between. Source: Template:Hlist."""
    items = all_positional(args)
    if len(items) == 1 and _LIST.search(items[0]):
        items = [line.strip("*# \t") for line in items[0].splitlines()]
    return join_nonempty(", ", *items)


def _columns(args: Args) -> str:
    """Show the text of `{{columns-list|...}}` and `{{columns|col1=...}}`. Source: Template:Columns-list."""
    texts = [args[key] for key in ("col1", "col2", "col3", "col4", "col5", "col6") if args.get(key)]
    # The first argument may be a number of columns or a width, '3' or '30em': the text is the second one then.
    place = "2" if re.fullmatch(r"\d+\w*|", positional(args, 1)) else "1"
    return _as_lines("\n".join(texts) or first_value(args, place, "1", "content"))


def _content(args: Args) -> str:
    """Show the text of `{{div col|content=...}}`, which without it only begins columns. Source: Template:Div col."""
    return _as_lines(args.get("content", ""))


def _cast(args: Args) -> str:
    """Show the list in `{{cast listing|...}}`. Source: Template:Cast listing."""
    return _as_lines("\n".join(all_positional(args)) or first_value(args, "cast", "content"))


def _species(args: Args) -> str:
    """Show `{{species list|Panthera leo|Linnaeus, 1758|...}}` as one species a line. Source: Template:Species list."""
    places = range(1, 2 + max((int(name) for name in args if re.fullmatch(r"[1-9][0-9]{0,2}", name)), default=0), 2)
    species = (join_nonempty(" ", positional(args, place), positional(args, place + 1)) for place in places)
    return _as_lines("\n".join(f"* {line}" for line in species if line))


def _term(args: Args) -> str:
    """Show `{{term|Apple}}` as the term of a list of definitions. Source: Template:Term."""
    term = first_value(args, "2", "content", "1", "term")
    return f"\n; {term}\n" if term else ""


def _definition(args: Args) -> str:
    """Show `{{defn|A fruit.}}` as a definition. Source: Template:Defn."""
    text = first_value(args, "1", "defn", "def", "content")
    return f"\n: {text}\n" if text else ""


def _summary(args: Args) -> str:
    """Show the plot in `{{episode list|ShortSummary=...}}`; the rest is for a table. Source: Template:Episode list."""
    text = first_value(args, "ShortSummary", "Summary", "shortsummary", "summary")
    return f"\n\n{text}\n\n" if text else ""


def _episodes(args: Args) -> str:
    """Show what is left of the episodes in `{{episode table|episodes=...}}`. Source: Template:Episode table."""
    return _as_lines(args.get("episodes", ""))


def _text_and_translation(args: Args) -> str:
    """Show `{{text and translation|text|translation}}` as two paragraphs that keep their lines.

    Source: Template:Text and translation, Template:Verse translation.
    """
    texts = first_value(args, "1", "text", "original"), first_value(args, "2", "translation", "trans")
    # Breaks between lines that would run together; list items have lines of their own.
    kept = (text if _LIST.search(text) else text.replace("\n", "<br>") for text in texts)
    shown = join_nonempty("\n\n", *kept)
    return f"\n\n{shown}\n\n" if shown else ""


RULES: dict[str, Rule] = {
    "cast listing": _cast,
    "collapsible list": _bullets,
    "columns-list": _columns,
    "div col": _content,
    "defn": _definition,
    "episode list": _summary,
    "episode table": _episodes,
    "hlist": _inline_list,
    "plainlist": _bullets,
    "species list": _species,
    "term": _term,
    "text and translation": _text_and_translation,
}
