"""Inline templates as the prose that Wikipedia shows for them: one table from name to rule."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import lru_cache

from pipelines.templates.ages import RULES as AGE_RULES
from pipelines.templates.citations import RULES as CITATION_RULES
from pipelines.templates.citations import citation_rule
from pipelines.templates.dates import RULES as DATE_RULES
from pipelines.templates.languages import RULES as LANGUAGE_RULES
from pipelines.templates.languages import language_rule
from pipelines.templates.lists import RULES as LIST_RULES
from pipelines.templates.measures import MEASURE_PARTS, size_rule
from pipelines.templates.names import NAME_PARTS, name_rule
from pipelines.templates.parser_functions import magic_word
from pipelines.templates.phrases import RULES as PHRASE_RULES
from pipelines.templates.phrases import phrase_rule
from pipelines.templates.pronunciation import RULES as PRONUNCIATION_RULES
from pipelines.templates.pronunciation import pronunciation_rule
from pipelines.templates.quotations import RULES as QUOTATION_RULES
from pipelines.templates.silent import is_silent
from pipelines.templates.typography import RULES as TYPOGRAPHY_RULES
from pipelines.templates.words import (
    DATA,
    LANGUAGE_NAMES,
    Args,
    Rule,
    all_positional,
    first_value,
    join_nonempty,
    positional,
    read_table,
)

__all__ = ["MAX_RENDERED_CHARS", "render"]

MAX_RENDERED_CHARS = 100_000
"""Longest text of one template; the rest is cut. A template that shows more is a part of the page, not of a line."""

_MAX_CACHED_CHARS = 80
"""Longer names are not remembered: they are text in wrong brackets, and would fill the memory."""
_PREFIX = re.compile(r"^(?:template:|subst:|safesubst:|msgnw:|msg:|:)\s*", re.IGNORECASE)


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
    written = _PREFIX.sub("", " ".join(name.replace("_", " ").split()))
    key = written.lower()
    # Silent templates come last: their patterns are broad ("use *"), and a rule knows its template better.
    if (rule := _RULES.get(key) or magic_word(written)) is not None:
        return rule
    if (rule := next((found for find in _FAMILIES if (found := find(key))), None)) is not None:
        return rule
    return _show_nothing if is_silent(key) else None


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
    if args.get("nopage"):
        args = {**args, "1": ""}
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


_ENDS = {"div": "div.", "divorced": "div.", "divorce": "div.", "d": "died", "died": "died", "death": "died",
         "widowed": "died", "w": "died", "sep": "sep.", "separated": "sep.", "ann": "ann.", "annulled": "ann.",
         "his death": "died", "her death": "died"}  # fmt: skip
"""Reason of Template:Marriage -> the word before the year of the end."""


def _marriage(args: Args) -> str:
    """Show `{{marriage|name|1929|1979}}` as 'name (m. 1929–1979)'. Source: Template:Marriage.

    >>> _marriage({"1": "Ann", "2": "1980", "3": "1990", "end": "div"})
    'Ann (m. 1980; div. 1990)'
    """
    name, start, end = (positional(args, place) for place in (1, 2, 3))
    reason = first_value(args, "end", "reason").lower().rstrip(".")
    if end and reason:
        years = f"m. {start}; {_ENDS.get(reason, reason)} {end}" if start else f"{_ENDS.get(reason, reason)} {end}"
    else:
        years = join_nonempty("–", start, end)
        years = f"m. {years}" if years else ""
    return join_nonempty(" ", name, f"({years})" if years else "")


def _sic(args: Args) -> str:
    """Show `{{sic|teh}}` as 'teh [sic]', with hide=y as 'teh'. Source: Template:Sic."""
    text = join_nonempty("", positional(args, 1), positional(args, 2))
    return text if args.get("hide") in ("y", "yes") else join_nonempty(" ", text, "[sic]")


def _keys(args: Args) -> str:
    """Show `{{keypress|Ctrl|C}}` as 'Ctrl+C'. Source: Template:Keypress."""
    # A mark as a key is not the punctuation of the sentence.
    return join_nonempty("+", *(key if key.strip(",.;:()") else f"<kbd>{key}</kbd>" for key in all_positional(args)))


_MUSIC = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮", "n": "♮", "doubleflat": "♭♭", "bb": "♭♭",
          "doublesharp": "𝄪", "##": "𝄪", "x": "𝄪", "dim": "dim", "dimdeg": "°", "halfdim": "ø", "aug": "+",
          "major": "Δ"}  # fmt: skip
"""Argument of Template:Music -> its sign."""


def _music(args: Args) -> str:
    """Show `{{music|flat}}` as ♭, and `{{music|time|3|4}}` as 3/4. Source: Template:Music."""
    kind = positional(args, 1).lower()
    if kind in ("time", "timesig"):
        return join_nonempty("/", positional(args, 2), positional(args, 3))
    return _MUSIC.get(kind, positional(args, 1)) + positional(args, 2)


def _code_point(args: Args) -> str:
    """Show `{{unichar|41}}` as 'U+0041 A LATIN CAPITAL LETTER A'. Source: Template:Unichar."""
    code = positional(args, 1).removeprefix("U+").upper()
    if not re.fullmatch(r"[0-9A-F]{1,6}", code):
        return ""
    number = int(code, 16)
    known = unicodedata.name(chr(number), "") if number <= sys.maxunicode else ""
    return join_nonempty(" ", f"U+{code.zfill(4)}", f"&#x{code};", positional(args, 2).upper() or known)


def _gaps(args: Args) -> str:
    """Show `{{gaps|12|345}}` as 12345: the space is only style. Source: Template:Gaps."""
    return "".join(all_positional(args))


_INLINE: dict[str, Rule] = {
    "bibleverse": _verse,
    "gaps": _gaps,
    "harvtxt": _author_year,
    "ill": _interlanguage,
    "keypress": _keys,
    "marriage": _marriage,
    "music": _music,
    "section link": _section_link,
    "sic": _sic,
    "sortname": _sort_name,
    "unichar": _code_point,
}
_PARTS = (
    *MEASURE_PARTS,
    *NAME_PARTS,
    AGE_RULES,
    CITATION_RULES,
    DATE_RULES,
    LANGUAGE_RULES,
    LIST_RULES,
    PHRASE_RULES,
    PRONUNCIATION_RULES,
    QUOTATION_RULES,
    TYPOGRAPHY_RULES,
    _INLINE,
)
_FAMILIES = (language_rule, pronunciation_rule, name_rule, citation_rule, phrase_rule, size_rule)
"""Find the rule of a template by a part of its name."""
_RULES = {name: rule for part in _PARTS for name, rule in part.items()}
_RULES |= read_table(DATA / "redirects.tsv", 2, _RULES.__getitem__)
