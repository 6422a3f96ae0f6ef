"""Templates whose words stand around their arguments, as a table lists them, and those of a cell of a table."""

from __future__ import annotations

from pipelines.templates.words import DATA, Args, Rule, first_value, pattern_rule, read_table

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


def phrase_rule(name: str) -> Rule | None:
    """Find the rule of a family whose names end or begin alike: spans in doubt, stations of a network, readings above.

    >>> phrase_rule("clarify span")({"text": "He left."}), phrase_rule("metrolink stations")({"1": "Bury"})
    ('He left.', 'Bury')
    """
    if name.endswith((" span", "-span")):
        return _span
    if name.endswith((" station", " stations")):
        return lambda args: first_value(args, "station", "1")
    if name.startswith("ruby-"):
        return _RUBY
    return None


_RUBY = pattern_rule("$1⟦ ($2)⟧")

RULES: dict[str, Rule] = {
    **read_table(DATA / "phrases.tsv", 2, pattern_rule),
    **read_table(DATA / "cells.tsv", 2, _cell),
    "see below": _see_below,
}
