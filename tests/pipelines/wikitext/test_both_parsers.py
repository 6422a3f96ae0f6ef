"""The text of every article of the dumps at hand is the same by both parsers of wikitext."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dump import Page, find_streams, read_pages
from pipelines.wikitext import CleaningRules, parse_article

pytestmark = pytest.mark.integration

DIFFERENCES = {
    "Lockheed P-38 Lightning": "a <li> that is not closed hides the template around it from mwparserfromhell; "
    "MediaWiki's preprocessor looks at no HTML tag",
}
"""Title of an article -> what the parsers read differently in it, and what MediaWiki does."""


def check_articles(path: Path, least: int) -> None:
    grammar = CleaningRules(wikitext_parser="mwparserfromhell")
    differing = {}
    articles = 0
    for stream in find_streams(path):
        for page in read_pages(stream):
            if isinstance(page, Page) and page.redirect is None:
                articles += 1
                ours, theirs = parse_article(page), parse_article(page, grammar)
                if ours != theirs and page.title not in DIFFERENCES:
                    differing[page.title] = [
                        (mine, yours) for mine, yours in zip(ours.blocks, theirs.blocks, strict=False) if mine != yours
                    ][:1]
    assert differing == {}
    assert articles >= least


@pytest.mark.slow
def test_articles_of_the_slice_read_the_same(gensim_slice: Path) -> None:
    check_articles(gensim_slice, 106)


@pytest.mark.parametrize(("name", "least"), [("wikibrain_en.xml", 33), ("zulko_tiny.xml.bz2", 6)])
def test_articles_of_other_dumps_read_the_same(shared_data: Path, name: str, least: int) -> None:
    path = shared_data / "dumps" / name
    if not path.is_file():
        pytest.skip(f"no dump at {path}")
    check_articles(path, least)
