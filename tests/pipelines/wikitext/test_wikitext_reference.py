"""Inline wikitext compared with an independent parser, mwparserfromhell, line by line over a real dump."""

from __future__ import annotations

import html
import re
from pathlib import Path

import mwparserfromhell
import pytest

from pipelines.dump import Page, find_streams, read_pages
from pipelines.wikitext.plain_text import clean_inline
from schemas.titles import canonical_title

pytestmark = pytest.mark.integration

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

OTHER_MARKUP = re.compile(
    r"\{\{|\}\}|\{\||<|\[\[\s*(?:File|Image|Category|[a-z-]{2,12})\s*:|\[\[:|__|~~~", re.IGNORECASE
)
BRACKETED_ADDRESS = re.compile(r"\[(?:https?:)?//")


@pytest.fixture(scope="module")
def lines(gensim_slice: Path) -> list[str]:
    """Lines whose only markup is links, quotes and entities, which both parsers read."""
    pages = [page for stream in find_streams(gensim_slice) for page in read_pages(stream) if isinstance(page, Page)]
    found = []
    for page in pages:
        for line in COMMENT.sub("", page.wikitext).split("\n"):
            is_prose = line[:1].isalnum() or line[:1] in "'[\""
            if is_prose and not OTHER_MARKUP.search(line) and not BRACKETED_ADDRESS.search(line):
                found.append(line)
    return found


def squeezed(text: str) -> str:
    """Return a text without blanks: the parsers must agree on the rest."""
    return re.sub(r"\s+", "", text)


def test_plain_lines_read_as_mwparserfromhell_reads_them(lines: list[str]) -> None:
    assert len(lines) > 1_000
    differing = []
    for line in lines:
        ours = clean_inline(line).text
        theirs = mwparserfromhell.parse(line).strip_code(normalize=True, collapse=True)
        if squeezed(ours) != squeezed(theirs):
            differing.append((ours, theirs))
    accepted = [pair for pair in differing if is_accepted(*pair)]
    assert len(differing) == len(accepted), [pair for pair in differing if pair not in accepted][:5]
    assert len(accepted) <= len(lines) // 100


def is_accepted(ours: str, theirs: str) -> bool:
    """Return whether a difference is intended: removed empty parentheses, doubled commas, odd quotes."""
    bare = re.compile(r"[\s,;:'()\[\]]+")
    return bare.sub("", ours) == bare.sub("", theirs)


def test_links_are_those_that_mwparserfromhell_finds(lines: list[str]) -> None:
    differing = 0
    for line in lines:
        ours = [link.target for link in clean_inline(line).links]
        theirs = [str(link.title).partition("#")[0] for link in mwparserfromhell.parse(line).filter_wikilinks()]
        differing += ours != [canonical_title(html.unescape(title)) for title in theirs if title.strip()]
    assert differing <= len(lines) // 200
