"""The words that a wiki in another language has for File, Category and the like, rewritten as the English ones.

Every wiki understands the English names beside its own, so the rewritten page means the same, and one parser reads all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipelines.templates.words import read_table

__all__ = ["WikiWords", "with_english_names"]

_WORDS = read_table(Path(__file__).with_name("data") / "wiki_words.tsv", 2, lambda words: tuple(words.split(",")))
_MAX_NAMES = 256
"""Names of namespaces that are looked for; a real wiki has some 60."""
_SUFFIX = r"\.(?:jpe?g|png|gif|svg|tiff?|webp|bmp|xcf)"


@dataclass(frozen=True)
class WikiWords:
    """The language of a wiki, and its names of namespaces beside the English ones; by default those of English ones.

    Args:
        language: code, for the splitting of sentences.
        file_names: of the namespace File.
        category_names: of the namespace Category.
        other_names: of all others but the main namespace: links to them lead to no article.
    """

    language: str = "en"
    file_names: tuple[str, ...] = ()
    category_names: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()


def with_english_names(text: str, words: WikiWords) -> str:
    """Return wikitext in which files and categories have the English names of their namespaces.

    A link to another namespace becomes one to `Project:`, and keeps the words that it shows.

    Args:
        text: of a page.
        words: of its wiki.

    >>> german = WikiWords("de", ("Datei", "Bild"), ("Kategorie",), ("Benutzer",))
    >>> with_english_names("[[datei:A.jpg|mini|Tee]] [[Kategorie:X]] [[:Kategorie:X]] [[Benutzer:Y]]", german)
    '[[File:A.jpg|frameless|Tee]] [[Category:X]] [[:Category:X|Kategorie:X]] [[Project:Y|Benutzer:Y]]'
    """
    if ":" not in text:
        return text
    for pattern, replace in _rules(words):
        text = pattern.sub(replace, text)
    return text


@lru_cache(maxsize=8)
def _rules(words: WikiWords) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
    """Return patterns, each with the function that replaces what it matches, in the order in which they apply."""
    files = (*words.file_names, *_WORDS.get(f"{words.language} file", ()))
    kinds = {
        name.replace("_", " ").lower(): kind
        for kind, names in (("Project", words.other_names), ("Category", words.category_names), ("File", files))
        for name in names[:_MAX_NAMES]
    }
    rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = []
    if kinds:

        def replace_link(match: re.Match[str]) -> str:
            return _english_link(kinds, match)

        link = rf"\[\[[ _]*(:?)[ _]*({_any_of(kinds)})[ _]*:([^\[\]|\n]{{0,500}})(\]\]|)"
        rules.append((re.compile(link, re.IGNORECASE), replace_link))
    names = [name for name, kind in kinds.items() if kind == "File"]
    if names:  # in galleries and in the arguments of templates
        rest = rf"(?=[^\n|{{}}\[\]]{{1,240}}{_SUFFIX}[ \t]*(?:[|}}\n]|\Z))"
        place = rf"(^|[|=])([ \t]*):?[ _]*(?:{_any_of(names)})[ _]*:{rest}"
        rules.append((re.compile(place, re.IGNORECASE | re.MULTILINE), _english_file))
    options = frozenset(_WORDS.get(f"{words.language} option", ()))
    if options:

        def replace_options(match: re.Match[str]) -> str:
            return match[1] + "|".join(_english_option(part, options) for part in match[2].split("|"))

        rules.append((re.compile(r"(\[\[(?:File|Image):[^\[\]|\n]*)((?:\|[^\[\]|{}\n]*+)++)"), replace_options))
    return rules


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of names, the longest first; underscores stand for blanks."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(r"[ _]+".join(map(re.escape, name.split())) for name in ordered)


def _english_link(kinds: dict[str, str], match: re.Match[str]) -> str:
    colon, name, rest, end = match.groups()
    kind = kinds.get(" ".join(name.replace("_", " ").lower().split()), "Project")
    is_shown = bool(colon) or kind == "Project"
    label = f"|{name}:{rest}" if is_shown and end else ""
    return f"[[{colon}{kind}:{rest}{label}{end}"


def _english_file(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}File:"


def _english_option(part: str, options: frozenset[str]) -> str:
    """Return a part of a file link; a display option of the other language as an English one."""
    word = part.partition("=")[0].strip().replace("_", " ").lower()
    return "frameless" if word in options else part
