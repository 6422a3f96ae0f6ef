"""Templates that stand for a mark, put marks around their text, or only style it."""

from __future__ import annotations

from pipelines.templates.words import DATA, Args, Rule, first_value, pattern_rule, positional, read_table, superscript

__all__ = ["RULES"]

_OPTIONS_OF_CODE = frozenset({"1", "2", "lang", "class", "style", "id", "title", "lk"})


def _show_first(args: Args) -> str:
    """Show `{{nowrap|x}}` and `{{small|x}}` as x. Source: Template:Nowrap, Template:Small."""
    return first_value(args, "1", "text", "2")


def _show_second(args: Args) -> str:
    """Show `{{color|red|x}}` as x: the style comes first. Source: Template:Color, Template:Resize."""
    return first_value(args, "2", "1")


def _verbatim(args: Args) -> str:
    """Show `{{code|x = 1}}` as 'x = 1'. Source: Template:Code.

    MediaWiki takes an equals sign in it for the end of an argument's name, and would show nothing of it.
    """
    text = first_value(args, "1", "text", "code")
    named = [(name, value) for name, value in args.items() if name not in _OPTIONS_OF_CODE]
    if text and not text.strip(",.;:()"):
        return f"<code>{text}</code>"  # marks that the sentence writes about are not its punctuation
    return text or (" = ".join(named[0]) if len(named) == 1 else "")


def _raised(args: Args) -> str:
    """Show `{{sup|2}}` as ². Source: Template:Sup."""
    return superscript(positional(args, 1))


def _raised_and_lowered(args: Args) -> str:
    """Show `{{su|p=2|b=i}}` as i²: the lower one comes first. Source: Template:Su."""
    return first_value(args, "b", "2") + superscript(first_value(args, "p", "1"))


def _lowered_and_raised(args: Args) -> str:
    """Show `{{subsup|x|i|2}}` as xi². Source: Template:Subsup."""
    return positional(args, 1) + positional(args, 2) + superscript(positional(args, 3))


RULES: dict[str, Rule] = {
    **read_table(DATA / "styles.tsv", 2, {"1": _show_first, "2": _show_second}.__getitem__),
    **read_table(DATA / "marks.tsv", 2, pattern_rule),
    **dict.fromkeys(("code", "codett", "kbd", "mono", "samp", "tt", "var"), _verbatim),
    "su": _raised_and_lowered,
    "subsup": _lowered_and_raised,
    "sup": _raised,
}
