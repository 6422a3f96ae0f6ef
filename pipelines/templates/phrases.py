"""Templates whose words stand around their arguments, as a table lists them, and those of a cell of a table."""

from __future__ import annotations

from pipelines.templates.words import DATA, Args, Rule, aside, first_value, pattern_rule, read_table

__all__ = ["RULES", "phrase_rule"]


def _cell(text: str) -> Rule:
    """Show `{{yes}}` as 'Yes', and `{{yes|Won}}` as 'Won'. Source: Template:Table cell templates."""
    return lambda args: first_value(args, "1") or text


def _see_below(args: Args) -> str:
    """Show `{{see below}}` as '(see below)', and `{{see below|§ Uses}}` as '(see § Uses)'. Source: its page."""
    return f"(see {first_value(args, '1') or 'below'})"


def _span(args: Args) -> str:
    """Show `{{clarify span|text=He left.}}` as 'He left.': only the doubt about it is a note. Source: Fix-span."""
    return first_value(args, "text", "1", "content")


def _station(args: Args) -> str:
    """Show `{{LIRR stations|Jamaica}}` as 'Jamaica' inside a sentence. Source: Template:Station link.

    A box of links may have such a name, too: it stands on a line of its own.
    """
    return aside(first_value(args, "station", "1"))


def phrase_rule(name: str) -> Rule | None:
    """Find the rule of a family whose names end or begin alike: spans in doubt, stations of a network, readings above.

    >>> phrase_rule("clarify span")({"text": "He left."}), phrase_rule("ruby-ja")({"1": "明日", "2": "あした"})
    ('He left.', '明日 (あした)')
    """
    if name.endswith((" span", "-span")):
        return _span
    if name.endswith((" station", " stations")):
        return _station
    if name.startswith("ruby-"):
        return _RUBY
    return None


_RUBY = pattern_rule("$1⟦ ($2)⟧")

RULES: dict[str, Rule] = {
    **read_table(DATA / "phrases.tsv", 2, pattern_rule),
    **read_table(DATA / "cells.tsv", 2, _cell),
    "see below": _see_below,
}
