"""Lines with templates, references and tags, compared with a slow path: mwparserfromhell's tree and our templates."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import mwparserfromhell
import pytest
from mwparserfromhell.nodes import Comment, Tag, Template, Wikilink
from mwparserfromhell.wikicode import Wikicode

from pipelines.dump import Page, find_streams, read_pages
from pipelines.templates import render
from pipelines.templates.words import UNKNOWN_VALUE, settle_asides
from pipelines.wikitext import parse_article

pytestmark = pytest.mark.integration

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

NO_PROSE = re.compile(r"\s*(?:file|image|category)\s*:", re.IGNORECASE)
REPAIRED = re.compile(r"[\s,;:'()\[\].…–]+")

ACCEPTED: dict[str, Callable[[str, str, str], bool]] = {
    "punctuation around a dropped template is repaired": lambda _line, ours, theirs: bare(ours) == bare(theirs),
    "digits in <sup> are raised": lambda _line, ours, theirs: folded(ours) == folded(theirs),
    "a formula stays as its source": lambda line, _ours, _theirs: re.search("<(?:math|chem|ce)", line) is not None,
    "a price of today is in no dump": lambda line, _ours, theirs: UNKNOWN_VALUE in theirs or "{{Inflation|" in line,
    "code is taken out": lambda line, _ours, _theirs: "<source " in line,
    "a line without a letter is no line": lambda _line, ours, theirs: not ours and not re.search(r"\w", theirs),
    "the slow path leaves templates and references in HTML alone": lambda line, _ours, _theirs: (
        re.search(r"<(?:span|blockquote)[^<>]*>.*(?:\{\{|<ref)", line) is not None
    ),
    "a tag that does not close on its line": lambda _line, _ours, theirs: re.search("</?[a-z]", theirs) is not None,
}
"""Reason of an intended difference -> whether it is the reason for a line, our text and the slow path's text."""


def bare(text: str) -> str:
    return REPAIRED.sub("", text)


def folded(text: str) -> str:
    return bare(unicodedata.normalize("NFKC", text)).replace("−", "-")


def expanded(code: Wikicode) -> str:
    """Return the wikitext of a tree without references, files and categories, templates as our rules show them."""
    return "".join(map(expanded_node, code.nodes))


def expanded_node(node: object) -> str:
    if isinstance(node, Template):
        args = {str(param.name).strip(): expanded(param.value).strip() for param in node.params}
        return render(str(node.name).strip(), args) or ""
    if isinstance(node, Comment) or (isinstance(node, Tag) and str(node.tag).lower() in ("ref", "references")):
        return ""
    if isinstance(node, Tag) and node.wiki_markup in ("''", "'''"):
        return f"{node.wiki_markup}{expanded(node.contents)}{node.wiki_markup}"
    if isinstance(node, Wikilink):
        title = expanded(node.title)
        label = "" if node.text is None else f"|{expanded(node.text)}"
        return "" if NO_PROSE.match(title) else f"[[{title}{label}]]"
    return str(node)


def slow_text(line: str) -> str:
    text = mwparserfromhell.parse(expanded(mwparserfromhell.parse(line)))
    return settle_asides(str(text.strip_code(normalize=True, collapse=True)))


def is_balanced(line: str) -> bool:
    return line.count("{{") == line.count("}}") and line.count("[[") == line.count("]]")


def test_lines_with_templates_and_tags_read_as_by_the_slow_path(gensim_slice: Path) -> None:
    pages = [page for stream in find_streams(gensim_slice) for page in read_pages(stream) if isinstance(page, Page)]
    lines = [line for page in pages for line in COMMENT.sub("", page.wikitext).split("\n")]
    lines = [line for line in lines if re.match(r"[\w'\[\"*]", line) and re.search(r"\{\{|<", line)]
    lines = [line for line in lines if is_balanced(line)]
    reasons: Counter[str] = Counter()
    for line in lines:
        article = parse_article(Page(1, 1, "T", 0, None, line, 0))
        ours, theirs = "\n".join(block.text for block in article.blocks), slow_text(line.lstrip("* "))
        if "".join(ours.split()) != "".join(theirs.split()):
            reasons[next((name for name, is_this in ACCEPTED.items() if is_this(line, ours, theirs)), line)] += 1
    assert len(lines) > 4_000
    assert {reason for reason in reasons if reason not in ACCEPTED} == set()
    assert reasons.total() < len(lines) * 0.06
