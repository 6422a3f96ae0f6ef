"""Cleaning of the 106 articles of a real Wikipedia slice, against counts of markup and an independent parser."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

import mwparserfromhell
import pytest
from mwparserfromhell.nodes import Tag, Wikilink
from mwparserfromhell.wikicode import Wikicode

from pipelines.dump import Page, find_streams, read_pages
from pipelines.wikitext import parse_article
from pipelines.wikitext.article import Article
from schemas.titles import canonical_file, canonical_title

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REFERENCE = re.compile(r"<ref\b[^>/]*>(.*?)</ref\s*>", re.IGNORECASE | re.DOTALL)
CITED_TITLE = re.compile(r"\|\s*title\s*=\s*([^|{}\[\]<>='&]{25,}?)\s*(?=\|)")
FILE = re.compile(r"\s*(?:file|image)\s*:", re.IGNORECASE)
NO_ARTICLE = re.compile(
    r":|[a-z-]{2,12}:|(?:category|file|image|wikt|wikipedia|help|portal|template)\s*:|#", re.IGNORECASE
)
APPENDIX = re.compile(
    r"^==\s*(?:see also|references|external links|further reading|notes|bibliography)\s*==",
    re.IGNORECASE | re.MULTILINE,
)
TABLES_UNREAD = ("Andre Agassi", "Alabama")
"""Articles with a table whose links mwparserfromhell takes for prose."""

LEFTOVERS = {
    "template": r"\{\{",
    "link": r"\[\[",
    "reference": r"</?ref",
    "thumb": r"thumb\s*\|",
    "quotes": r"''",
    "category": r"(?im)^\W*category:",
    "table bar": r"\|-|\{\||\|\|",
    "table line": r"(?m)^\s*[|!]",
    "empty parentheses": r"\(\s*[,;]*\s*\)",
    "blank before a comma": r" ,(?=\s)(?! \(comma\))",  # ASCII writes about the sign: "shift , (comma)"
    "blank in parentheses": r"\(\s|\s\)",
    "tag": r"</?(?:br|small|sub|sup|span|div|p|b|i|center|nowiki|math|gallery)\b[^<>]*>",
    "entity": r"&(?:[a-z]+|#[0-9]+);",
    "placeholder": "[\ufdd0-\ufdef\U000f0000-\U000fffff]",
}


@pytest.fixture(scope="module")
def pages(gensim_slice: Path) -> list[Page]:
    items = [item for stream in find_streams(gensim_slice) for item in read_pages(stream)]
    return [item for item in items if isinstance(item, Page) and item.redirect is None]


@pytest.fixture(scope="module")
def articles(pages: list[Page]) -> list[Article]:
    return [parse_article(page) for page in pages]


@pytest.fixture(scope="module")
def trees(pages: list[Page]) -> list[Wikicode]:
    return [mwparserfromhell.parse(page.wikitext) for page in pages]


def words(wikitext: str) -> str:
    """Return the words of a text or wikitext: links by their labels, without punctuation."""
    return re.sub(r"\W+", " ", re.sub(r"\[\[[^\[\]|]*\|", " ", wikitext))


def prose(article: Article) -> str:
    return "\n".join(block.text for block in article.blocks)


@pytest.mark.parametrize("name", LEFTOVERS)
def test_no_markup_is_left_in_the_text(articles: list[Article], name: str) -> None:
    found = [
        (article.title, match.group()) for article in articles for match in re.finditer(LEFTOVERS[name], prose(article))
    ]
    assert found == []


def test_no_title_that_only_a_reference_cites_is_in_the_prose(pages: list[Page], articles: list[Article]) -> None:
    cited, leaked = 0, []
    for page, article in zip(pages, articles, strict=True):
        outside, text = words(REFERENCE.sub("", page.wikitext)), words(prose(article))
        for reference in REFERENCE.findall(page.wikitext):
            titles = [title for title in map(words, CITED_TITLE.findall(reference)) if title not in outside]
            cited += len(titles)
            leaked += [(article.title, title) for title in titles if title in text]
    assert cited > 1_000
    assert leaked == []


def test_no_caption_is_in_the_prose(pages: list[Page], articles: list[Article]) -> None:
    captions, leaked = 0, []
    for page, article in zip(pages, articles, strict=True):
        text, source = words(prose(article)), words(page.wikitext)
        for image in article.images:
            caption = words(image.caption)
            if len(caption) > 30:
                captions += 1
                leaked += [caption] * (text.count(caption) >= max(1, source.count(caption)))
    assert captions > 500
    assert leaked == []


def test_every_file_link_that_an_independent_parser_finds_is_a_picture(
    trees: list[Wikicode], articles: list[Article]
) -> None:
    pictures, missed = 0, Counter[str]()
    for tree, article in zip(trees, articles, strict=True):
        ours = {image.file for image in article.images}
        for link in tree.filter_wikilinks():
            if FILE.match(str(link.title)):
                file = canonical_file(str(link.title))
                pictures += file in ours
                missed[file.rpartition(".")[2].lower()] += file not in ours
    assert pictures > 1_000
    assert missed["jpg"] + missed["jpeg"] + missed["png"] + missed["gif"] == 0
    assert missed["svg"] <= 3  # flags and the sign of a portal


def test_captions_hold_no_markup(articles: list[Article]) -> None:
    captions = [image.caption for article in articles for image in article.images]
    assert [caption for caption in captions if re.search(r"\{\{|\[\[|''|<ref|\|\||thumb\s*\|", caption)] == []
    assert sum(map(bool, captions)) > 1_000


def links_in_prose(tree: Wikicode, limit: int) -> list[Wikilink]:
    """Return the links in running text (not in templates, references or tables) up to a limit of characters."""
    found, at = [], 0
    for node in tree.nodes:
        at += len(str(node))
        if at > limit:
            break
        if isinstance(node, Wikilink):
            found.append(node)
        elif isinstance(node, Tag) and str(node.tag) in ("b", "i", "small") and node.contents is not None:
            found += links_in_prose(node.contents, limit)
    return found


def test_links_are_those_that_an_independent_parser_finds(
    pages: list[Page], trees: list[Wikicode], articles: list[Article]
) -> None:
    found, missed = 0, []
    for page, tree, article in zip(pages, trees, articles, strict=True):
        appendix = APPENDIX.search(page.wikitext)
        if article.title in TABLES_UNREAD:
            continue
        ours = Counter(link.target for block in article.blocks for link in block.links)
        targets = [
            html.unescape(str(link.title)).partition("#")[0]
            for link in links_in_prose(tree, appendix.start() if appendix else len(page.wikitext))
        ]
        for target, count in Counter(
            canonical_title(name) for name in targets if name and not NO_ARTICLE.match(name)
        ).items():
            found += min(count, ours[target])
            missed += [(article.title, target)] * max(0, count - ours[target])
    assert found > 20_000
    assert len(missed) < 25, (
        missed
    )  # in broken references, links to other wikis, and parentheses around a dropped price


def test_anchors_read_as_the_words_of_their_link(articles: list[Article]) -> None:
    spans = [
        (block.text[link.start : link.end], link.target) for a in articles for block in a.blocks for link in block.links
    ]
    same = sum(anchor.casefold().startswith(target.casefold()[:4]) for anchor, target in spans)
    assert same > len(spans) * 0.7
    assert [anchor for anchor, _ in spans if anchor != anchor.strip() or not anchor] == []


def test_disambiguation_pages_are_found(articles: list[Article]) -> None:
    assert {article.title for article in articles if article.is_disambiguation} == {
        "Aa River",
        "Aberdeen (disambiguation)",
        "Ada",
        "Alien",
        "Animal (disambiguation)",
        "Argument (disambiguation)",
        "Asia Minor (disambiguation)",
        "Austin (disambiguation)",
    }


def test_inline_templates_of_the_slice_are_prose(articles: list[Article]) -> None:
    text = {article.title: prose(article) for article in articles}
    assert "At 1,300 miles (2,100 km), Alabama has one of the longest navigable inland waterways" in text["Alabama"]
    assert "Alabama (/ˌæləˈbæmə/) is a state" in text["Alabama"]
    assert "methane is CH4, in which n = 1" in text["Alkane"]
    assert "Aristotle (/ˈærɪˌstɒtəl/; Greek: Ἀριστοτέλης" in text["Aristotle"]


def test_what_is_dropped_is_counted(articles: list[Article]) -> None:
    counters = sum((Counter(article.counters) for article in articles), Counter())
    dropped = sum((Counter(article.dropped_templates) for article in articles), Counter())
    assert counters["references"] > 8_000
    assert counters["tables"] > 80
    assert counters["math"] == 152
    assert counters["galleries"] == 11
    assert sum(dropped.values()) < 300  # nearly all of them navigation boxes
