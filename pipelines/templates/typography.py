"""Templates that stand for a mark, put marks around their text, or only style it."""

from __future__ import annotations

from pipelines.templates.args import Args, Rule, first_value, positional, superscript
from pipelines.templates.tables import DATA, read_table

__all__ = ["RULES"]


def _show_first(args: Args) -> str:
    """Show `{{nowrap|x}}` and `{{small|x}}` as x. Source: Template:Nowrap, Template:Small."""
    return first_value(args, "1", "text", "2")


def _show_second(args: Args) -> str:
    """Show `{{color|red|x}}` as x: the style comes first. Source: Template:Color, Template:Resize."""
    return first_value(args, "2", "1")


def _mark_rule(shown: str) -> Rule:
    """Return the rule of a template that shows a mark, or marks around its text where `$1` stands.

    >>> _mark_rule("⟨$1⟩")({"1": "a"}), _mark_rule("⟨$1⟩")({}), _mark_rule("—")({})
    ('⟨a⟩', '', '—')
    """
    before, has_text, after = shown.partition("$1")
    if not has_text:
        return lambda _args: shown
    return lambda args: f"{before}{first_value(args, '1')}{after}" if first_value(args, "1") else ""


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
    **read_table(DATA / "marks.tsv", 2, _mark_rule),
    "su": _raised_and_lowered,
    "subsup": _lowered_and_raised,
    "sup": _raised,
}
