"""The wiki of a dump, from its head: its names, its language, and heads that lie or are too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dump import find_streams, read_pages, read_site
from pipelines.dump.page_xml import parse_page
from pipelines.dump.site import Site, read_siteinfo
from schemas.errors import InputError
from tests.support.dumps import DumpPage, page_xml

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "dumps"


def head(inner: str, attributes: str = "") -> bytes:
    return f"<mediawiki {attributes}><siteinfo>{inner}</siteinfo><page>".encode()


@pytest.mark.parametrize(
    ("site", "name", "is_english"),
    [
        (Site(), "", True),
        (Site(has_siteinfo=True, dbname="enwiki"), "enwiki", True),
        (Site(has_siteinfo=True, dbname="simplewiki", language="en"), "simplewiki", True),
        (Site(has_siteinfo=True, base="http://en.wikipedia.org/wiki/Main_Page", language="en"), "enwiki", True),
        (Site(has_siteinfo=True, base="https://simple.wikipedia.org/wiki/Main_Page"), "simplewiki", True),
        (Site(has_siteinfo=True, base="https://zh-min-nan.wikipedia.org/"), "zh_min_nanwiki", False),
        (Site(has_siteinfo=True, dbname="enwiktionary", language="en"), "enwiktionary", False),
        (Site(has_siteinfo=True, dbname="dewiki", language="de"), "dewiki", False),
        (Site(has_siteinfo=True, base="https://www.mediawiki.org/"), "wwwmediawiki", False),
        (Site(has_siteinfo=True, sitename="My wiki", language="en"), "My wiki", False),
        (Site(language="fr"), "", False),
    ],
)
def test_a_wiki_is_known_by_its_database_or_its_address(site: Site, name: str, is_english: bool) -> None:
    assert (site.name, site.is_english_wikipedia) == (name, is_english)


def test_the_head_is_read_with_its_entities_and_both_kinds_of_quotes() -> None:
    names = '<namespace key="6" case="x">Fi&amp;le</namespace><namespace key="14">Ka_T</namespace>'
    site = read_siteinfo(head(f"<sitename>A &lt;b&gt;</sitename>{names}", "xml:lang='de-AT'"))
    assert (site.sitename, site.language, site.text_language) == ("A <b>", "de-AT", "de")
    assert dict(site.namespaces) == {"fi&le": 6, "ka t": 14}
    assert site.names_of(6) == ("fi&le",)


def test_names_that_control_a_terminal_or_are_no_names_are_left_out() -> None:
    site = read_siteinfo(head("<dbname>../../etc</dbname><sitename>a\x1b[31m\u202eb\nc</sitename>"))
    assert (site.dbname, site.sitename) == ("", "a [31m b c")
    assert read_siteinfo(head("<dbname>" + "x" * 10**6 + "</dbname>")).dbname == ""
    assert read_siteinfo(head("", 'xml:lang="../../x"')).language == ""


def test_fake_namespaces_are_bounded() -> None:
    many = "".join(f'<namespace key="6">N{number}</namespace>' for number in range(20_000))
    assert len(read_siteinfo(head(many)).namespaces) == 1_000


def test_a_siteinfo_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    path.write_bytes(b"<mediawiki><siteinfo>" + b'<namespace key="6">A</namespace>' * 60_000 + b"</siteinfo><page>")
    with pytest.raises(InputError, match="the siteinfo has more than 1048576 bytes"):
        read_site(path)


@pytest.mark.parametrize("word", ["WEITERLEITUNG", "REDIRECTION", "перенаправление", "重定向", "تغییر_مسیر"])
def test_a_redirect_keyword_of_another_language_is_read_where_no_tag_names_the_target(word: str) -> None:
    german = Site(has_siteinfo=True, dbname="dewiki")
    element = page_xml(DumpPage("A", f"#{word} [[tee]]"), 5).encode()
    assert parse_page(element, lambda: german).redirect == "Tee"
    assert parse_page(element).redirect is None
    # exports of 2010 have a tag without a title
    assert parse_page(element.replace(b"<revision>", b"<redirect /><revision>")).redirect == "Tee"


def test_a_numbered_list_is_no_redirect_of_another_language() -> None:
    german = Site(has_siteinfo=True, dbname="dewiki")
    element = page_xml(DumpPage("A", "# [[Tee]]\n#1 [[Kaffee]]"), 5).encode()
    assert parse_page(element, lambda: german).redirect is None


@pytest.mark.parametrize(
    "text",
    ['<text bytes="9" id="1" />', '<text id="1" bytes="9"></text>', '<text bytes="9" sha1="a" location="tt:1"/>'],
)
def test_a_stub_dump_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stub.xml"
    page = f"<page><title>A</title><ns>0</ns><id>1</id><revision>{text}</revision></page>"
    path.write_text(f"<mediawiki>{page}{page}</mediawiki>")
    with pytest.raises(InputError, match="a stub dump") as caught:
        find_streams(path)
    assert caught.value.exit_code == 3


def test_deleted_and_empty_texts_make_no_stub_dump_and_a_single_one_is_marked(tmp_path: Path) -> None:
    texts = [
        '<text bytes="9" deleted="deleted" />',
        '<text bytes="0" />',
        "<text>A</text>",
        '<text bytes="9" id="1" />',
    ]
    path = tmp_path / "mixed.xml"
    pages = [
        f"<page><title>A</title><ns>0</ns><id>{number}</id><revision>{text}</revision></page>"
        for number, text in enumerate(texts)
    ]
    path.write_text(f"<mediawiki>{''.join(pages)}</mediawiki>")
    items = [item for stream in find_streams(path) for item in read_pages(stream)]
    assert [getattr(item, "has_text", None) for item in items] == [True, True, True, False]
    path.write_text(f"<mediawiki>{''.join(pages[:2])}</mediawiki>")
    assert find_streams(path)


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}")
def test_the_cases_are_known_for_what_they_are() -> None:
    found = {path.name: read_site(path) for path in sorted(CASES.glob("*.xml"))}
    assert {name: site.name for name, site in found.items()} == {
        "dewiki-20251101-pages-articles.xml": "dewiki",
        "enwiki-20251101-stub-articles.xml": "enwiki",
        "enwiktionary-20251101-pages-articles.xml": "enwiktionary",
        "history.xml": "enwiki",
        "models.xml": "enwiki",
    }
    assert found["dewiki-20251101-pages-articles.xml"].names_of(6) == ("datei",)
