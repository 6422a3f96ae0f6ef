"""A line of wikitext as plain text: links to spans, quotes and tags off, entities decoded, punctuation mended."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal, NamedTuple, cast

from pipelines.templates import UNKNOWN_VALUE, remove_unknown_values
from pipelines.wikitext.interwiki import LANGUAGE_PREFIXES, NO_ARTICLE_PREFIXES
from pipelines.wikitext.placeholders import IMAGE_MARK, LINK_END, LINK_START, MAX_NUMBER, number_char, number_of
from pipelines.wikitext.tags import strip_tags
from schemas.records import Link
from schemas.titles import canonical_title

__all__ = ["CleanText", "clean_inline"]

_LINK = re.compile(r"\[\[([^\[\]|\n]{0,500})(?:\|([^\[\]]*))?\]\]([a-z]*)")
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftp|gopher|news|irc)://|//|mailto:)[^\s\[\]<>]*+\s*+([^\[\]\n]*+)\]", re.IGNORECASE
)
_QUOTES = re.compile(r"'{2,}")
_MAGIC_WORD = re.compile(r"__[A-Z]{3,30}__|~{3,5}")
_LEFTOVER = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}")
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_IMAGES = re.compile(f"{IMAGE_MARK}[\U000f0000-\U000ffffd]?")
_TARGET_SIGN = re.compile(r"[:#&_]|\s\s")
_PIPE_TRICK = re.compile(r"^[^:]*:|\s*\([^()]*\)$|,.*$")

_EMPTY_PARENTHESES = re.compile(r"[ \t]*(?<![\w)\]])\([\s,;:–—-]*\)|(?<=\s)\[\s*\]")
_AFTER_OPEN = re.compile(r"\((?:\s*[,;:])++\s*|\(\s+(?=\S)")
_BEFORE_CLOSE = re.compile(r"(?<![\s,;:])(?:\s*[,;:])++\s*\)|(?<=\S)\s+\)")
_BEFORE_POINT = re.compile(rf" (?=[,;](?:\s|$|{LINK_END})|:(?:\s|$))|(?<!\.) (?=\.(?:\s(?!\.)|$))")
_DOUBLED = re.compile(r"([,;])(?: *\1)+(?=\s|$)|(?<!\\),(?=[.;](?:\s|$))")
_ELLIPSIS = re.compile(r"\.(?: \.){2,}")
_DANGLING = re.compile(r"(?<!\\)[,;:] +(?=[.;](?:\s(?!\.)|$))")
_LEADING = re.compile(r"(?:[.,;:)]\s+)+")
_OTHER_BLANK = re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_COMMA_SIGN = re.compile(r",(?:[,.;]|(?<= ,))")  # each of these starts with one sign, which makes the search fast
_OPEN_SIGN = re.compile(r"\((?=[ ,;:)\-–])")
_CLOSE_SIGN = re.compile(r"\)(?<=[ ,;:]\))")


_new_link = cast("Callable[[type[Link], tuple[int, int, str]], Link]", tuple.__new__)
"""Makes a link in half the time that calling `Link` takes: an article has hundreds."""


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
    if IMAGE_MARK in text:
        text = _IMAGES.sub("", text)
    if "[" in text:
        text = _mark_links(text, targets)
    if "''" in text:
        text = _strip_quotes(text)
    if "__" in text or "~~~" in text:
        text = _MAGIC_WORD.sub("", text)
    if "{" in text or "}" in text or "[[" in text or "]]" in text:
        text = _LEFTOVER.sub("", text)
    text = _squeezed(strip_tags(text))
    if UNKNOWN_VALUE in text:
        text = remove_unknown_values(text)
    if "&" in text:
        text = _squeezed(_decode(text))
    if not text.isascii():
        text = _without_invisible(text)
    if _needs_mending(text):
        text = _mend(text)
    if text[1:2] == " " and text[0] in ".,;:)":
        text = _LEADING.sub("", text, count=1)
    return _to_spans(text, targets) if targets else CleanText(text.strip(), ())


def _without_invisible(text: str) -> str:
    for sign in _INVISIBLE:
        if sign in text:  # to look for four signs is seven times as fast as for one of four
            text = text.replace(sign, "")
    return text


def _squeezed(text: str) -> str:
    """Squeeze runs of blanks. Most texts have none, and looking for them is cheaper than cutting into words."""
    if "  " in text or _OTHER_BLANK.search(text):
        return " ".join(text.split())
    return text.strip(" ")


def _needs_mending(text: str) -> bool:
    """Tell whether a text holds anything that `_mend` looks for: far cheaper than its substitutions.

    >>> _needs_mending("Tea ( from), hot; green."), _needs_mending("Tea (hot), green.")
    (True, False)
    """
    return bool(
        _COMMA_SIGN.search(text)
        or " ." in text
        or (";" in text and " ;" in text)
        or (":" in text and " :" in text)
        or ("[" in text and ("[]" in text or "[ " in text))
        or ("(" in text and (_OPEN_SIGN.search(text) or _CLOSE_SIGN.search(text)))
    )


def _decode(text: str) -> str:
    """Decode entities once; a control character, which only a number gives, is no text; html gives no noncharacter."""
    plain = html.unescape(text)
    return _FORBIDDEN_DECODED.sub("\ufffd", plain) if "&#" in text else plain


_FORBIDDEN_DECODED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0\ufdd4-\ufdef\ufffe\uffff]")


def _mark_links(text: str, targets: list[str]) -> str:
    for _depth in range(4):
        if "[[" not in text:
            break
        text = _LINK.sub(partial(_mark_link, targets), text)
    return _EXTERNAL.sub(r"\1", text) if "[" in text else text


def _mark_link(targets: list[str], match: re.Match[str]) -> str:
    target, label, trail = match.groups()
    shown: str
    page, name, place = _target(target)
    if place == "beside" or (place == "beside unless labelled" and not label):
        shown = trail
        return shown
    if label is None:
        label = name
    shown = (label or _PIPE_TRICK.sub("", name).strip() or name) + trail
    if not page or len(targets) > MAX_NUMBER:
        return shown
    targets.append(page)
    start = LINK_START + number_char(len(targets) - 1)
    if shown[:1] == " " or shown[-1:] == " ":
        return f" {start}{shown.strip()}{LINK_END} "
    return f"{start}{shown}{LINK_END}"


@lru_cache(maxsize=1 << 14)
def _target(target: str) -> tuple[str, str, Literal["text", "beside", "beside unless labelled"]]:
    """Return the page that a link leads to ('' if none), the words that it shows without a label, and where it stands.

    `[[Category:A]]` and `[[de:A]]` do not stand in the text, `[[:de:A]]` and `[[de:A|a]]` do. `[[Cat (pet)|]]` shows
    Cat, by the pipe trick on these words. Source: Parser::pstPass2.
    """
    if target.isascii() and not _TARGET_SIGN.search(target):
        name = target.strip()
        return name[:1].upper() + name[1:], name, "text"
    name = target.strip().lstrip(":").replace("_", " ")
    prefix, colon, _ = target.partition(":")
    prefix = prefix.strip().lower()
    if colon and prefix == "category":
        return "", name, "beside"
    return _page_of(target), name, "beside unless labelled" if colon and prefix in LANGUAGE_PREFIXES else "text"


def _page_of(target: str) -> str:
    """Return the canonical title of the page that a link leads to; empty if that is no article.

    >>> _page_of(" tea_time#x"), _page_of("wikt:tea"), _page_of("#x"), _page_of("2001: A Space Odyssey")
    ('Tea time', '', '', '2001: A Space Odyssey')
    """
    name = html.unescape(target.partition("#")[0]).strip().lstrip(":")
    prefix, colon, _ = name.partition(":")
    if colon and _is_no_article(prefix.strip().lower().replace("_", " ")):
        return ""
    return canonical_title(name)


def _is_no_article(prefix: str) -> bool:
    return prefix in NO_ARTICLE_PREFIXES or prefix.removesuffix(" talk") in NO_ARTICLE_PREFIXES


def _strip_quotes(text: str) -> str:
    """Take out bold and italic quotes, keeping the apostrophes that stand beside them.

    Four are an apostrophe and bold, more than five the rest and both; where both bold and italic are left open, one
    bold is an apostrophe and italic. Source: MediaWiki's Parser::doQuotes.

    >>> _strip_quotes("''[[Titanic]]'''s crew, '''''all''''' of ''''em'''")
    "[[Titanic]]'s crew, all of 'em"
    """
    bolds = text.count("'''")
    if "''''" not in text and not (bolds % 2 and text.count("''") % 2 == 0):
        return text.replace("'''", "").replace("''", "")
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
    """Mend the blanks and punctuation that dropped things leave behind.

    >>> _mend("Tea ( ; from ) , , is hot , . It is old , . . . and green .")
    'Tea (from), is hot. It is old, ... and green.'
    """
    if "(" in text or "[" in text:
        text = _AFTER_OPEN.sub("(", _BEFORE_CLOSE.sub(")", text))
        text = _EMPTY_PARENTHESES.sub("", text)
    text = _ELLIPSIS.sub(lambda match: match.group().replace(" ", ""), text)
    text = _BEFORE_POINT.sub("", _DANGLING.sub("", text))
    return _DOUBLED.sub(r"\1", text)


def _to_spans(text: str, targets: list[str]) -> CleanText:
    """Take the markers out, remembering where each link's words stand. Of nested links the innermost is one."""
    head, *tails = text.split(LINK_START)
    pieces = [head.replace(LINK_END, "")]
    links: list[Link] = []
    length = len(pieces[0])
    for tail in tails:
        number, (anchor, end, rest) = tail[0], tail[1:].partition(LINK_END)
        words = anchor.strip()
        if end and words:
            start = length + (0 if words == anchor else len(anchor) - len(anchor.lstrip()))
            links.append(_new_link(Link, (start, start + len(words), targets[number_of(number)])))
        piece = anchor + rest.replace(LINK_END, "")
        pieces.append(piece)
        length += len(piece)
    plain = "".join(pieces)
    shift = len(plain) - len(plain.lstrip())
    if shift:
        links = [link._replace(start=link.start - shift, end=link.end - shift) for link in links]
    return CleanText(plain.strip(), tuple(links))
