"""A line of wikitext as plain text: links to spans, quotes and tags off, entities decoded, punctuation mended."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from pipelines.foreign_text import LANGUAGE_NAMES
from pipelines.holes import mend_holes
from pipelines.markers import IMAGE_MARK, LINK_END, LINK_START, MAX_NUMBER, number_char, number_of
from pipelines.markup_tags import strip_tags
from schemas.records import Link
from schemas.titles import canonical_title

__all__ = ["CleanText", "clean_inline"]

_LINK = re.compile(r"\[\[([^\[\]|\n]{0,500})(?:\|([^\[\]]*))?\]\]([a-z]*)")
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftp|gopher|news|irc)://|//|mailto:)[^\s\[\]<>]*\s*([^\[\]\n]*)\]", re.IGNORECASE
)
_QUOTES = re.compile(r"'{2,}")
_MAGIC_WORD = re.compile(r"__[A-Z]{3,30}__|~{3,5}")
_LEFTOVER = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}")
_BLANKS = re.compile(r"[\s\u00a0\u2000-\u200b\u202f\u205f\u3000]+")
_MARK = re.compile(f"{LINK_START}([\U000f0000-\U000ffffd])|{LINK_END}|{IMAGE_MARK}[\U000f0000-\U000ffffd]")
_NO_LINK = {"category", "special", "wikipedia", "project", "help", "portal", "template", "user", "talk", "wp", "media"}
_SISTERS = {"w", "wikt", "wiktionary", "s", "wikisource", "q", "wikiquote", "b", "wikibooks", "n", "v", "commons", "c"}
_SISTERS |= {"d", "wikidata", "m", "meta", "species", "voy", "wikispecies", "mw", "iarchive", "doi", "rfc", "isbn"}
_PIPE_TRICK = re.compile(r"^[^:]*:|\s*\([^()]*\)$|,.*$")

_EMPTY_PARENTHESES = re.compile(r"[ \t]*(?<![\w)\]])\([\s,;:–—-]*\)|(?<=\s)\[\s*\]")
_AFTER_OPEN = re.compile(r"\((?:\s*[,;:])+\s*|\(\s+(?=\S)")
_BEFORE_CLOSE = re.compile(r"(?:\s*[,;:])+\s*\)|(?<=\S)\s+\)")
_BEFORE_POINT = re.compile(rf"\s+(?=[,;](?:\s|$|{LINK_END})|\.(?:\s|$)|:(?:\s|$))")
_DOUBLED = re.compile(r",(?:\s*,)+|;(?:\s*;)+|,\s*(?=[.;])")


class CleanText(NamedTuple):
    """A plain text and the links in it, ordered by start, by code points of the text."""

    text: str
    links: tuple[Link, ...]


def clean_inline(wikitext: str) -> CleanText:
    """Turn a line or paragraph of wikitext, free of templates and tables, into plain text with link spans.

    >>> clean_inline("''Big'' [[dog]]s ( , [[Cat (pet)|cats]]) &amp; [http://x.org more] .")
    CleanText(text='Big dogs (cats) & more.', links=(Link(start=4, end=8, target='Dog'), Link(start=10, end=14, \
target='Cat (pet)')))
    """
    targets: list[str] = []
    text = wikitext
    if "[" in text:
        text = _mark_links(text, targets)
    if "''" in text:
        text = _strip_quotes(text)
    text = mend_holes(strip_tags(text))
    if "_" in text or "~" in text:
        text = _MAGIC_WORD.sub("", text)
    text = _LEFTOVER.sub("", text)
    if "&" in text:
        text = _decode(text)
    return _to_spans(_mend(text), targets)


def _decode(text: str) -> str:
    """Decode entities once; a decoded control character or marker is no text."""
    return _FORBIDDEN_DECODED.sub("\ufffd", html.unescape(text))


_FORBIDDEN_DECODED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0\ufdd4-\ufdef\ufffe\uffff]")


def _mark_links(text: str, targets: list[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return _mark_link(match, targets)

    for _depth in range(4):
        text, count = _LINK.subn(replace, text)
        if not count:
            break
    return _EXTERNAL.sub(lambda match: match.group(1), text)


def _mark_link(match: re.Match[str], targets: list[str]) -> str:
    target, label, trail = match.groups()
    name = target.strip()
    is_shown = name.startswith(":")
    name = name.lstrip(":").strip()
    prefix, colon, _ = name.partition(":")
    prefix = prefix.strip().lower() if colon else ""
    if not is_shown and (prefix == "category" or (prefix in LANGUAGE_NAMES and not label)):
        return trail
    shown = _label(target, name, label) + trail
    page = canonical_title(html.unescape(name.partition("#")[0]))
    if not page or prefix in _NO_LINK or prefix in _SISTERS or prefix in LANGUAGE_NAMES or len(targets) > MAX_NUMBER:
        return shown
    if prefix in ("file", "image"):
        return shown
    targets.append(page)
    return f"{LINK_START}{number_char(len(targets) - 1)}{shown}{LINK_END}"


def _label(target: str, name: str, label: str | None) -> str:
    """Give the words that a link shows. `[[Cat (pet)|]]` shows Cat. Source: MediaWiki's Parser::pstPass2."""
    if label is None:
        return target.strip().lstrip(":").replace("_", " ")
    if not label.strip():
        return _PIPE_TRICK.sub("", name).strip() or name
    return label


def _strip_quotes(text: str) -> str:
    """Take out bold and italic quotes, keeping the apostrophes that stand beside them.

    Four are an apostrophe and bold, more than five the rest and both; where both bold and italic are left open, one
    bold is an apostrophe and italic. Source: MediaWiki's Parser::doQuotes.

    >>> _strip_quotes("''[[Titanic]]'''s crew, '''''all''''' of ''''em'''")
    "[[Titanic]]'s crew, all of 'em"
    """
    runs = [match.group() for match in _QUOTES.finditer(text)]
    kept = ["'" * (1 if len(run) == 4 else max(0, len(run) - 5)) for run in runs]
    sizes = [min(3 if len(run) == 4 else len(run), 5) for run in runs]
    bold = sum(size in (3, 5) for size in sizes)
    italic = sum(size in (2, 5) for size in sizes)
    if bold % 2 and italic % 2 and 3 in sizes:
        kept[sizes.index(3)] += "'"
    left = iter(kept)
    return _QUOTES.sub(lambda _: next(left), text)


def _mend(text: str) -> str:
    """Mend the blanks and punctuation that dropped things leave behind."""
    text = _BLANKS.sub(" ", text)
    if "(" in text or "[" in text:
        text = _AFTER_OPEN.sub("(", _BEFORE_CLOSE.sub(")", text))
        text = _EMPTY_PARENTHESES.sub("", text)
    text = _BEFORE_POINT.sub("", text)
    return _DOUBLED.sub(
        lambda match: match.group()[0] if match.group().strip(", ") or "," in match.group() else "", text
    )


def _to_spans(text: str, targets: list[str]) -> CleanText:
    """Take the markers out, remembering where each link's words stand; blanks at the ends of the text go."""
    text = text.strip()
    pieces: list[str] = []
    links: list[Link] = []
    opened: list[tuple[int, str]] = []
    length = at = 0
    for match in _MARK.finditer(text):
        pieces.append(text[at : match.start()])
        length += match.start() - at
        at = match.end()
        if match.group(1):
            number = number_of(match.group(1))
            opened.append((length, targets[number] if number < len(targets) else ""))
        elif match.group() == LINK_END and opened:
            start, target = opened.pop()
            if start < length and target:
                links.append(Link(start, length, target))
    pieces.append(text[at:])
    return _trimmed("".join(pieces), links)


def _trimmed(text: str, links: list[Link]) -> CleanText:
    """Trim blanks off the text and off each anchor."""
    shift = len(text) - len(text.lstrip())
    plain = text.strip()
    found = []
    for link in sorted(links):
        start, end = max(0, link.start - shift), min(len(plain), link.end - shift)
        anchor = plain[start:end]
        start += len(anchor) - len(anchor.lstrip())
        end -= len(anchor) - len(anchor.rstrip())
        if start < end:
            found.append(Link(start, end, link.target))
    return CleanText(plain, tuple(found))
