"""Inline templates as the prose that Wikipedia shows for them: one table from name to rule."""

from __future__ import annotations

import re
from functools import lru_cache

from pipelines.templates import convert as units
from pipelines.templates import dates
from pipelines.templates import languages as foreign_text
from pipelines.templates import numbers as numerals
from pipelines.templates import places as flags
from pipelines.templates import quotations as quotes
from pipelines.templates import typography as marks
from pipelines.templates.args import Args, Rule, joined, listed, positional, text_of, with_aliases
from pipelines.templates.silent import is_silent

__all__ = ["MAX_RENDERED_CHARS", "render"]

MAX_RENDERED_CHARS = 100_000
"""Longest text of one template; the rest is cut (a template that shows more is a page part, not inline)."""

_MAX_CACHED_CHARS = 80
_PREFIX = re.compile(r"^(?:template:|subst:|safesubst:|msgnw:|msg:|:)\s*")


def render(name: str, args: Args) -> str | None:
    """Return the wikitext that stands in the place of a template.

    Args:
        name: template name; case, underscores and runs of blanks do not matter.
        args: positional arguments under "1", "2", ... and named ones, stripped; inner templates rendered.

    Returns:
        The text to show, in which `unknown_values.HOLE` stands for a value that no dump holds (call `mend_holes` on the
        paragraph, which drops it with its parentheses); "" where the template is known and shows nothing in prose; None
        where it is unknown.

    Source: the documentation of each template on English Wikipedia, named at its rule.

    >>> render("convert", {"1": "330", "2": "mi"})
    '330 miles (530 km)'
    >>> render("citation needed", {"date": "May 2014"})
    ''
    >>> render("no such template", {}) is None
    True
    """
    rule = _cached_rule(name) if len(name) <= _MAX_CACHED_CHARS else _rule_of(name)
    return None if rule is None else rule(args)[:MAX_RENDERED_CHARS]


def _rule_of(name: str) -> Rule | None:
    key = _PREFIX.sub("", " ".join(name.replace("_", " ").lower().split()))
    rule = _RULES.get(key) or foreign_text.language_rule(key) or flags.ship_rule(key) or _magic_word(key)
    return _nothing if rule is None and is_silent(key) else rule


_cached_rule = lru_cache(maxsize=1 << 13)(_rule_of)


def _nothing(_args: Args) -> str:
    return ""


def _interlanguage(args: Args) -> str:
    """`{{ill|title|de|foreign}}` shows its lt or title; the old order had the language first. Source: Template:Ill."""
    first = positional(args, 1)
    if first.lower() in foreign_text.LANGUAGE_NAMES and positional(args, 2):
        return text_of(args, "lt", "4", "3", "2")
    return text_of(args, "lt", "1")


def _section_link(args: Args) -> str:
    """`{{section link|Page|Part}}` shows 'Page § Part'. Source: Template:Section link."""
    sections = listed({str(place - 1): positional(args, place) for place in range(2, 7)})
    return joined(" ", positional(args, 1), f"§ {joined(', ', *sections)}" if sections else "")


def _sort_name(args: Args) -> str:
    """`{{sortname|First|Last|link}}` shows 'First Last'. Source: Template:Sort name."""
    return joined(" ", positional(args, 1), positional(args, 2))


def _author_year(args: Args) -> str:
    """`{{harvtxt|Boolos|Jeffrey|1974}}` shows 'Boolos & Jeffrey (1974)'. Source: Template:Harvtxt."""
    *names, year = listed(args) or [""]
    who = joined(", ", *names[:-1]) + f" & {names[-1]}" if len(names) > 1 else joined("", *names)
    return joined(" ", who, f"({year})" if year else "")


def _verse(args: Args) -> str:
    """`{{bibleverse||James|5:14|NIV}}` shows 'James 5:14'. Source: Template:Bibleverse."""
    book = [positional(args, 1), positional(args, 2)]
    if re.match(r"\d", book[1]):
        return joined(" ", *book)
    return joined(" ", *book, positional(args, 3))


def _marriage(args: Args) -> str:
    """`{{marriage|name|1929|1979}}` shows 'name (m. 1929–1979)'. Source: Template:Marriage."""
    name, start, end = (positional(args, place) for place in (1, 2, 3))
    years = joined("–", start, end)
    return joined(" ", name, f"(m. {years})" if years else "")


def _sic(args: Args) -> str:
    """`{{sic|teh}}` shows 'teh [sic]', without text '[sic]', hidden nothing more. Source: Template:Sic."""
    text = joined("", positional(args, 1), positional(args, 2))
    return text if args.get("hide") in ("y", "yes") else joined(" ", text, "[sic]")


def _keys(args: Args) -> str:
    """`{{keypress|Ctrl|C}}` shows 'Ctrl+C'. Source: Template:Keypress."""
    return joined("+", *listed(args))


def _music(args: Args) -> str:
    """`{{music|flat}}` shows ♭. Source: Template:Music."""
    signs = {"flat": "♭", "sharp": "♯", "natural": "♮", "b": "♭", "#": "♯", "doubleflat": "♭♭", "doublesharp": "𝄪"}
    return signs.get(positional(args, 1).lower(), positional(args, 1)) + positional(args, 2)


def _code_point(args: Args) -> str:
    """`{{unichar|41|latin capital letter a}}` shows 'U+0041 A LATIN CAPITAL LETTER A'. Source: Template:Unichar."""
    code = positional(args, 1).removeprefix("U+").upper()
    if not re.fullmatch(r"[0-9A-F]{1,6}", code):
        return ""
    return joined(" ", f"U+{code.zfill(4)}", f"&#x{code};", positional(args, 2).upper())


def _origin(args: Args) -> str:
    """`{{etymology|la|albedo|whiteness}}` shows "from Latin albedo 'whiteness'". Source: Template:Etymology."""
    code, word, meaning = (positional(args, place) for place in (1, 2, 3))
    language = foreign_text.LANGUAGE_NAMES.get(code.lower(), "")
    return joined(" ", "from", language, word, f"'{meaning}'" if meaning else "") if word or language else ""


def _literal(args: Args) -> str:
    """`{{literally|young people}}` shows "lit. 'young people'". Source: Template:Literal translation."""
    return f"lit. '{positional(args, 1)}'" if positional(args, 1) else ""


def _magic_word(name: str) -> Rule | None:
    """Find the rule of a magic word, whose first argument follows a colon in the name. Source: Help:Magic words."""
    head, colon, rest = name.partition(":")
    if not colon:
        return None
    rest = rest.strip()
    if head in ("lc", "uc", "ucfirst", "lcfirst", "padleft", "padright", "plural", "grammar", "int", "anchorencode"):
        shown = {"uc": rest.upper(), "ucfirst": rest[:1].upper() + rest[1:]}.get(head, rest)
        return lambda _args: shown
    if head == "formatnum":
        return lambda _args: numerals.with_commas(rest)
    if head in ("#if", "#ifexist"):
        return lambda args: text_of(args, "1") if rest else text_of(args, "2")
    if head.startswith("#") or head in ("defaultsort", "displaytitle", "ns", "fullurl", "localurl", "urlencode"):
        return lambda _args: ""
    return None


def _gaps(args: Args) -> str:
    """`{{gaps|12|345}}` shows 12345, spaced by style only. Source: Template:Gaps."""
    return "".join(listed(args))


_INLINE: dict[str, Rule] = {
    "bibleverse": _verse,
    "etymology": _origin,
    "gaps": _gaps,
    "harvtxt": _author_year,
    "ill": _interlanguage,
    "keypress": _keys,
    "literally": _literal,
    "marriage": _marriage,
    "music": _music,
    "section link": _section_link,
    "sic": _sic,
    "sortname": _sort_name,
    "unichar": _code_point,
}
_RULES: dict[str, Rule] = with_aliases(
    _INLINE,
    {
        "bibleverse": "bible|bibleref|bibleref2",
        "harvtxt": "harvard citation text|harvcoltxt",
        "ill": "illm|interlanguage link|interlanguage link multi|link-interwiki",
        "keypress": "key|key press",
        "literally": "lit|literal translation",
        "section link": "sectionlink|slink",
        "sortname": "sort name",
    },
)
for _more in (marks.RULES, quotes.RULES, foreign_text.RULES, dates.RULES, numerals.RULES, units.RULES, flags.RULES):
    _RULES |= _more
