"""A line of wikitext as plain text: links become spans, quotes and tags go, punctuation is repaired."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal, NamedTuple, cast

from pipelines.templates.words import ASIDE, UNKNOWN_VALUE, remove_unknown_values, settle_asides
from pipelines.wikitext.interwiki import LANGUAGE_PREFIXES, NO_ARTICLE_PREFIXES
from pipelines.wikitext.placeholders import (
    EMPTIED,
    IMAGE,
    LINK_END,
    LINK_START,
    MAX_NUMBER,
    MENTIONED,
    number_char,
    number_of,
)
from pipelines.wikitext.tags import mark_mentions, strip_tags
from schemas.records import Link
from schemas.titles import canonical_title, decode_name, decode_percent

__all__ = ["CleanText", "clean_inline"]

_LINK = re.compile(r"\[\[([^\[\]|\n]{0,500})(?:\|([^\[\]]*+(?:(?:\[(?!\[)|\](?!\]))[^\[\]]*+)*+))?\]\](\])?([a-z]*)")
"""Target, label, a bracket that may end the label, and letters that belong to the label's last word."""
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftp|gopher|news|irc)://|//|mailto:)[^\s\[\]<>]*+\s*+((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]",
    re.IGNORECASE,
)
_QUOTES = re.compile(r"'{2,}")
_MAGIC_WORD = re.compile(r"__[A-Z]{3,30}__|~{3,5}")
_STRAY_BRACKETS = re.compile(r"\{\{+(?:[^{}|\n]{0,80}\|)*|\}\}+|\[\[+(?:[^\[\]|\n]{0,500}\|)?|\]\]+|\{\||\|\}")
_EMPTIED_WORDS = re.compile(rf"""(?<![\w,.;!?])["“'‘«„]{EMPTIED}[\s{EMPTIED}]*["”'’»“](?!\w)""")
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_IMAGES = re.compile(f"{IMAGE}[\U000f0000-\U000ffffd]?")
_TARGET_SIGN = re.compile(r"[:#&%_]|\s\s")
_NO_TITLE = re.compile(r"[\x00-\x1f\x7f\[\]{}|<>\ufffd]")
"""What no title holds; in a target it can only stand encoded. Source: MediaWiki's $wgLegalTitleChars."""
_PIPE_TRICK = re.compile(r"^[^:]*:|\s*\([^()]*\)$|,.*$")

# Blanks and punctuation that a dropped template or reference leaves behind. `++` never gives back what it has matched:
# a megabyte of commas takes linear time.
_EMPTY_PARENTHESES = re.compile(r"[ \t]*(?<![\w)\]])\([\s,;:–—-]*\)|[ \t]\[\s*\]")
_AFTER_OPEN = re.compile(r"\((?:\s*[,;:])++\s*|\(\s+(?=\S)")
_BEFORE_CLOSE = re.compile(r"(?<![\s,;:])(?:\s*[,;:])++\s*\)|(?<=\S)\s+\)")
_BEFORE_POINT = re.compile(rf" (?=[,;](?:\s|$|{LINK_END})|:(?:\s|$))|(?<!\.) (?=\.(?:\s(?!\.)|$))")
_DOUBLED = re.compile(r"([,;])(?: *\1)+(?=\s|$)|(?<!\\),(?=[.;](?:\s|$))")
_ELLIPSIS = re.compile(r"\.(?: \.){2,}")
_DANGLING = re.compile(r"(?<!\\)[,;:] +(?=[.;](?:\s(?!\.)|$))")
_LEADING = re.compile(r"(?:[.,;:)]\s+)+")
_OTHER_BLANK = re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
# Signs that something has to be repaired. Each pattern starts with one character, which makes its search fast.
_COMMA_SIGN = re.compile(r",(?:[,.;]|(?<= ,))")
_OPEN_SIGN = re.compile(r"\((?=[ ,;:)\-–])")
_CLOSE_SIGN = re.compile(r"\)(?<=[ ,;:]\))")
# Control characters except tab and line break, surrogates, noncharacters. The placeholders of links and images are not
# among them: they are in the text when it is searched.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0\ufdd4\ufdd6-\ufdef\ufffe\uffff]")

_new_link = cast("Callable[[type[Link], tuple[int, int, str]], Link]", tuple.__new__)
"""Makes a link in half the time of a call of `Link`: an article has hundreds."""


class CleanText(NamedTuple):
    """A plain text and the links in it, ordered by start; positions count code points."""

    text: str
    links: tuple[Link, ...]


def clean_inline(wikitext: str) -> CleanText:
    """Turn a line or paragraph of wikitext, free of templates and tables, into plain text with link spans.

    >>> clean_inline("''Big'' [[dog]]s ( , [[Cat (pet)|cats]]) &amp; [http://x.org more] .")
    CleanText(text='Big dogs (cats) & more.', links=(Link(start=4, end=8, target='Dog'), Link(start=10, end=14, \
target='Cat (pet)')))
    """
    # The order matters. Links become placeholders first, while their brackets are there. Quotes go before entities are
    # decoded, because &#39; is no quote, and all markup goes before, so that no decoded character is taken for markup.
    # &nbsp; makes new blanks, so blanks are collapsed twice. Punctuation is last, when all gaps beside it are there.
    targets: list[str] = []
    text = wikitext
    if IMAGE in text:
        text = _IMAGES.sub("", text)
    if "[" in text:
        text = _mark_links(text, targets)
    if "''" in text:
        text = _strip_quotes(text)
    if EMPTIED in text:
        text = _EMPTIED_WORDS.sub("", text).replace(EMPTIED, "")
    if "__" in text or "~~~" in text:
        text = _MAGIC_WORD.sub("", text)
    if "{" in text or "}" in text or "[[" in text or "]]" in text:
        text = _STRAY_BRACKETS.sub("", text)
    text = _collapse_blanks(strip_tags(mark_mentions(text)))
    text = _settle_values(text)
    if "&" in text:
        text = _collapse_blanks(_decode_entities(text))
    if not text.isascii():
        text = _without_invisible(text)
    if _needs_repair(text):
        text = _repair_punctuation(text)
    if text[1:2] == " " and text[0] in ".,;:)":
        text = _LEADING.sub("", text, count=1)
    text = text.replace(MENTIONED, "")
    return _to_spans(text, targets) if targets else CleanText(text.strip(), ())


def _settle_values(text: str) -> str:
    """Show asides that stand beside words, remove the others, and remove values that no dump holds."""
    if ASIDE in text:
        text = settle_asides(text)
    return remove_unknown_values(text) if UNKNOWN_VALUE in text else text


def _without_invisible(text: str) -> str:
    """Remove soft hyphens, zero-width blanks, word joiners and byte order marks."""
    for sign in _INVISIBLE:
        if sign in text:  # four searches for one sign are seven times as fast as one for any of four
            text = text.replace(sign, "")
    return text


def _collapse_blanks(text: str) -> str:
    """Collapse runs of blanks into one. Most texts have none, and a search for them is cheaper than a split."""
    if "  " in text or _OTHER_BLANK.search(text):
        return " ".join(text.split())
    return text.strip(" ")


def _needs_repair(text: str) -> bool:
    """Return whether a text holds anything that `_repair_punctuation` changes: far cheaper than its substitutions.

    >>> _needs_repair("Tea ( from), hot; green."), _needs_repair("Tea (hot), green.")
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


def _decode_entities(text: str) -> str:
    """Decode entities once; one that means a character which no text should hold becomes U+FFFD.

    Only a number can mean such a character; `html.unescape` drops the noncharacters U+FDD0 to U+FDEF itself.
    """
    plain = html.unescape(text)
    return _FORBIDDEN.sub("\ufffd", plain) if "&#" in text else plain


def _mark_links(text: str, targets: list[str]) -> str:
    """Replace links by their words between placeholders; the numbers of the placeholders count the targets."""
    # Only links without a link inside match: each round replaces the innermost ones, and four levels are enough.
    for _round in range(4):
        if "[[" not in text:
            break
        text = _LINK.sub(partial(_mark_link, targets), text)
    return _EXTERNAL.sub(r"\1", text) if "[" in text else text


def _mark_link(targets: list[str], match: re.Match[str]) -> str:
    target, label, bracket, trail = match.groups()
    after = ""
    if bracket:
        # MediaWiki gives a third bracket to a label that opens one. Source: Parser::handleInternalLinks2.
        if label and "[" in label:
            label += bracket
        else:
            trail, after = "", bracket + trail
    page, name, place = _read_target(target)
    if place == "hidden" or (place == "hidden without a label" and not label):
        return f"{EMPTIED}{trail}{after}"
    if label is None:
        label = name
    shown: str = (label or _PIPE_TRICK.sub("", name).strip() or name) + trail
    if not page or len(targets) > MAX_NUMBER:  # the placeholders have no more numbers
        return shown + after
    targets.append(page)
    start = LINK_START + number_char(len(targets) - 1)
    # Blanks stay outside of the link: its span begins and ends with a word.
    if shown[:1] == " " or shown[-1:] == " ":
        return f" {start}{shown.strip()}{LINK_END} {after}"
    return f"{start}{shown}{LINK_END}{after}"


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
    is_language = colon and prefix in LANGUAGE_PREFIXES
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
    return prefix in NO_ARTICLE_PREFIXES or prefix.removesuffix(" talk") in NO_ARTICLE_PREFIXES


def _strip_quotes(text: str) -> str:
    """Remove bold and italic quotes and keep the apostrophes that stand beside them.

    Two quotes are italic, three bold, five both. Four are an apostrophe and bold; of more than five, the first ones are
    apostrophes. Where bold and italic are both left open, one bold is an apostrophe and italic. Source: MediaWiki's
    Parser::doQuotes.

    >>> _strip_quotes("''[[Titanic]]'''s crew, '''''all''''' of ''''em'''")
    "[[Titanic]]'s crew, all of 'em"
    """
    # Nearly all texts are balanced: three and two quotes are removed without a look at each run.
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


def _repair_punctuation(text: str) -> str:
    """Repair the blanks and punctuation that dropped templates and references leave behind.

    >>> _repair_punctuation("Tea ( ; from ) , , is hot , . It is old , . . . and green .")
    'Tea (from), is hot. It is old, ... and green.'
    """
    if "(" in text or "[" in text:
        text = _AFTER_OPEN.sub("(", _BEFORE_CLOSE.sub(")", text))
        text = _EMPTY_PARENTHESES.sub("", text)
    text = _ELLIPSIS.sub(lambda match: match.group().replace(" ", ""), text)
    text = _BEFORE_POINT.sub("", _DANGLING.sub("", text))
    return _DOUBLED.sub(r"\1", text)


def _to_spans(text: str, targets: list[str]) -> CleanText:
    """Remove the placeholders and return where each link's words stand. Of nested links only the innermost counts."""
    # Each tail begins with the number of its link:  0 cup END  and  1 pot END .
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
    # Blanks at the start are stripped at last, so that the links move by as many characters.
    shift = len(plain) - len(plain.lstrip())
    if shift:
        links = [link._replace(start=link.start - shift, end=link.end - shift) for link in links]
    return CleanText(plain.strip(), tuple(links))
