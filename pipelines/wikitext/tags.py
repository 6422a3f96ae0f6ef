"""Comments, extension tags and HTML tags of wikitext: what is taken out, and what is kept as text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from pipelines.templates import superscript

__all__ = ["break_blocks", "escape", "strip_comments", "strip_tags", "take_extensions", "unescape_page"]

_KEPT = ("nowiki", "math", "chem", "ce")
_DROPPED = {
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
_WITH_IMAGES = ("gallery", "imagemap")
_COUNTED = {**_DROPPED, "math": "math", "gallery": "galleries", "imagemap": "galleries"}
del _COUNTED["references"]  # the place of a list
_OPEN = re.compile(rf"<({'|'.join((*_KEPT, *_DROPPED, *_WITH_IMAGES))})(?=[\s/>])([^<>]*)>", re.IGNORECASE)
_CLOSE = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in (*_KEPT, *_DROPPED, *_WITH_IMAGES)}
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
    r"""Take out HTML comments; one that is never closed reaches to the end. A line of its own goes with it.

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
        is_line = (not kept[-1] or kept[-1].endswith("\n")) and text.startswith("\n", at)
        at += is_line
    return "".join([*kept, text[at:]])


def unescape_page(text: str) -> str:
    """Undo the escaping of a page that a tool has escaped twice: it has references, and each one as `&lt;ref`.

    >>> unescape_page("Tea&lt;ref&gt;x&lt;/ref&gt; &amp;amp; milk")
    'Tea<ref>x</ref> &amp; milk'
    """
    if "&lt;/ref&gt;" in text and "</ref>" not in text:
        return html.unescape(text)
    return text


def take_extensions(text: str, counters: dict[str, int], take_images: Callable[[str, str], str]) -> str:
    """Replace extension tags: references, code and the like go; nowiki, math and chem stay as plain characters.

    Math is kept as its LaTeX source: a sentence whose formula is gone says something else, or nothing.

    Args:
        text: wikitext without comments.
        counters: counts what was found; a name that is new counts from 0 (`defaultdict`).
        take_images: gives the text for a gallery or an image map: (tag's name, content).

    Returns:
        Wikitext without these tags. A tag that is never closed is dropped alone; a reference with its line.
    """
    if "<" not in text:
        return text
    kept: list[str] = []
    at = 0
    never_closed: set[str] = set()
    while match := _OPEN.search(text, at):
        kept.append(text[at : match.start()])
        at = match.end()
        name = match.group(1).lower()
        if match.group(2).endswith("/"):
            _count(name, counters)
            continue
        close = None if name in never_closed else _CLOSE[name].search(text, at)
        if close is None:
            never_closed.add(name)
            if name == "ref":
                at = _end_of_line(text, at)
            continue
        kept.append(_replacement(name, text[at : close.start()], counters, take_images))
        at = close.end()
    return "".join([*kept, text[at:]])


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _count(name: str, counters: dict[str, int]) -> None:
    if name in _COUNTED:
        counters[_COUNTED[name]] += 1


def _replacement(name: str, content: str, counters: dict[str, int], take_images: Callable[[str, str], str]) -> str:
    _count(name, counters)
    if name in _WITH_IMAGES:
        return take_images(name, content)
    if name == "nowiki":
        return escape(content)
    if name in _KEPT:
        return escape(_formula(content))
    return "\n" if name in ("pre", "table") else ""


def _formula(source: str) -> str:
    r"""Write a formula on one line; TeX reads a tie as a blank, and a blank between braces as nothing.

    >>> _formula("{{a}}~\\over\n b")
    '{ {a} } \\over b'
    """
    text = source.replace("~", " ").replace("{{", "{ {").replace("}}", "} }")
    return " ".join(text.split())


def escape(text: str) -> str:
    """Write a text so that no later step takes its characters for markup.

    >>> escape("a_{[i]}")
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
    """Take out the HTML tags that are left; digits in <sup> become superscripts, breaks a blank.

    >>> strip_tags("<b>10<sup>24</sup></b><br>is < 5 > 4")
    '10²⁴ is < 5 > 4'
    """
    if "<" not in text:
        return text
    text = _BLOCK.sub(" ", _BREAK.sub(" ", text))
    return _TAG.sub("", _SUPERSCRIPT.sub(lambda match: superscript(match.group(1).strip()), text))
