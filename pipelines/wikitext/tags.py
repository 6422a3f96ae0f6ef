"""Comments, extension tags and HTML tags of wikitext: which are removed, and which are kept as text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from pipelines.templates.words import superscript

__all__ = ["break_blocks", "replace_extensions", "strip_comments", "strip_tags", "unescape_page"]

_KEPT_TAGS = ("nowiki", "math", "chem", "ce")
_DROPPED_TAGS = {
    "ref": "references",
    "references": "references",
    "table": "tables",
    "pre": "code_blocks",
    "source": "code_blocks",
    "syntaxhighlight": "code_blocks",
    "score": "extensions",
    "timeline": "extensions",
    "hiero": "extensions",
    "graph": "extensions",
    "mapframe": "extensions",
    "maplink": "extensions",
    "templatedata": "extensions",
    "templatestyles": "extensions",
    "inputbox": "extensions",
    "includeonly": "extensions",
    "categorytree": "extensions",
    "indicator": "extensions",
    "style": "extensions",
    "script": "extensions",
}
"""Tag -> the counter of the article that it raises."""
_IMAGE_TAGS = ("gallery", "imagemap")
_COUNTERS = {**_DROPPED_TAGS, "math": "math", "gallery": "galleries", "imagemap": "galleries"}
del _COUNTERS["references"]  # the place where the notes are listed, and no note itself
_ALL_TAGS = (*_KEPT_TAGS, *_DROPPED_TAGS, *_IMAGE_TAGS)
_OPEN = re.compile(rf"<({'|'.join(_ALL_TAGS)})(?=[\s/>])([^<>]*)>", re.IGNORECASE)
_CLOSE = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _ALL_TAGS}
_SPECIAL = re.compile(r"[&\[\]{}|'<>=*#:;~_!\-\n]")
_CODES = {char: f"&#{ord(char)};" for char in "&[]{}|'<>=*#:;~_!-\n"}
_BLOCK = re.compile(
    r"</?(p|div|center|blockquote|poem|ol|ul|dl|li|dd|dt|hr|h[1-6]|section|tr|td|th)\b[^<>]*>", re.IGNORECASE
)
_LIST_ITEM = {"li": "\n* ", "dd": "\n: ", "dt": "\n; "}
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"<sup\b[^<>]*>([^<>]{1,20})</sup\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:[\s/][^<>]*)?>")


def strip_comments(text: str) -> str:
    r"""Remove HTML comments; one that is never closed reaches to the end. A line that holds nothing else goes, too.

    Source: MediaWiki's Preprocessor_Hash.

    >>> strip_comments("a\n<!-- x -->\nb<!-- y")
    'a\nb'
    """
    if "<!--" not in text:
        return text
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        kept.append(text[at:start])
        at = len(text) if end < 0 else end + 3
        # A comment alone on its line would leave an empty line, which ends a paragraph.
        is_line = (not kept[-1] or kept[-1].endswith("\n")) and text.startswith("\n", at)
        at += is_line
    return "".join([*kept, text[at:]])


def unescape_page(text: str) -> str:
    """Undo the escaping of a page that a tool has escaped twice: each of its references reads `&lt;ref`.

    >>> unescape_page("Tea&lt;ref&gt;x&lt;/ref&gt; &amp;amp; milk")
    'Tea<ref>x</ref> &amp; milk'
    """
    if "&lt;/ref&gt;" in text and "</ref>" not in text:
        return html.unescape(text)
    return text


def replace_extensions(text: str, counters: dict[str, int], render_images: Callable[[str, str], str]) -> str:
    """Replace extension tags: references and code are removed; nowiki, math and chem become plain characters.

    A formula is kept as its LaTeX source: without it the sentence says something else, or nothing.

    Args:
        text: wikitext without comments.
        counters: the tags found are added to it; a missing name counts from 0 (`defaultdict`).
        render_images: returns the text for a gallery or an image map, given the tag's name and content.

    Returns:
        Wikitext without these tags. Of a tag that is never closed only the tag goes; of a reference the rest of its
        line, too.
    """
    if "<" not in text:
        return text
    kept: list[str] = []
    at = 0
    # Names whose closing tag is nowhere behind the place: without them a page of open tags takes quadratic time.
    never_closed: set[str] = set()
    while match := _OPEN.search(text, at):
        kept.append(text[at : match.start()])
        at = match.end()
        name = match.group(1).lower()
        if match.group(2).endswith("/"):  # <ref name="a" />
            _count(name, counters)
            continue
        close = None if name in never_closed else _CLOSE[name].search(text, at)
        if close is None:
            never_closed.add(name)
            if name == "ref":
                at = _end_of_line(text, at)
            continue
        kept.append(_replacement(name, text[at : close.start()], counters, render_images))
        at = close.end()
    return "".join([*kept, text[at:]])


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _count(name: str, counters: dict[str, int]) -> None:
    if name in _COUNTERS:
        counters[_COUNTERS[name]] += 1


def _replacement(name: str, content: str, counters: dict[str, int], render_images: Callable[[str, str], str]) -> str:
    _count(name, counters)
    if name in _IMAGE_TAGS:
        return render_images(name, content)
    if name == "nowiki":
        return _escape(content)
    if name in _KEPT_TAGS:
        return _escape(_formula(content))
    return "\n" if name in ("pre", "table") else ""  # these are blocks: the text around them is not one sentence


def _formula(source: str) -> str:
    r"""Write a formula on one line, without `~` and double braces, which a later step would take for wikitext.

    TeX reads a tie (`~`) as a blank, and ignores a blank between braces.

    >>> _formula("{{a}}~\\over\n b")
    '{ {a} } \\over b'
    """
    text = source.replace("~", " ").replace("{{", "{ {").replace("}}", "} }")
    return " ".join(text.split())


def _escape(text: str) -> str:
    """Write a text with a numeric reference for each character that a later step could take for markup.

    >>> _escape("a_{[i]}")
    'a&#95;&#123;&#91;i&#93;&#125;'
    """
    return _SPECIAL.sub(lambda match: _CODES[match.group()], html.unescape(text))


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


def strip_tags(text: str) -> str:
    """Remove the HTML tags that are left; digits in <sup> become superscripts, a line break becomes a blank.

    >>> strip_tags("<b>10<sup>24</sup></b><br>is < 5 > 4")
    '10²⁴ is < 5 > 4'
    """
    if "<" not in text:
        return text
    text = _BLOCK.sub(" ", _BREAK.sub(" ", text))
    return _TAG.sub("", _SUPERSCRIPT.sub(lambda match: superscript(match.group(1).strip()), text))
