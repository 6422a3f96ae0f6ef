"""The links of a line: words between placeholders while the line is cleaned, then spans of the plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, NamedTuple, cast

from pipelines.templates.words import LANGUAGE_NAMES, read_table
from pipelines.wikitext.placeholders import EMPTIED, LINK_END, LINK_START, MAX_NUMBER, number_char
from schemas.records import Link
from schemas.titles import canonical_title, decode_name, decode_percent

__all__ = ["CleanText", "mark_links", "spans_of", "split_links", "split_plain_links", "to_spans"]

_PREFIXES = read_table(Path(__file__).with_name("data") / "link_prefixes.tsv", 2, str)

_LANGUAGE_PREFIXES = frozenset(LANGUAGE_NAMES) | {name for name in _PREFIXES if _PREFIXES[name] == "another language"}
"""Prefixes of other Wikipedias: `[[de:Tee]]` leads to the German article and is no text. Source: Special:SiteMatrix."""

_NO_ARTICLE_PREFIXES = _LANGUAGE_PREFIXES | frozenset(_PREFIXES)
"""Links with these prefixes are text without a target. Source: Special:Interwiki, MediaWiki's NamespaceInfo."""

_LINK = re.compile(r"\[\[([^\[\]|\n]{0,500})(?:\|([^\[\]]*+(?:(?:\[(?!\[)|\](?!\]))[^\[\]]*+)*+))?\]\](\])?([a-z]*)")
"""Target, label, a bracket that may end the label, and letters that belong to the label's last word."""
_SIGNLESS = "!\"$'-9;-Z\\\\^`a-z{}~"  # of ASCII, all but # % & : [ ] _ | and blanks
_PLAIN_LINK = re.compile(rf"\[\[([{_SIGNLESS}][ {_SIGNLESS}]{{0,499}}+)(?:\|([^\[\]]*+))?+\]\](?!\])([a-z]*+)")
"""Most links: a target in ASCII without namespace, section or entity. It is a title but for its capital."""
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftp|gopher|news|irc)://|//|mailto:)[^\s\[\]<>]*+\s*+((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]",
    re.IGNORECASE,
)
_TARGET_SIGN = re.compile(r"[:#&%_]|\s\s")
_NO_TITLE = re.compile(r"[\x00-\x1f\x7f\[\]{}|<>\ufffd]")
"""What no title holds; in a target it can only stand encoded. Source: MediaWiki's $wgLegalTitleChars."""
_PIPE_TRICK = re.compile(r"^[^:]*:|\s*\([^()]*\)$|,.*$")
_FIRST_NUMBER = ord(number_char(0))
_SPAN = re.compile(f"{LINK_START}([\U000f0000-\U000ffffd])([^{LINK_START}{LINK_END}]*){LINK_END}")
_LINK_SIGN = re.compile(f"{LINK_START}[\U000f0000-\U000ffffd]?|{LINK_END}")

_new_link = cast("Callable[[type[Link], tuple[int, int, str]], Link]", tuple.__new__)
"""Makes a link in half the time of a call of `Link`: an article has hundreds."""


class CleanText(NamedTuple):
    """A plain text and the links in it, ordered by start; positions count code points."""

    text: str
    links: tuple[Link, ...]


def mark_links(text: str, targets: list[str]) -> str:
    """Replace links by their words between placeholders; the numbers of the placeholders count the targets."""
    text = _mark_plain_links(text, targets)
    # Only links without a link inside match: each round replaces the innermost ones, and four levels are enough.
    for _round in range(4):
        if "[[" not in text:
            break
        text = _LINK.sub(partial(_mark_link, targets), text)
    return _EXTERNAL.sub(r"\1", text) if "[" in text else text


def _mark_plain_links(text: str, targets: list[str]) -> str:
    """Replace plain links as `_mark_link` does, without a call for each: an article has hundreds."""
    texts, found = split_plain_links(text)
    if len(found) > MAX_NUMBER:  # the placeholders have no more numbers
        return text
    shown: list[str] = [texts[0]]
    rest = iter(texts[1:])
    for number, (words, after) in enumerate(zip(rest, rest, strict=True), start=_FIRST_NUMBER):
        # Blanks stay outside of the link: its span begins and ends with a word.
        if words[0] == " " or words[-1] == " ":
            shown += (" ", LINK_START, chr(number), words.strip(), LINK_END, " ", after)
        else:
            shown += (LINK_START, chr(number), words, LINK_END, after)
    targets += found
    return "".join(shown)


def split_plain_links(text: str) -> tuple[list[str], list[str]]:
    """Split a text at its plain links.

    Returns:
        Texts, in turns one outside of links and the words of one; and the pages that the links lead to.

    >>> split_plain_links("a [[cat (pet)|]]s or [[Dog]]")
    (['a ', 'cats', ' or ', 'Dog', ''], ['Cat (pet)', 'Dog'])
    """
    pieces = _PLAIN_LINK.split(text)
    texts, targets = [pieces[0]], []
    rest = iter(pieces[1:])
    for target, label, trail, after in zip(rest, rest, rest, rest, strict=True):
        if target[-1] == " " or "  " in target:
            target = " ".join(target.split())
        words = target if label is None else label or _PIPE_TRICK.sub("", target).strip() or target
        texts += (words + trail, after)
        targets.append(target if target[0].isupper() else target[0].upper() + target[1:])
    return texts, targets


def split_links(text: str) -> tuple[list[str], list[str]]:
    """Split a text at its links without a link inside, as `split_plain_links` does; one that leads nowhere is text.

    >>> split_links("a [[Café]]s [[de:b|c]]")
    (['a ', 'Cafés', ' c'], ['Café'])
    """
    pieces = _LINK.split(text)
    texts: list[str] = []
    targets: list[str] = []
    outside = [pieces[0]]
    rest = iter(pieces[1:])
    for target, label, bracket, trail, after in zip(rest, rest, rest, rest, rest, strict=True):
        page, words, behind = _read_link(target, label, bracket, trail)
        if page:
            texts += ("".join(outside), words)
            targets.append(page)
            outside = [behind, after]
        else:
            outside += (words, behind, after)
    return [*texts, "".join(outside)], targets


def spans_of(texts: list[str], targets: list[str]) -> tuple[Link, ...] | None:
    """Return the links of a text that is split at them; None if the words of one are empty or have blanks around them.

    >>> spans_of(["a ", "cats", " or ", "Dog", ""], ["Cat (pet)", "Dog"])
    (Link(start=2, end=6, target='Cat (pet)'), Link(start=10, end=13, target='Dog'))
    """
    links: list[Link] = []
    at = len(texts[0])
    rest = iter(texts[1:])
    for target, words, after in zip(targets, rest, rest, strict=True):
        if not words or words[0] == " " or words[-1] == " ":
            return None
        end = at + len(words)
        links.append(_new_link(Link, (at, end, target)))
        at = end + len(after)
    return tuple(links)


def _mark_link(targets: list[str], match: re.Match[str]) -> str:
    page, words, behind = _read_link(*match.groups())
    if not page or len(targets) > MAX_NUMBER:  # the placeholders have no more numbers
        return words + behind
    targets.append(page)
    start = LINK_START + number_char(len(targets) - 1)
    # Blanks stay outside of the link: its span begins and ends with a word.
    if words[:1] == " " or words[-1:] == " ":
        return f" {start}{words.strip()}{LINK_END} {behind}"
    return f"{start}{words}{LINK_END}{behind}"


def _read_link(target: str, label: str | None, bracket: str | None, trail: str) -> tuple[str, str, str]:
    """Return the page that a match of `_LINK` leads to ('' if none), its words, and what stands behind the link."""
    behind = ""
    if bracket:
        # MediaWiki gives a third bracket to a label that opens one. Source: Parser::handleInternalLinks2.
        if label and "[" in label:
            label += bracket
        else:
            trail, behind = "", bracket + trail
    page, name, place = _read_target(target)
    if place == "hidden" or (place == "hidden without a label" and not label):
        return "", EMPTIED + trail, behind
    if label is None:
        label = name
    return page, (label or _PIPE_TRICK.sub("", name).strip() or name) + trail, behind


@lru_cache(maxsize=1 << 14)
def _read_target(target: str) -> tuple[str, str, Literal["in the text", "hidden", "hidden without a label"]]:
    """Return the page that a link leads to ('' if none), the words that it shows without a label, and where.

    `[[Category:A]]` and `[[de:A]]` are not shown in the text, `[[:de:A]]` and `[[de:A|a]]` are. `[[Cat (pet)|]]` shows
    Cat, by the pipe trick on these words. Source: Parser::pstPass2.
    """
    # Most targets: no namespace, section or entity, so that the title is the words with a capital.
    if target.isascii() and not _TARGET_SIGN.search(target):
        name = target.strip()
        return name[:1].upper() + name[1:], name, "in the text"
    decoded = decode_name(target)
    if _NO_TITLE.search(decoded):
        return "", target.strip(), "in the text"
    # The references stay in the words, for they are decoded with the text around.
    name, target = decode_percent(target).strip().lstrip(":").replace("_", " "), decoded
    prefix, colon, _ = target.partition(":")
    prefix = prefix.strip().lower()
    if colon and prefix == "category":
        return "", name, "hidden"
    is_language = colon and prefix in _LANGUAGE_PREFIXES
    return _page_of(target), name, "hidden without a label" if is_language else "in the text"


def _page_of(target: str) -> str:
    """Return the canonical title of the page that a link leads to, or '' if that is no article.

    >>> _page_of(" tea_time#x"), _page_of("wikt:tea"), _page_of("#x"), _page_of("2001: A Space Odyssey")
    ('Tea time', '', '', '2001: A Space Odyssey')
    """
    name = target.partition("#")[0].strip().lstrip(":")
    prefix, colon, _ = name.partition(":")
    if colon and _is_no_article(prefix.strip().lower().replace("_", " ")):
        return ""
    return canonical_title(name)


def _is_no_article(prefix: str) -> bool:
    return prefix in _NO_ARTICLE_PREFIXES or prefix.removesuffix(" talk") in _NO_ARTICLE_PREFIXES


def to_spans(text: str, targets: list[str]) -> CleanText:
    """Remove the placeholders and return where each link's words stand. Of nested links only the innermost counts."""
    # Of the pieces, each third one stands before a link:  "a hot ", 0, "cup", " in a ", 1, "pot", " at noon".
    pieces = _SPAN.split(text)
    plain = _joined(pieces)
    if LINK_START in plain or LINK_END in plain:  # signs around links, and of broken ones
        pieces[::3] = [_LINK_SIGN.sub("", piece) for piece in pieces[::3]]
        plain = _joined(pieces)
    bare = plain.lstrip()
    at = len(pieces[0]) - (len(plain) - len(bare))  # blanks at the start are stripped, and the links move with the text
    links: list[Link] = []
    rest = iter(pieces[1:])
    for number, words, after in zip(rest, rest, rest, strict=True):
        shown = words.strip()
        if shown:
            start = at if shown == words else at + len(words) - len(words.lstrip())
            links.append(_new_link(Link, (start, start + len(shown), targets[ord(number) - _FIRST_NUMBER])))
        at += len(words) + len(after)
    return CleanText(bare.rstrip(), tuple(links))


def _joined(pieces: list[str]) -> str:
    """Join the pieces of a text without the numbers of its links."""
    words = pieces.copy()
    del words[1::3]
    return "".join(words)
