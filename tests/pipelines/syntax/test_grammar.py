"""The scanner and mwparserfromhell's grammar find the same nodes, over real dumps and over wikitext that is made up.

Where they differ, MediaWiki is the judge, and the difference stands in a list with its reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dump import Page, find_streams, read_pages
from pipelines.syntax import (
    Parameter,
    Pieces,
    Tag,
    Template,
    WikitextParser,
    is_file_target,
    parse_wikitext,
    to_wikitext,
)

WHOLE_LINK = re.compile(r"\[\[([^\[\]{}|\n]*)(?:\|([^\[\]{}|]*))?\]\]")

Event = tuple[str, ...]
"""What was found: "template", "parameter", "link" or "file", then its parts as written."""

DIFFERENCES = {
    "Lockheed P-38 Lightning": "a <li> that is not closed hides the template around it from mwparserfromhell; "
    "MediaWiki's preprocessor looks at no HTML tag",
}
"""Title of a page -> the one thing in it that the parsers read differently, and what MediaWiki does."""


def events(pieces: Pieces, parser: WikitextParser) -> Iterator[Event]:
    """Yield the templates, links and files of a tree, also those in references, with their raw arguments."""
    for piece in pieces:
        if isinstance(piece, str):
            for match in WHOLE_LINK.finditer(piece):
                yield link_event([part for part in match.groups() if part is not None])
        elif isinstance(piece, Tag):
            if piece.name == "ref":
                yield from events(parse_wikitext(piece.content or "", parser), parser)
        else:
            parts = [to_wikitext(part) for part in piece.parts]
            if isinstance(piece, Template):
                yield "template", *parts
            elif isinstance(piece, Parameter):
                yield "parameter", *parts
            elif to_wikitext([piece]).startswith("[["):
                yield link_event(parts)
            for part in piece.parts:
                yield from events(part, parser)


def link_event(parts: list[str]) -> Event:
    """A link has a target and a label, a file has options."""
    if is_file_target(parts[0]):
        return "file", *parts
    return "link", *parts


def both(wikitext: str) -> tuple[Counter[Event], Counter[Event]]:
    parsers: tuple[WikitextParser, WikitextParser] = ("scanner", "mwparserfromhell")
    ours, theirs = (Counter(events(parse_wikitext(wikitext, parser), parser)) for parser in parsers)
    return ours, theirs


def check_dump(path: Path, least: int) -> None:
    """Compare both parsers over every page of a dump; at least so many nodes must be found."""
    found = 0
    differing = {}
    for stream in find_streams(path):
        for page in read_pages(stream):
            if isinstance(page, Page):
                ours, theirs = both(page.wikitext)
                found += ours.total()
                if ours != theirs:
                    differing[page.title] = (list((ours - theirs).elements()), list((theirs - ours).elements()))
    assert {title: pair for title, pair in differing.items() if title not in DIFFERENCES} == {}
    assert found > least


@pytest.mark.slow
@pytest.mark.integration
def test_both_parsers_find_the_same_in_every_page_of_the_slice(gensim_slice: Path) -> None:
    check_dump(gensim_slice, 42_000)


@pytest.mark.integration
@pytest.mark.parametrize(("name", "least"), [("wikibrain_en.xml", 5_000), ("zulko_tiny.xml.bz2", 5_000)])
def test_both_parsers_find_the_same_in_every_page_of_other_dumps(shared_data: Path, name: str, least: int) -> None:
    path = shared_data / "dumps" / name
    if not path.is_file():
        pytest.skip(f"no dump at {path}")
    check_dump(path, least)


@pytest.mark.integration
def test_both_parsers_find_the_same_in_the_vital_articles(tmp_path: Path) -> None:
    vital_dump = pytest.importorskip("benchmarks.vital_dump")
    try:
        summaries = vital_dump.find_summaries()
    except SystemExit as absent:
        pytest.skip(str(absent))
    rows = sorted(json.loads(summaries.read_text(encoding="utf-8")).items())
    pages = [vital_dump.to_page(number, title, row["extract"]) for number, (title, row) in enumerate(rows, start=1)]
    dump = tmp_path / "vital.xml"
    dump.write_text("".join([vital_dump.HEAD, *pages, "</mediawiki>\n"]), encoding="utf-8")
    check_dump(dump, -1)


@pytest.mark.parametrize(
    ("wikitext", "ours", "theirs"),
    [
        # MediaWiki's preprocessor cuts arguments at every bar that is in no bracket, also inside an HTML element.
        ("{{a|<b>c|d</b>}}", [("template", "a", "<b>c", "d</b>")], [("template", "a", "<b>c|d</b>")]),
        # It looks at no HTML tag, closed or not.
        ("{{a|<li>b}}", [("template", "a", "<li>b")], []),
        # handleInternalLinks2 gives the third closing bracket to a label that holds an opening one.
        ("[[a|b [c]]]", [("link", "a", "b [c]")], [("link", "a", "b [c")]),
    ],
)  # fmt: skip
def test_where_the_parsers_differ_the_scanner_reads_as_mediawiki_does(
    wikitext: str, ours: list[Event], theirs: list[Event]
) -> None:
    assert both(wikitext) == (Counter(ours), Counter(theirs))


WORDS = st.text(alphabet="ab c'\n.:é茶", min_size=1, max_size=6)
NAMES = st.text(alphabet="abcé ", min_size=1, max_size=5).map(lambda name: f"n{name}")
COMMENTS = st.just("<!-- | }} -->")
NOWIKI = st.sampled_from(["<nowiki>|</nowiki>", "<nowiki>}}</nowiki>", "<math>a|b=c</math>", "<ref name=a />"])


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Put wikitext into brackets of every kind."""
    keys = st.one_of(st.just(""), NAMES.map(lambda key: f"{key}="))
    arguments = st.lists(st.tuples(keys, inner).map("".join), max_size=3)
    templates = st.tuples(NAMES, arguments).map(lambda parts: "{{" + "|".join([parts[0], *parts[1]]) + "}}")
    parameters = st.tuples(NAMES, inner).map(lambda parts: "{{{" + "|".join(parts) + "}}}")
    labels = inner.filter(lambda label: "[" not in label and "]" not in label)
    links = st.tuples(NAMES, labels).map(lambda parts: "[[" + "|".join(parts) + "]]")
    files = st.tuples(NAMES, inner).map(lambda parts: f"[[File:{parts[0]}.jpg|thumb|{parts[1]}]]")
    references = inner.map(lambda text: f"<ref>{text}</ref>" if "<ref" not in text else text)
    pieces = st.one_of(templates, parameters, links, files, references, COMMENTS, NOWIKI, WORDS, inner)
    return st.lists(pieces, min_size=1, max_size=3).map(" ".join)


WIKITEXT = st.recursive(WORDS, nested, max_leaves=12)


@settings(max_examples=400)
@given(WIKITEXT)
def test_both_parsers_find_the_same_in_wikitext_that_is_made_up(wikitext: str) -> None:
    ours, theirs = both(wikitext)
    assert ours == theirs
