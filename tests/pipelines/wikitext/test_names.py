"""Names of files and pages as MediaWiki reads them: encoded, with leftovers behind them, or in another language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.dump import Page
from pipelines.wikitext import parse_article
from pipelines.wikitext.article import CleaningRules
from pipelines.wikitext.wiki_words import WikiWords, with_english_names

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "wikitext.jsonl"
KINDS = (
    "entities in names", "percent signs in names", "infobox picture", "disambiguation", "no false disambiguation",
    "address taken for a file", "numeric entity in a target",
)  # fmt: skip
GERMAN = WikiWords("de", ("datei",), ("kategorie",), ("benutzer", "benutzer diskussion", "spezial"))


def images(wikitext: str) -> list[tuple[str, str]]:
    found = parse_article(Page(1, 1, "T", 0, None, wikitext, 0)).images
    return [(image.file, image.caption) for image in found]


def links(wikitext: str) -> list[tuple[str, str]]:
    blocks = parse_article(Page(1, 1, "T", 0, None, wikitext, 0)).blocks
    return [(block.text[link.start : link.end], link.target) for block in blocks for link in block.links]


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("Rock &amp; Roll.jpg", "Rock & Roll.jpg"),
        ("Caf%C3%A9 &#233;&#xE9;.jpg", "Café éé.jpg"),
        ("100% wool.png", "100% wool.png"),
        ("Caf%E9.jpg", "Caf%E9.jpg"),
        ("AT&T&copyright;.svg", "AT&T&copyright;.svg"),
        ("A%20B_C.jpg", "A B C.jpg"),
        ("Tea.jpg#page", "Tea.jpg"),
    ],
)
def test_an_encoded_file_name_is_decoded_wherever_it_stands(written: str, file: str) -> None:
    assert images(f"[[File:{written}|thumb|Cup]]") == [(file, "Cup")]
    if "#page" not in written:
        assert images(f"{{{{Infobox|image={written}|caption=Cup}}}}") == [(file, "Cup")]
        assert images(f"<gallery>\nFile:{written}|Cup\n</gallery>") == [(file, "Cup")]


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("Caf%C3%A9", "Café"),
        ("Foo&#39;s bar", "Foo's bar"),
        ("R&amp;B#History", "R&B"),
        ("Tea%23History", "Tea"),
        ("Q&region", "Q&region"),
        ("100% (song)", "100% (song)"),
        ("%C3%89tude", "Étude"),
    ],
)
def test_an_encoded_target_is_decoded(target: str, page: str) -> None:
    assert links(f"See [[{target}|it]].") == [("it", page)]


def test_a_target_that_can_be_no_title_is_text_and_a_hidden_prefix_may_be_encoded() -> None:
    assert links("See [[A%7CB|it]] and [[A&lt;b&gt;|that]] and [[%5B|x]].") == []
    article = parse_article(Page(1, 1, "T", 0, None, "Tea.[[Category%3ATea]] See [[Caf%C3%A9]].", 0))
    assert article.blocks[0].text == "Tea. See Café."


@pytest.mark.parametrize(
    "value",
    [
        "Leader.jpg", "Leader.jpg{{!}}border", "Leader.jpg{{!}}220px{{!}}alt=x", "Leader.jpg<br/>",
        "Leader.jpg <br>\nMore",
        "Leader.jpg&nbsp;", "Leader.jpg&#8206;", "<center>Leader.jpg</center>",
        "<small><small>leader.jpg</small></small>",
        "File:Leader.jpg", "image : leader.jpg", ":File:Leader.jpg", "[[File:Leader.jpg]]",
        "[[File:Leader.jpg{{!}}thumb]]",
        "[[Image:Leader.jpg|220px]]<br />", "[[File:Leader.jpg|frameless{{!}}alt=Words]] &nbsp;",
        "Leader.jpg<!-- old -->",
    ],
)  # fmt: skip
def test_the_picture_of_an_infobox_is_found_whatever_stands_behind_it(value: str) -> None:
    text = f"{{{{Infobox person|name=Ann|image={value}|caption=Ann in 1990}}}}\nAnn is a leader."
    assert images(text) == [("Leader.jpg", "Ann in 1990")]


def test_a_caption_with_bars_from_a_template_stays_whole() -> None:
    assert images("[[File:A.jpg|thumb|The set {{abs|x}}]]")[0][0] == "A.jpg"
    assert images("[[File:A.jpg|thumb{{!}}left|Cup]]") == [("A.jpg", "Cup")]


@pytest.mark.parametrize(
    "value",
    [
        "https://web.archive.org/web/2016/http://x.org/a.jpg", "//upload.wikimedia.org/a.jpg", "www.x.org/a.jpg",
        "http://x.org/a.jpg{{!}}thumb", "ftp://x.org/a.png", "images/a.png", "C:\\a.png", "mailto:a@b.jpg",
    ],
)  # fmt: skip
def test_an_address_is_no_file(value: str) -> None:
    assert images(f"Text. {{{{Webarchive|url={value}}}}} {{{{Infobox|image={value}}}}}") == []
    assert images(f"<gallery>\n{value}|Cap\n</gallery>") == []


def test_a_gallery_takes_a_file_with_a_colon_before_its_namespace() -> None:
    text = "<gallery>\n:File:A b.jpg|One\n:Image:c.png\nd%C3%A9.gif|Two\n : File : e.jpg\n</gallery>"
    assert images(text) == [("A b.jpg", "One"), ("C.png", ""), ("Dé.gif", "Two"), ("E.jpg", "")]
    assert images("See [[:File:A.jpg|the picture]].") == []


@pytest.mark.parametrize(
    ("written", "english"),
    [
        ("[[Datei:A.jpg|mini|Tee]]", "[[File:A.jpg|frameless|Tee]]"),
        ("[[ BILD : A.jpg|rechts|hochkant=1.2|mini]]", "[[File: A.jpg|frameless|frameless|frameless]]"),
        ("[[Datei:A.jpg|mini|Mit [[Tee|mini]]]]", "[[File:A.jpg|frameless|Mit [[Tee|mini]]]]"),
        ("[[File:A.jpg|mini]]", "[[File:A.jpg|frameless]]"),
        ("[[Kategorie:Tee]]", "[[Category:Tee]]"),
        ("[[:Kategorie:Tee|so]]", "[[:Category:Tee|so]]"),
        ("[[:Datei:A.jpg]]", "[[:File:A.jpg|Datei:A.jpg]]"),
        ("[[Benutzer_Diskussion:Ann]]", "[[Project:Ann|Benutzer_Diskussion:Ann]]"),
        ("{{I|Bild=Datei:A.jpg|x=1}}", "{{I|Bild=File:A.jpg|x=1}}"),
        ("<gallery>\nDatei:A.jpg|Tee\n</gallery>", "<gallery>\nFile:A.jpg|Tee\n</gallery>"),
        ("Datei: ein Wort. [[Tee: ein Film]]", "Datei: ein Wort. [[Tee: ein Film]]"),
    ],
)
def test_names_of_another_language_become_english(written: str, english: str) -> None:
    assert with_english_names(written, GERMAN) == english


def test_names_that_are_patterns_or_very_many_do_no_harm() -> None:
    odd = WikiWords("xx", (".*", "(", "a|b"), ("[x]",), tuple(f"n{number}" for number in range(5_000)))
    assert with_english_names("[[.*:A.jpg]] [[b:A.jpg]] [[[x]:A]] [[n7:A|t]]", odd) == (
        "[[File:A.jpg]] [[b:A.jpg]] [[Category:A]] [[Project:A|t]]"
    )
    assert with_english_names("[[" * 50_000 + "|" * 50_000 + "Datei:" * 20_000, GERMAN)


def test_a_german_page_is_read_by_german_words() -> None:
    page = Page(1, 1, "Tee", 0, None, "Ein [[Tee]].\n[[Datei:A.jpg|mini|Tasse]]\n[[Kategorie:Tee]]", 0)
    article = parse_article(page, CleaningRules(wiki=GERMAN))
    assert [block.text for block in article.blocks] == ["Ein Tee."]
    assert [(image.file, image.caption) for image in article.images] == [("A.jpg", "Tasse")]


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        ("{{Hospital disambiguation}}", True), ("{{disambiguation|geo}}", True), ("{{Disambiguation cleanup}}", True),
        ("{{hndis|A}}", True), ("{{4LA disambig}}", True), ("{{Disambig-plants}}", True),
        ("{{Template:Road disambiguation}}", True),
        ("__DISAMBIG__", True), ("__disambig__", True), ("<nowiki>__DISAMBIG__</nowiki>", False),
        ("<!-- __DISAMBIG__ -->", False), ("{{disambiguation needed|date=May}}", False),
        ("{{disambiguation-inline}}", False),
        ("{{R from incomplete disambiguation}}", False), ("{{WikiProject Disambiguation}}", False),
        ("{{Unnecessary disambiguation}}", False), ("{{incorrect disambiguation}}", False),
        ("{{No disambiguation}}", False),
        ("{{Disambig-needed}}", False), ("{{disambiguation link repair}}", False),
    ],
)  # fmt: skip
def test_a_list_of_meanings_is_known_by_rule(text: str, is_list: bool) -> None:
    assert parse_article(Page(1, 1, "Mercy", 0, None, f"Mercy.\n{text}", 0)).is_disambiguation is is_list


@pytest.mark.skipif(not CASES.is_file(), reason=f"no cases at {CASES}")
def test_the_cases_of_names_are_right() -> None:
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    chosen = [case for case in cases if case["kind"] in KINDS]
    assert len(chosen) == 10
    for case in chosen:
        article = parse_article(Page(1, 1, case.get("title", "T"), 0, None, case["wikitext"], 0))
        found = [[image.file, image.caption] for image in article.images]
        targets = [link.target for block in article.blocks for link in block.links]
        assert found == case.get("images", found), case
        assert set(case.get("targets", [])) <= set(targets), case
        assert article.is_disambiguation is case.get("disambiguation", False), case
        assert [block.text for block in article.blocks] == case.get("text", [block.text for block in article.blocks])
