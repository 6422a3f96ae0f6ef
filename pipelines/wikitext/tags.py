"""Extension tags and HTML tags of wikitext: which are removed, and which are kept as text."""

from __future__ import annotations

import html
import re

from pipelines.syntax import Tag
from pipelines.templates.words import superscript
from pipelines.wikitext.placeholders import MENTIONED

__all__ = ["break_blocks", "count_tag", "drop_hidden", "mark_mentions", "show_tag", "strip_tags", "unescape_page"]

_KEPT_TAGS = ("nowiki", "math", "chem", "ce")
_CODE_TAGS = ("pre", "source", "syntaxhighlight")
_COUNTERS = {
    "gallery": "galleries",
    "imagemap": "galleries",
    "math": "math",
    "ref": "references",
    "table": "tables",
    **dict.fromkeys(_CODE_TAGS, "code_blocks"),
}
"""Tag -> the counter of the article that it raises, where that is not "extensions"."""
_UNCOUNTED = ("ce", "chem", "nowiki", "references")
"""Tags whose text is kept, and the place where the notes are listed, which is no note itself."""
_INLINE_CODE = re.compile(r"\binline\b|\benclose\s*=\s*[\"']?none\b", re.IGNORECASE)
_SPECIAL = re.compile(r"[&\[\]{}|'<>=*#:;~_!\-\n]")
_CODES = {char: f"&#{ord(char)};" for char in "&[]{}|'<>=*#:;~_!-\n"}
_BLOCK = re.compile(r"</?(p|div|center|blockquote|poem|ol|ul|dl|li|dd|dt|hr|h[1-6]|tr|td|th)\b[^<>]*>", re.IGNORECASE)
_LIST_ITEM = {"li": "\n* ", "dd": "\n: ", "dt": "\n; "}
_ONE_GROUP = re.compile(r"\{([^{}]*)\}")
_LAYOUT_AT_ENDS = re.compile(
    r"^(?:\\(?:(?:display|text|script|scriptscript)style(?![a-zA-Z])|[,;:! ])\s*)+|(?:\s*(?<!\\)\\[,;:! ])+$"
)
"""Commands of TeX for the size of letters before a formula, and for spaces before and behind it."""
_BREAK = re.compile(r"</?br\b[^<>]*>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"<sup\b[^<>]*>([^<>]{1,20})</sup\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:[\s/][^<>]*)?>")
_MENTION = re.compile(r"<(code|kbd|samp|tt|var)\b[^<>]*>([.,;:()!?\[\] ]{1,9})</\1\s*>", re.IGNORECASE)
_OPEN_NOTE = re.compile(r"<ref\b[^<>]*>[^\n]*", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<([a-z]+)\b[^<>]{0,500}?\bstyle\s{0,9}=[^<>]{0,500}?"
    r"\b(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden)\b[^<>]*>",
    re.IGNORECASE,
)
"""An element that its style hides; bounded, so that a tag of many styles takes no quadratic time."""
_NAMED_TAG = re.compile(r"<(/?)([a-z]+)\b[^<>]*>", re.IGNORECASE)


def unescape_page(text: str) -> str:
    """Undo the escaping of a page that a tool has escaped twice: each of its references reads `&lt;ref`.

    >>> unescape_page("Tea&lt;ref&gt;x&lt;/ref&gt; &amp;amp; milk")
    'Tea<ref>x</ref> &amp; milk'
    """
    if "&lt;/ref&gt;" in text and "</ref>" not in text:
        return html.unescape(text)
    return text


def count_tag(tag: Tag, counters: dict[str, int]) -> None:
    """Raise the counter of an element; a missing counter counts from 0 (`defaultdict`)."""
    if tag.name not in _UNCOUNTED:
        counters[_COUNTERS.get(tag.name, "extensions")] += 1


def show_tag(tag: Tag) -> str:
    """Return the wikitext that an element shows in prose: nowiki, formulas and code inside a line as characters.

    A formula is kept as its LaTeX source: without it the sentence says something else, or nothing.

    >>> show_tag(Tag("math", "", "a_i", "")), show_tag(Tag("ref", "", "Cite", ""))
    ('a&#95;i', '')
    """
    if tag.content is None:
        return ""
    if tag.name == "nowiki":
        return _escape(tag.content)
    if tag.name in _KEPT_TAGS:
        return _escape(_formula(tag.content))
    if tag.name in _CODE_TAGS and _INLINE_CODE.search(tag.attributes):
        return _escape(" ".join(tag.content.split()))
    return "\n" if tag.name in ("pre", "table") else ""  # these are blocks: the text around them is not one sentence


def _formula(source: str) -> str:
    r"""Write a formula on one line, without `~` and double braces, which a later step would take for wikitext.

    TeX reads a tie (`~`) as a blank, and ignores a blank between braces. Braces around all of it, spaces at its ends
    and the size of its letters are layout.

    >>> _formula("{{a}}~\\over\n b"), _formula("{D}"), _formula("{\\displaystyle a/b\\,}")
    ('{ {a} } \\over b', 'D', 'a/b')
    """
    text = " ".join(source.split())
    if group := _ONE_GROUP.fullmatch(text):
        text = group[1]
    text = _LAYOUT_AT_ENDS.sub("", text).replace("~", " ").replace("{{", "{ {").replace("}}", "} }")
    return " ".join(text.split())


def _escape(text: str) -> str:
    """Write a text with a numeric reference for each character that a later step could take for markup.

    >>> _escape("a_{[i]}")
    'a&#95;&#123;&#91;i&#93;&#125;'
    """
    return _SPECIAL.sub(lambda match: _CODES[match.group()], html.unescape(text))


def drop_hidden(text: str) -> str:
    """Remove the elements that a style hides, and a reference that is never closed, with the rest of its line.

    >>> drop_hidden('He is <span style="display:none">1900</span>old.<ref>Cite')
    'He is old.'
    """
    if "<ref" in text or "<REF" in text:
        text = _OPEN_NOTE.sub("", text)
    if "display" not in text and "visibility" not in text:
        return text
    kept: list[str] = []
    never_closed: set[str] = set()  # without it, a page of open tags takes quadratic time
    at = begin = 0
    while match := _HIDDEN.search(text, at):
        at = match.end()
        name = match.group(1).lower()
        if match.group().endswith("/>"):
            end: int | None = at
        else:
            end = None if name in never_closed else _end_of_element(text, at, name)
        if end is None:
            never_closed.add(name)
        else:
            kept.append(text[begin : match.start()])
            at = begin = end
    return "".join([*kept, text[begin:]])


_MAX_HIDDEN_CHARS = 20_000
"""An element that hides more is not closed: nobody hides so much."""


def _end_of_element(text: str, at: int, name: str) -> int | None:
    """Return where an element ends that was opened before a place; None where it is never closed."""
    depth = 1
    for match in _NAMED_TAG.finditer(text, at, at + _MAX_HIDDEN_CHARS):
        if match.group(2).lower() == name and not match.group().endswith("/>"):
            depth += -1 if match.group(1) else 1
            if not depth:
                return match.end()
    return None


def break_blocks(text: str) -> str:
    r"""Turn block tags into the line breaks that they mean.

    >>> break_blocks("a<p>b<li>c")
    'a\n\nb\n* c'
    """
    if "<" not in text:
        return text
    return _BLOCK.sub(_line_break, text)


def _line_break(match: re.Match[str]) -> str:
    item = _LIST_ITEM.get(match.group(1).lower())
    if match.group().startswith("</") and item:
        return ""
    return item or "\n\n"


def mark_mentions(text: str) -> str:
    """Mark the punctuation that a text writes about, in elements for code and keys; the tags go.

    >>> mark_mentions("the <code>,</code> (comma)").replace(MENTIONED, "|")
    'the |,| (comma)'
    """
    if "</" not in text:
        return text
    # A sign beside each mark: none of them is repaired, and "( )" does not go as empty parentheses.
    return _MENTION.sub(lambda match: f"{MENTIONED}{MENTIONED.join(match[2])}{MENTIONED}", text)


def strip_tags(text: str) -> str:
    """Remove the HTML tags that are left; digits in <sup> become superscripts, a line break becomes a blank.

    >>> strip_tags("<b>10<sup>24</sup></b><br>is < 5 > 4")
    '10²⁴ is < 5 > 4'
    """
    if "<" not in text:
        return text
    text = _BLOCK.sub(" ", _BREAK.sub(" ", text))
    return _TAG.sub("", _SUPERSCRIPT.sub(lambda match: superscript(match.group(1).strip()), text))
