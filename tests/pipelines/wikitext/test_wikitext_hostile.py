"""Hostile wikitext: any text gives an article with valid spans, and deep or unclosed nesting comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.dump import Page
from pipelines.wikitext import parse_article
from pipelines.wikitext.article import Article

PIECES = [
    "{{", "}}", "[[", "]]", "{|", "|}", "|-", "|", "||", "!!", "\n", "\n\n", "\n{|", "\n|}", "\n==", "==\n",
    "=", "'", "''", "'''", "'''''", "<ref>", "</ref>", "<ref name=a/>", "<ref", "<!--", "-->", "<math>",
    "</math>", "<nowiki>", "</nowiki>", "<gallery>", "</gallery>", "<imagemap>", "</imagemap>", "<div>", "<br",
    "<sup>", "</sup>", "<", ">", "&", "&amp;", "&#xFDD1;", "&#0;", "&nbsp;", "[http://x ", "]", "[", "(", ")",
    " ", ",", ";", ":", ".", "*", "#", "\n* ", "\n; ", "__TOC__", "~~~~", "{{convert|1|mi}}", "{{lang|fr|",
    "{{inflation|US|1|1900}}", "{{quote|", "{{foo|", "{{Infobox|image=a.jpg|", "[[File:a.jpg|thumb|", "[[File:",
    "a.jpg", "[[Category:", "[[de:", "[[a|b]]s", "[[#x]]", "tea", "1", "é", "😀", "שלום", "\0", "\r", "\ud800",
    "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\U000f0000", "\u200b", "\u2028", "\x1c",
]  # fmt: skip
MARKUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=40).map("".join)
FORBIDDEN = {"\0", "\ud800", "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"}


def parse(wikitext: str) -> Article:
    return parse_article(Page(1, 1, "Tea", 0, None, wikitext, 0))


def check(article: Article) -> None:
    for block in article.blocks:
        block.text.encode("utf-8")
        assert block.text == block.text.strip()
        assert block.text
        assert not FORBIDDEN & set(block.text)
        ends = [0]
        for link in block.links:
            assert ends[-1] <= link.start < link.end <= len(block.text)
            anchor = block.text[link.start : link.end]
            assert anchor == anchor.strip()
            assert link.target
            link.target.encode("utf-8")
            ends.append(link.end)
    assert [image.position for image in article.images] == list(range(len(article.images)))
    for image in article.images:
        image.file.encode("utf-8")
        assert not FORBIDDEN & set(image.caption + image.section)


@settings(max_examples=250)
@given(MARKUP)
@example("[[a| [[b]] ]] (\ufdd1\U000f0005x\ufdd2")
@example("&#xFDD1;&#xF0000;x&#xFDD2;")
@example("[[File:a.jpg|[[File:b.jpg|{{Infobox|image=[[File:c.jpg]]")
@example("== [[a]]\ud800 ==\n[[\ud800|b]]")
def test_any_text_gives_an_article_with_valid_spans(wikitext: str) -> None:
    check(parse(wikitext))


@pytest.mark.parametrize(
    "opening", ["{{", "[[", "{{a|", "[[a|", "{|\n", "\n{|\n|", "<ref>", "<div>", "(", "''''", "[[File:a.jpg|"]
)
@pytest.mark.parametrize("is_closed", [True, False])
def test_ten_thousand_levels_come_to_an_end(opening: str, is_closed: bool) -> None:
    closing = {"{{": "}}", "[[": "]]", "{|": "\n|}", "<r": "</ref>", "<d": "</div>", "(": ")"}
    end = closing.get(opening.strip()[:2], "") if is_closed else ""
    check(parse(f"Before.\n\n{opening * 10_000}x{end * 10_000}\n\nAfter."))


@pytest.mark.parametrize(
    "piece",
    [
        "{{",
        "[[",
        "''''",
        "{{a|",
        "[[a|b",
        "<ref>",
        "&",
        "[http://x ",
        "( ,",
        "\n== a ==",
        "\n* x",
        "<math>",
        "-" * 9,
        "= ",
        "<b style=display:none>",
        "<a " + "style= " * 30_000,
        "<!---->",
        "\n{{(!}}",
    ],
)
def test_a_megabyte_of_one_mark_comes_to_an_end(piece: str) -> None:
    check(parse(piece * (1_000_000 // len(piece))))


def test_text_around_what_is_never_closed_is_kept() -> None:
    article = parse("One.\n\n{{foo|bar\n\nTwo.\n\n[[Tea|\n\nThree.\n==H==\nFour.")
    assert " ".join(block.text for block in article.blocks).count(".") == 4
    assert article.blocks[-1].section == "H"


def test_right_to_left_and_non_bmp_text_is_kept_and_what_no_text_holds_is_replaced() -> None:
    article = parse("שלום [[עולם]] العربية 😀𝔘 a\0b\ud800c")
    assert article.blocks[0].text == "שלום עולם العربية 😀𝔘 a\ufffdb\ufffdc"
    assert [article.blocks[0].text[link.start : link.end] for link in article.blocks[0].links] == ["עולם"]


def test_a_heading_or_name_of_any_length_is_bounded() -> None:
    article = parse(f"=={'h' * 10_000}==\ntext\n\n[[File:{'a' * 10_000}.jpg]] {{{{{'b' * 10_000}}}}}")
    assert all(block.section == "" for block in article.blocks)
    assert (article.images, max(map(len, article.dropped_templates))) == ((), 80)


def test_unknown_names_without_end_are_counted_together() -> None:
    article = parse("".join(f"{{{{foo{number}}}}}" for number in range(1_500)))
    assert len(article.dropped_templates) == 1_001
    assert sum(article.dropped_templates.values()) == 1_500
