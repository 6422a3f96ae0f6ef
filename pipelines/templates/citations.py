"""Templates of citations that stand in prose, in the order and with the marks of Citation Style 1."""

from __future__ import annotations

import re

from pipelines.templates.words import Args, Rule, aside, first_value, join_nonempty

__all__ = ["RULES", "citation_rule"]

_MAX_AUTHORS = 9
_WORKS = ("journal", "magazine", "newspaper", "work", "website", "periodical", "encyclopedia", "encyclopaedia",
          "dictionary", "book-title", "conference")  # fmt: skip
_PARTS = ("chapter", "contribution", "entry", "article", "section")
_NO_CITATIONS = frozenset({"cite check", "cite needed", "cite section", "cite sources", "cite quran-ref", "cite doi",
                           "cite pmid", "cite isbn", "cite jstor"})  # fmt: skip


def citation_rule(name: str) -> Rule | None:
    """Find the rule of a citation: `cite book`, `cite web` and their kin.

    >>> citation_rule("cite check") is None, citation_rule("cite web") is None
    (True, False)
    """
    is_citation = name.startswith(("cite ", "vcite ", "vancite ")) and name not in _NO_CITATIONS
    return _citation if is_citation else None


def _citation(args: Args) -> str:
    """Show `{{cite book|last=Bell|first=Ann|title=My Book|year=1999}}` as 'Bell, Ann (1999). My Book.', in prose only.

    Source: Template:Cite book, Help:Citation Style 1.
    """
    text = ". ".join(part.removesuffix(".") for part in _parts(args) if part)
    return aside(text if not text or text[-1] in "?!" else f"{text}.")


def _citation_with_commas(args: Args) -> str:
    """Show `{{citation|last=Bell|first=Ann|title=My Book}}` as 'Bell, Ann, My Book'. Source: Template:Citation."""
    return aside(join_nonempty(", ", *_parts(args)))


def _parts(args: Args) -> list[str]:
    """Return the parts of a citation in their order, without marks between them.

    >>> _parts({"last": "Bell", "first": "Ann", "title": "My Book", "year": "1999", "publisher": "Foo"})
    ['Bell, Ann (1999)', 'My Book', 'Foo']
    >>> _parts({"title": "Tea", "journal": "Leaf", "volume": "12", "issue": "3", "pages": "4-9", "date": "May 2004"})
    ['"Tea"', 'Leaf', '12 (3): 4–9', 'May 2004']
    """
    title = first_value(args, "title", "script-title", "trans-title")
    if not title:
        return []
    work, part = first_value(args, *_WORKS), first_value(args, *_PARTS)
    date = first_value(args, "date", "year", "publication-date")
    authors = _names(args, _AUTHORS) or first_value(args, "authors", "vauthors", "people", "host", "inventor")
    if not authors and (editors := _names(args, _EDITORS)):
        authors = f"{editors}, eds." if "; " in editors else f"{editors}, ed."
    leading = join_nonempty(" ", authors, f"({date})" if date else "") if authors else ""
    titles = [f'"{part}"', title] if part else [f'"{title}"' if work or args.get("website") else title]
    numbers = join_nonempty(" ", args.get("volume", ""), _in_parentheses(first_value(args, "issue", "number")))
    pages = first_value(args, "pages", "page", "pp", "p").replace("-", "–")
    is_in_journal = bool(args.get("journal"))
    if is_in_journal:
        numbers = join_nonempty(": ", numbers, pages)
    publisher = join_nonempty(
        ": ", first_value(args, "location", "place"), first_value(args, "publisher", "institution")
    )
    mark = "pp." if re.search(r"[–,]", pages) else "p."
    trailing = f"{mark} {pages}" if pages and not is_in_journal else ""
    parts = [leading, *titles, work, first_value(args, "series"), numbers, publisher, trailing, "" if authors else date]
    return [shown for shown in parts if shown]


def _in_parentheses(text: str) -> str:
    return f"({text})" if text else ""


def _numbered(*names: str) -> tuple[tuple[str, ...], ...]:
    """Return the names of an argument for each person: last and last1 for the first one, last2 for the second one.

    >>> _numbered("last", "author")[:2]
    (('last', 'author', 'last1', 'author1'), ('last2', 'author2'))
    """
    rest = (tuple(f"{name}{number}" for name in names) for number in range(2, _MAX_AUTHORS + 1))
    return ((*names, *(f"{name}1" for name in names)), *rest)


_AUTHORS = tuple(zip(_numbered("last", "author", "surname"), _numbered("first", "given"), strict=True))
_EDITORS = tuple(zip(_numbered("editor-last", "editor"), _numbered("editor-first"), strict=True))
"""Names of the arguments with the last names of people, and of those with their first names. They are made once:
a bibliography has hundreds of citations."""


def _names(args: Args, people: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> str:
    """Write the names of people.

    >>> _names({"last1": "Bell", "first1": "Ann", "last2": "Cole"}, _AUTHORS)
    'Bell, Ann; Cole'
    """
    shown = []
    for lasts, firsts in people:
        last = first_value(args, *lasts)
        if not last:
            break
        shown.append(join_nonempty(", ", last, first_value(args, *firsts)))
    if shown and args.get("display-authors") == "etal":
        shown.append("et al.")
    return "; ".join(shown)


def _address(args: Args) -> str:
    """Show `{{URL|example.com|Example}}` as 'Example' inside a sentence. Source: Template:URL."""
    return aside(first_value(args, "2", "1"))


RULES: dict[str, Rule] = {"citation": _citation_with_commas, "url": _address}
