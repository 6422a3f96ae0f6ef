"""A line of wikitext as plain text: links become spans, quotes and tags go, punctuation is repaired."""

from __future__ import annotations

import html
import re

from pipelines.templates.words import ASIDE, UNKNOWN_VALUE, remove_unknown_values, settle_asides
from pipelines.wikitext.link_spans import CleanText, mark_links, spans_of, split_links, split_plain_links, to_spans
from pipelines.wikitext.placeholders import EMPTIED, IMAGE, LINK_END, MAX_NUMBER, MENTIONED
from pipelines.wikitext.tags import mark_mentions, strip_tags

__all__ = ["clean_inline"]

_HARMLESS = (("&nbsp;", " "), ("&ndash;", "–"), ("&mdash;", "—"))
"""The references that are met most, to characters that no step takes for markup."""
_BLANKS = re.compile("  +")
_MAY_BE_STRIPPED = ("", " ", ".", ",", ";", ":", ")")
"""How a line begins whose first characters may be cut off."""
_QUOTES = re.compile(r"'{2,}")
_MAGIC_WORD = re.compile(r"__[A-Z]{3,30}__|~{3,5}")
_STRAY_BRACKETS = re.compile(r"\{\{+(?:[^{}|\n]{0,80}\|)*|\}\}+|\[\[+(?:[^\[\]|\n]{0,500}\|)?|\]\]+|\{\||\|\}")
_EMPTIED_WORDS = re.compile(rf"""(?<![\w,.;!?])["“'‘«„]{EMPTIED}[\s{EMPTIED}]*["”'’»“](?!\w)""")
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_IMAGES = re.compile(f"{IMAGE}[\U000f0000-\U000ffffd]?")

# Blanks and punctuation that a dropped template or reference leaves behind. `++` never gives back what it has matched:
# a megabyte of commas takes linear time.
_EMPTY_PARENTHESES = re.compile(r"[ \t]*(?<![\w)\]])\([\s,;:–—-]*\)|[ \t]\[\s*\]")
_AFTER_OPEN = re.compile(r"\((?:\s*[,;:])++\s*|\(\s+(?=\S)")
_BEFORE_CLOSE = re.compile(r"(?<![\s,;:])(?:\s*[,;:])++\s*\)|(?<=\S)\s+\)")
_BEFORE_POINT = re.compile(rf" (?=[,;](?:\s|$|{LINK_END})|:(?:\s|$))|(?<!\.) (?=\.(?:\s(?!\.)|$))")
_DOUBLED = re.compile(r"([,;])(?: *\1)+(?=\s|$)|(?<!\\),(?=[.;](?:\s|$))")
_DANGLING = re.compile(r"(?<!\\)[,;:] +(?=[.;](?:\s(?!\.)|$))")
_LEADING = re.compile(r"\A(?:(?!\. \. \.)[.,;:)]\s+)+")
"""Punctuation at the start of a line, but for an ellipsis. One with blanks in it is shown as it is written."""
_OTHER_BLANK = re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
# Signs that something has to be repaired. Each pattern starts with one character, which makes its search fast.
_COMMA_SIGN = re.compile(r",(?:[,.;]|(?<= ,))")
_OPEN_SIGN = re.compile(r"\((?=[ ,;:)\-–])")
_CLOSE_SIGN = re.compile(r"\)(?<=[ ,;:]\))")
# Control characters except tab and line break, surrogates, noncharacters. The placeholders of links and images are not
# among them: they are in the text when it is searched.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0\ufdd4\ufdd6-\ufdef\ufffe\uffff]")


def clean_inline(wikitext: str) -> CleanText:
    """Turn a line or paragraph of wikitext, free of templates and tables, into plain text with link spans.

    >>> clean_inline("''Big'' [[dog]]s ( , [[Cat (pet)|cats]]) &amp; [http://x.org more] .")
    CleanText(text='Big dogs (cats) & more.', links=(Link(start=4, end=8, target='Dog'), Link(start=10, end=14, \
target='Cat (pet)')))
    """
    if (simple := _clean_simple(wikitext)) is not None:
        return simple
    # The order matters. Links become placeholders first, while their brackets are there. Quotes go before entities are
    # decoded, because &#39; is no quote, and all markup goes before, so that no decoded character is taken for markup.
    # &nbsp; makes new blanks, so blanks are collapsed twice. Punctuation is last, when all gaps beside it are there.
    targets: list[str] = []
    text = wikitext
    if IMAGE in text:
        text = _IMAGES.sub("", text)
    if "[" in text:
        text = mark_links(text, targets)
    # Signs that no step adds are looked for in the wikitext: with the placeholders of links, each character of a text
    # has four bytes instead of one or two. (Names in links are decoded, and may bring along any sign.)
    written = text if "%" in wikitext else wikitext
    is_printable = written.isprintable()  # so it has no white space but blanks, no invisible and no special characters
    text = _strip_markup(text, written)
    text = _collapse_blanks(text, is_printable)
    if not is_printable:
        text = _settle_values(text)
    has_entities = "&" in written
    if has_entities:
        text = _collapse_blanks(_decode_entities(text), is_printable=False)
    if has_entities or not is_printable:
        text = _without_invisible(text)
    if _needs_repair(text):
        text = _repair_punctuation(text)
    if text[1:2] == " " and text[0] in ".,;:)":
        text = _LEADING.sub("", text, count=1)
    if "<" in written:
        text = text.replace(MENTIONED, "")
    return to_spans(text, targets) if targets else CleanText(text.strip(), ())


def _clean_simple(wikitext: str) -> CleanText | None:
    """Return what `clean_inline` returns for a line whose only markup are links and quotes; None for another line.

    Nearly all lines are such. They need no placeholders, with which each character of a text takes four bytes.
    """
    line = wikitext
    if "&" in line:
        for reference, char in _HARMLESS:
            line = line.replace(reference, char)
    if "  " in line:
        line = _BLANKS.sub(" ", line).strip(" ")
    if "&" in line or "<" in line or "{" in line or "}" in line or "__" in line or "~~~" in line:
        return None
    if not (line.replace(EMPTIED, "") if EMPTIED in line else line).isprintable():
        return None  # another placeholder is in it, or white space that is no blank
    texts, targets = split_plain_links(line) if "[" in line else ([line], [])
    text = "".join(texts)
    if "[[" in text:
        if "%" in line:  # names in links are decoded, and may bring along any sign
            return None
        texts, targets = split_links(line)
        text = "".join(texts)
    if "''" in line or EMPTIED in text:
        parted = _strip_quotes("\n".join(texts))
        if EMPTIED in parted and _EMPTIED_WORDS.search(parted):
            return None
        texts = parted.replace(EMPTIED, "").split("\n")
        text = "".join(texts)
    # A bracket that is left belongs to no link of these; gaps, and what begins the line, may have to be repaired.
    if "[" in text or "]" in text or "  " in text or text[:1] in _MAY_BE_STRIPPED or _needs_repair(text):
        return None
    links = spans_of(texts, targets) if len(targets) <= MAX_NUMBER else None
    return None if links is None else CleanText(text.rstrip(" "), links)


def _strip_markup(text: str, written: str) -> str:
    """Remove all markup but links and entities from a text; written: the same text before its links were read."""
    if "''" in written:
        text = _strip_quotes(text)
    if EMPTIED in text:
        text = _EMPTIED_WORDS.sub("", text).replace(EMPTIED, "")
    if "__" in written or "~~~" in written:
        text = _MAGIC_WORD.sub("", text)
    if "{" in written or "}" in written or "[[" in text or "]]" in text:
        text = _STRAY_BRACKETS.sub("", text)
    if "<" in written:
        text = strip_tags(mark_mentions(text))
    return text


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


def _collapse_blanks(text: str, is_printable: bool) -> str:
    """Collapse runs of blanks into one. Most texts have none, and a search for them is cheaper than a split."""
    if "  " in text or (not is_printable and _OTHER_BLANK.search(text)):
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
    if not bolds:
        return text.replace("''", "")
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
    'Tea (from), is hot. It is old, . . . and green.'
    """
    if "(" in text or "[" in text:
        text = _AFTER_OPEN.sub("(", _BEFORE_CLOSE.sub(")", text))
        text = _EMPTY_PARENTHESES.sub("", text)
    text = _BEFORE_POINT.sub("", _DANGLING.sub("", text))
    return _DOUBLED.sub(r"\1", text)
