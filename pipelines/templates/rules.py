"""Inline templates as the prose that Wikipedia shows for them: one table from name to rule."""

from __future__ import annotations

import re
from functools import lru_cache

from pipelines.templates.args import Args, Rule, all_positional, first_value, join_nonempty, positional
from pipelines.templates.convert import RULES as CONVERT_RULES
from pipelines.templates.dates import RULES as DATE_RULES
from pipelines.templates.languages import LANGUAGE_NAMES, language_rule
from pipelines.templates.languages import RULES as LANGUAGE_RULES
from pipelines.templates.numbers import RULES as NUMBER_RULES
from pipelines.templates.numbers import with_commas
from pipelines.templates.places import RULES as PLACE_RULES
from pipelines.templates.places import ship_rule
from pipelines.templates.quotations import RULES as QUOTATION_RULES
from pipelines.templates.silent import is_silent
from pipelines.templates.tables import DATA, read_table
from pipelines.templates.typography import RULES as TYPOGRAPHY_RULES

__all__ = ["MAX_RENDERED_CHARS", "render"]

MAX_RENDERED_CHARS = 100_000
"""Longest text of one template; the rest is cut. A template that shows more is a part of the page, not of a line."""

_MAX_CACHED_CHARS = 80
"""Longer names are not remembered: they are text in wrong brackets, and would fill the memory."""
_PREFIX = re.compile(r"^(?:template:|subst:|safesubst:|msgnw:|msg:|:)\s*")


def render(name: str, args: Args) -> str | None:
    """Return the wikitext that stands in the place of a template.

    Args:
        name: template name; case, underscores and runs of blanks do not matter.
        args: positional arguments under "1", "2", ... and named ones, stripped; inner templates rendered.

    Returns:
        The text to show, in which `UNKNOWN_VALUE` stands for a value that no dump holds (`remove_unknown_values` takes
        it out of the whole paragraph); "" where the template is known and shows nothing in prose; None where the
        template is unknown.

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
    """Find the rule of a template: by its whole name, then by its family, then among those that show nothing."""
    key = _PREFIX.sub("", " ".join(name.replace("_", " ").lower().split()))
    # Silent templates come last: their patterns are broad ("use *"), and a rule knows its template better.
    rule = _RULES.get(key) or language_rule(key) or ship_rule(key) or _magic_word(key)
    return _show_nothing if rule is None and is_silent(key) else rule


_cached_rule = lru_cache(maxsize=1 << 13)(_rule_of)


def _show_nothing(_args: Args) -> str:
    """Show nothing, as `{{citation needed}}` and all other silent templates do in running text."""
    return ""


def _interlanguage(args: Args) -> str:
    """Show the lt or title of `{{ill|title|de|foreign}}`; the language came first once. Source: Template:Ill."""
    first = positional(args, 1)
    if first.lower() in LANGUAGE_NAMES and positional(args, 2):
        return first_value(args, "lt", "4", "3", "2")
    return first_value(args, "lt", "1")


def _section_link(args: Args) -> str:
    """Show `{{section link|Page|Part}}` as 'Page § Part'. Source: Template:Section link."""
    sections = all_positional({str(place - 1): positional(args, place) for place in range(2, 7)})
    return join_nonempty(" ", positional(args, 1), f"§ {join_nonempty(', ', *sections)}" if sections else "")


def _sort_name(args: Args) -> str:
    """Show `{{sortname|First|Last|link}}` as 'First Last'. Source: Template:Sort name."""
    return join_nonempty(" ", positional(args, 1), positional(args, 2))


def _author_year(args: Args) -> str:
    """Show `{{harvtxt|Boolos|Jeffrey|1974}}` as 'Boolos & Jeffrey (1974)'. Source: Template:Harvtxt."""
    *names, year = all_positional(args) or [""]
    authors = join_nonempty(", ", *names[:-1]) + f" & {names[-1]}" if len(names) > 1 else join_nonempty("", *names)
    return join_nonempty(" ", authors, f"({year})" if year else "")


def _verse(args: Args) -> str:
    """Show `{{bibleverse||James|5:14|NIV}}` as 'James 5:14'. Source: Template:Bibleverse."""
    book = [positional(args, 1), positional(args, 2)]
    if re.match(r"\d", book[1]):  # chapter and verse; the third argument is the edition
        return join_nonempty(" ", *book)
    return join_nonempty(" ", *book, positional(args, 3))


def _marriage(args: Args) -> str:
    """Show `{{marriage|name|1929|1979}}` as 'name (m. 1929–1979)'. Source: Template:Marriage."""
    name, start, end = (positional(args, place) for place in (1, 2, 3))
    years = join_nonempty("–", start, end)
    return join_nonempty(" ", name, f"(m. {years})" if years else "")


def _sic(args: Args) -> str:
    """Show `{{sic|teh}}` as 'teh [sic]', with hide=y as 'teh'. Source: Template:Sic."""
    text = join_nonempty("", positional(args, 1), positional(args, 2))
    return text if args.get("hide") in ("y", "yes") else join_nonempty(" ", text, "[sic]")


def _keys(args: Args) -> str:
    """Show `{{keypress|Ctrl|C}}` as 'Ctrl+C'. Source: Template:Keypress."""
    return join_nonempty("+", *all_positional(args))


def _music(args: Args) -> str:
    """Show `{{music|flat}}` as ♭. Source: Template:Music."""
    signs = {"flat": "♭", "sharp": "♯", "natural": "♮", "b": "♭", "#": "♯", "doubleflat": "♭♭", "doublesharp": "𝄪"}
    return signs.get(positional(args, 1).lower(), positional(args, 1)) + positional(args, 2)


def _code_point(args: Args) -> str:
    """Show `{{unichar|41|latin capital letter a}}` as 'U+0041 A LATIN CAPITAL LETTER A'. Source: Template:Unichar."""
    code = positional(args, 1).removeprefix("U+").upper()
    if not re.fullmatch(r"[0-9A-F]{1,6}", code):
        return ""
    return join_nonempty(" ", f"U+{code.zfill(4)}", f"&#x{code};", positional(args, 2).upper())


def _origin(args: Args) -> str:
    """Show `{{etymology|la|albedo|whiteness}}` as "from Latin albedo 'whiteness'". Source: Template:Etymology."""
    code, word, meaning = (positional(args, place) for place in (1, 2, 3))
    language = LANGUAGE_NAMES.get(code.lower(), "")
    return join_nonempty(" ", "from", language, word, f"'{meaning}'" if meaning else "") if word or language else ""


def _literal(args: Args) -> str:
    """Show `{{literally|young people}}` as "lit. 'young people'". Source: Template:Literal translation."""
    return f"lit. '{positional(args, 1)}'" if positional(args, 1) else ""


def _magic_word(name: str) -> Rule | None:
    """Find the rule of a magic word, whose first argument follows a colon in its name. Source: Help:Magic words."""
    head, colon, rest = name.partition(":")
    if not colon:
        return None
    rest = rest.strip()
    if head in ("lc", "uc", "ucfirst", "lcfirst", "padleft", "padright", "plural", "grammar", "int", "anchorencode"):
        shown = {"uc": rest.upper(), "ucfirst": rest[:1].upper() + rest[1:]}.get(head, rest)
        return lambda _args: shown
    if head == "formatnum":
        return lambda _args: with_commas(rest)
    # The condition belongs to the name: "{{#if: x | yes | no}}" has the name "#if: x".
    if head in ("#if", "#ifexist"):
        return lambda args: first_value(args, "1") if rest else first_value(args, "2")
    # Other parser functions need a wiki to be computed.
    if head.startswith("#") or head in ("defaultsort", "displaytitle", "ns", "fullurl", "localurl", "urlencode"):
        return lambda _args: ""
    return None


def _gaps(args: Args) -> str:
    """Show `{{gaps|12|345}}` as 12345: the space is only style. Source: Template:Gaps."""
    return "".join(all_positional(args))


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
_PARTS = (
    TYPOGRAPHY_RULES,
    QUOTATION_RULES,
    LANGUAGE_RULES,
    DATE_RULES,
    NUMBER_RULES,
    CONVERT_RULES,
    PLACE_RULES,
    _INLINE,
)
_RULES = {name: rule for part in _PARTS for name, rule in part.items()}
_RULES |= read_table(DATA / "redirects.tsv", 2, _RULES.__getitem__)
