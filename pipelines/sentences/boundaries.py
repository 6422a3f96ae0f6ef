"""Boundaries between sentences: which of the cuts of a splitter a person would make, and which ones it misses."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from pipelines.sentences.abbreviations import TITLES, ends_sentence, is_abbreviation, opens_sentence
from schemas.records import Link

__all__ = ["MAX_GROUP_CHARS", "has_missed_cuts", "marked_names", "sentence_pieces"]

MAX_GROUP_CHARS = 1_000
"""Brackets farther apart do not keep their sentences together: one of the two is a slip of the pen."""
_MAX_MARKED_NAMES = 100
"""So many names with marks are looked for in an article; a list of thousands of shows would cost more than it tells."""

CharRange = tuple[int, int]
_PLAIN = re.compile(r"(?<=[a-z]{5}\. )[A-Z]")
"""Most cuts: a capital behind a long word. No abbreviation of the table ends in five small letters."""
_BRACKET = re.compile(r"[()\[\]]")
_PARTNER = {")": "(", "]": "["}
_CLOSING = ")]}\"'”’»` "
_QUOTES = frozenset("\"'“”‘’«»`")
_NOTE = re.compile(r"(?:\[\w{1,4}\])+$")  # the mark of a footnote, written by hand
_WEAK = frozenset(",;:-–—/&+=(<")
"""Behind these, as behind a letter or digit, no sentence ends."""
_CONTINUES = frozenset(",;:.!?)]}=<>≤≥≠≈")
_IPA_SIGN = re.compile("[\u0250-\u02af\u02c8\u02cc\u02d0]")
_IPA = re.compile(r"(?<![\w/])/[^/\n]{1,80}/(?![\w/])")
_YEAR = re.compile(r"\(\d{4}[a-z]?(?:[–-]\d{2,4})?\)")
_NUMBER = re.compile(r"[(\[#№£$€¥]{0,2}\d")
_STRANGE_WORD = re.compile(r"[^\W\d_][\w-]{0,20}?[A-Z\d]")  # iPhone, mRNA, cis-2-Butene: they begin sentences, too
_MARK = re.compile(r"[.!?…](?=\s|$)")
_QUALIFIER = re.compile(r"\s*\([^()]*\)$")
_ETC = re.compile(r"etc\.(?= [A-Z])")
_EQUATION = re.compile(r"= -?[A-Za-z\d]\.(?= [A-Z])")
_FORMULA = re.compile(r"\\begin\{[^\n]{0,1000}?\\end\{")
_AFTER_GROUP = re.compile(r"\.[\"”’']?\)(?=\s+[\"“(\[]?[A-Z])")


def marked_names(title: str, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the names in an article that hold a mark which could end a sentence, without "(...)" at their end.

    Args:
        title: of the article.
        targets: pages that the article links to.

    >>> marked_names("Jeopardy!", ["Got Milk? (film)", "Dr. No", "Tea"])
    ('Jeopardy!', 'Got Milk?')
    """
    names = [title] if _MARK.search(title) else []
    # The full stops of targets are left to the spans of their links.
    together = "\n".join(targets)  # one search for all: most articles have no such target
    if "!" in together or "?" in together:
        names += [target for target in targets if "!" in target or "?" in target][:_MAX_MARKED_NAMES]
    bare = dict.fromkeys(_QUALIFIER.sub("", name) for name in names)
    return tuple(name for name in bare if _MARK.search(name))


def sentence_pieces(
    text: str, places: list[int], names: tuple[str, ...] = (), links: Sequence[Link] = ()
) -> tuple[list[CharRange], bool]:
    """Return the pieces between the cuts that a person would make: among the given ones, and some that they lack.

    Args:
        text: one paragraph, or one item of a list; not empty.
        places: where a splitter starts a new sentence, in order.
        names: names that hold a full stop or another mark (`marked_names`): no sentence ends inside one.
        links: of the text, by start: no sentence ends inside the words of one.

    Returns:
        Ranges that cover the text but for blanks between them, and whether all of them but the first surely begin with
        a letter.

    >>> sentence_pieces("It is (19 mi) NW. So.", [10, 18])
    ([(0, 17), (18, 21)], True)
    """
    cuts: list[tuple[int, int]] = []  # end of the sentence before, start of the one behind
    begin_with_letter = True
    is_plain = _PLAIN.match
    for at in places:
        if is_plain(text, at) or _is_plain(text, at):
            cuts.append((at - 1, at))
        elif cut := _read_cut(text, at):
            cuts.append(cut)
            begin_with_letter = False
    if has_missed_cuts(text) and (missed := _behind_groups(text) + _behind_short_words(text)):
        cuts = sorted({*cuts, *missed})
        begin_with_letter = False
    if cuts and (names or links or "(" in text or "[" in text or "/" in text or "\\" in text):
        cuts = _outside_spans(text, cuts, names, links)
    pieces: list[CharRange] = []
    start = 0
    for end, following in cuts:
        if end > start:  # two places in the same blanks are one cut
            pieces.append((start, end))
            start = following
    pieces.append((start, len(text)))
    return pieces, begin_with_letter


def has_missed_cuts(text: str) -> bool:
    """Return whether a text may end a sentence where no splitter looks for it: quicker than to look for the place."""
    # Each search for two signs waits for a search for one, which is ten times as fast.
    return (")" in text and (".)" in text or '.")' in text)) or ("=" in text and "= " in text) or "etc. " in text


def _is_plain(text: str, at: int) -> bool:
    """Return whether a capital follows a full stop that surely belongs to no abbreviation; most cuts are such."""
    if text[at - 2 : at] != ". " or not text[at].isupper():
        return False
    word = text[text.rfind(" ", 0, at - 2) + 1 : at - 2]
    if len(word) < 2 or word in TITLES:
        return False
    # Two digits, or letters of a Roman number, may be the number of an item.
    return (word.isalnum() and (len(word) > 3 or not (word.isdigit() or word[0] in "ivx"))) or word[-1] in ")]"


def _read_cut(text: str, at: int) -> tuple[int, int] | None:
    """Return the cut where a splitter starts a new sentence, as a range of blanks; None where no sentence ends."""
    end, start, size = at, at, len(text)
    if not text[at - 1].isspace() and not text[at].isspace():
        # A quote that closes was taken for one that opens, or the other way round: `so.|" He`, `gears. "|He went`.
        while start < size and text[start] in _QUOTES:
            start += 1
        if start < size and text[start].isspace():
            end = start
        else:
            while end and text[end - 1] in _QUOTES:
                end -= 1
            start = end
    while end and text[end - 1].isspace():
        end -= 1
    while start < size and text[start].isspace():
        start += 1
    return (end, start) if 0 < end < start < size and _is_right(text, end, start) else None


def _outside_spans(
    text: str, cuts: list[tuple[int, int]], names: tuple[str, ...], links: Sequence[Link]
) -> list[tuple[int, int]]:
    """Return the cuts that lie outside of brackets, names, words of links, pronunciations and formulas of lines."""
    inside: set[int] = set()
    for end, _ in cuts if links else ():
        at = bisect_left(links, (end,)) - 1  # the last link that starts before the cut
        if at >= 0 and end < links[at].end:
            inside.add(end)
    spans: list[CharRange] = []
    for opening, closing in ("()", "[]"):
        if opening in text and not spans and _has_open_piece(text, cuts, opening, closing):
            spans += _groups(text)
    named: set[int] = set()
    if names and any(name in text for name in names):
        found = [match.span() for match in _names_pattern(names).finditer(text)]
        spans += found
        named = {last for _, last in found}
    if "/" in text and _IPA_SIGN.search(text):
        spans += [match.span() for match in _IPA.finditer(text) if _IPA_SIGN.search(match.group())]
    if "\\begin{" in text:
        spans += [match.span() for match in _FORMULA.finditer(text)]
    if spans:
        ends = [end for end, _ in cuts]
        for first, last in spans:
            inside.update(ends[bisect_right(ends, first) : bisect_left(ends, last)])
    if inside or named:
        return [cut for cut in cuts if cut[0] not in inside and (cut[0] not in named or opens_sentence(text, cut[1]))]
    return cuts


def _has_open_piece(text: str, cuts: list[tuple[int, int]], opening: str, closing: str) -> bool:
    """Return whether a cut may lie inside brackets: quicker than to look for them, and nearly never true."""
    first = 0
    for end, _ in cuts:
        opened = text.find(opening, first, end)
        if opened >= 0 and text.count(opening, opened, end) > text.count(closing, opened, end):
            return True
        first = end
    return False


def _groups(text: str) -> list[tuple[int, int]]:
    """Return the ranges between brackets that belong together, nested ones and those in one another's way as well.

    >>> _groups("1) a (b [c] (d")
    [(8, 11)]
    """
    groups: list[tuple[int, int]] = []
    opened: list[tuple[str, int]] = []
    for match in _BRACKET.finditer(text):
        bracket, at = match.group(), match.start()
        if bracket in "([":
            opened.append((bracket, at))
            continue
        # An open bracket of the other kind that is never closed does not hide its elder.
        for place in range(len(opened) - 1, max(-1, len(opened) - 4), -1):
            if opened[place][0] == _PARTNER[bracket]:
                if at - opened[place][1] <= MAX_GROUP_CHARS:
                    groups.append((opened[place][1], at + 1))
                del opened[place:]
                break
    return groups


def _is_right(text: str, end: int, start: int) -> bool:
    """Return whether a sentence ends at a cut, judged by the words beside it."""
    if "\n" in text[end:start]:
        return True
    first = text[start]
    if first in _CONTINUES and not text.startswith("..", start):
        return False
    before = text[max(0, end - 40) : end]
    if before[-1] == "]":
        before = _NOTE.sub("", before)
    bare = before.rstrip(_CLOSING)
    last = bare[-1:]
    if last.isalnum() or last in _WEAK:
        return not bare
    if last in "!?":
        return _holds_sentence(text, start) if first == "(" else not first.islower()
    if first == "(" and _YEAR.match(text, start):
        return False
    is_strange_word = first.islower() and bool(_STRANGE_WORD.match(text, start))
    if first.islower() and not is_strange_word:
        return False
    if last != "." or bare != before:
        return True
    return not is_abbreviation(bare, is_strange_word or bool(_NUMBER.match(text, start)), text, start)


def _holds_sentence(text: str, start: int) -> bool:
    """Return whether the parentheses that open at a place hold a sentence of their own: its mark stands inside."""
    close = text.find(")", start, start + MAX_GROUP_CHARS)
    return close > 0 and text[close - 1] in ".!?"


@lru_cache(maxsize=8)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def _behind_groups(text: str) -> list[tuple[int, int]]:
    """Return the cuts behind parentheses that hold a sentence: a splitter takes their full stop for an abbreviation.

    >>> _behind_groups("It ran (it was so.) In 1990 it came (at Tea Inc.) Then so.")
    [(19, 20)]
    """
    cuts: list[tuple[int, int]] = []
    for match in _AFTER_GROUP.finditer(text):
        first = text.rfind("(", max(0, match.start() - MAX_GROUP_CHARS), match.start())
        if first >= 0 and ends_sentence(text[first + 1 : match.start()]):
            cuts.append((match.end(), match.end() + 1))
    return cuts


def _behind_short_words(text: str) -> list[tuple[int, int]]:
    """Return the cuts behind "etc.", and behind an equation that ends with one letter.

    >>> _behind_short_words("It has tea, etc. Milk too. For all x, x = x. That is so.")
    [(16, 17), (44, 45)]
    """
    ends = [match.end() for match in _ETC.finditer(text)] if "etc. " in text else []
    if "= " in text:
        ends += [match.end() for match in _EQUATION.finditer(text) if opens_sentence(text, match.end() + 1)]
    return [(end, end + 1) for end in ends]
