"""The inline templates of an article's prose, found by mwparserfromhell, and whether a text shows their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import mwparserfromhell
from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from pipelines.wikitext import DEFAULT_CUT_SECTIONS

WINDOW_TOKENS = 8
_REF_ALONE = re.compile(r"<ref\b[^>]*/>", re.IGNORECASE)
_TABLE = re.compile(r"^[ :]*\{\|.*?^\s*\|\}", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(={2,6})\s*(.*?)\s*\1\s*$", re.MULTILINE)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_TOKEN = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
REF = re.compile(r"<ref\b[^>/]*>(.*?)</ref>", re.IGNORECASE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FILE = re.compile(r"\[\[\s*(?:File|Image)\s*:((?:[^\[\]]|\[\[[^\[\]]*\]\])*)\]\]", re.IGNORECASE)


@dataclass(frozen=True)
class TemplateUse:
    """An inline template in prose: the words before it on its line, and the words that it should show."""

    kind: str
    before: tuple[str, ...]
    words: tuple[str, ...]


def tokens(text: str) -> tuple[str, ...]:
    """Return the words and numbers of a text, normalised: raised digits as digits, no commas, no stress marks.

    >>> tokens("At 1,200 miles (''sic'')")
    ('at', '1200', 'miles', 'sic')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return tuple(token.replace(",", "") for token in _TOKEN.findall(re.sub("[ˈˌ]", "", folded)))


def plain(wikitext: str) -> str:
    """Remove the marks of links, quotes, tags and templates from a short wikitext."""
    while "{{" in wikitext:
        shorter = re.sub(r"\{\{[^{}]*\}\}", " ", wikitext)
        if shorter == wikitext:
            break
        wikitext = shorter
    text = re.sub(r"<[^<>]*>|'{2,}", "", _LINK.sub(r"\1", wikitext))
    return re.sub(r"&[a-z]+;", " ", text)


def prose_of(wikitext: str) -> str:
    """Return the wikitext without comments, references, tables, pictures and the sections that hold no prose."""
    text = _REF_ALONE.sub("", REF.sub("", COMMENT.sub("", wikitext)))
    text = FILE.sub("", _TABLE.sub("", text))
    kept, cut_level, at = [], 7, 0
    for heading in [*_HEADING.finditer(text), None]:
        if cut_level == 7:
            kept.append(text[at : heading.start() if heading else len(text)])
        if heading and len(heading[1]) <= cut_level:
            cut_level = len(heading[1]) if heading[2].casefold() in DEFAULT_CUT_SECTIONS else 7
        at = heading.end() if heading else at
    return "\n".join(kept)


def _argument(template: Template, *names: str | int) -> str:
    for name in names:
        if template.has(name) and str(template.get(name).value).strip():
            return str(template.get(name).value)
    return ""


def _phonemes(template: Template) -> str:
    """Return the sounds of IPAc-en as it shows them; its first arguments can be labels. Source: Template:IPAc-en."""
    sounds = [str(p.value).strip() for p in template.params if not p.showkey]
    while sounds and sounds[0].casefold() in ("us", "uk", "pron", "ipa", "lang"):
        sounds.pop(0)
    return "".join({"_": " ", "I": "ɪ"}.get(sound, sound) for sound in sounds)


SHOWN: dict[str, Callable[[Template], str]] = {
    "convert": lambda t: "" if "output" in _argument(t, "disp") else _argument(t, 1),
    "lang": lambda t: _argument(t, 2),
    "lang-": lambda t: _argument(t, 1),
    "ipa": lambda t: _argument(t, 1),
    "ipac-en": _phonemes,
    "small": lambda t: _argument(t, 1),
    "transl": lambda t: _argument(t, 3, 2),
    "nowrap": lambda t: _argument(t, 1),
    "nihongo": lambda t: _argument(t, 2),
    "chem": lambda t: "".join(str(p.value).strip() for p in t.params if not p.showkey),
    "quote": lambda t: _argument(t, 1, "text", "quote"),
    "as of": lambda t: _argument(t, 1),
    "angbr": lambda t: _argument(t, 1),
    "val": lambda t: _argument(t, 1),
    "frac": lambda t: _argument(t, 1),
}
"""Kind of template -> the argument that Wikipedia shows, as wikitext."""
ALIASES = {"cvt": "convert", "blockquote": "quote", "bquote": "quote", "cquote": "quote", "smaller": "small",
           "transliteration": "transl", "chem2": "chem"}  # fmt: skip
CONTAINERS = {"nowrap", "small", "quote", "nobold", "resize"}


def kind_of(template: Template) -> str:
    name = " ".join(str(template.name).casefold().split())
    name = ALIASES.get(name, name)
    return "lang-" if name.startswith("lang-") else name


def uses(wikitext: str) -> Iterator[TemplateUse]:
    """Yield the inline templates of an article's prose; those inside boxes and tables are not prose."""
    yield from _uses_in(mwparserfromhell.parse(prose_of(wikitext)))


def _uses_in(code: Wikicode) -> Iterator[TemplateUse]:
    line: list[str] = []
    for node in code.nodes:
        if not isinstance(node, Template):
            line = [*line, str(node)]
            continue
        kind = kind_of(node)
        if kind in SHOWN:
            before = tokens(plain("".join(line).rpartition("\n")[2]))[-3:]
            words = tokens(plain(SHOWN[kind](node)))[:4]
            if words:
                yield TemplateUse(kind, before, words)
        if kind in CONTAINERS and node.has(1):
            yield from _uses_in(node.get(1).value)
        line = []


def places_of(words: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the places at which each word stands.

    >>> places_of(("a", "b", "a"))
    {'a': [0, 2], 'b': [1]}
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word, []).append(place)
    return places


def is_shown(use: TemplateUse, text: tuple[str, ...], places: dict[str, list[int]]) -> bool:
    """Return whether a text holds a template's words at most `WINDOW_TOKENS` words after the words before it.

    Where no word stands before the template on its line, its words may stand anywhere in the text.

    Args:
        use: the template.
        text: the words of the text.
        places: of each word in the text.
    """
    starts = places.get((use.before or use.words)[0], [])
    for at in starts:
        if text[at : at + len(use.before)] != use.before:
            continue
        after = at + len(use.before)
        last = after + (WINDOW_TOKENS if use.before else 0)
        if any(text[place : place + len(use.words)] == use.words for place in range(after, last + 1)):
            return True
    return False
