"""Links: what is an anchor, where it stands in the final text, and where it leads."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.wikitext import parse_article


def anchors(wikitext: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the text of all blocks, and each anchor with its target."""
    blocks = parse_article(Page(1, 1, "Tea", 0, None, wikitext, 0)).blocks
    found = [(block.text[link.start : link.end], link.target) for block in blocks for link in block.links]
    return "\n".join(block.text for block in blocks), found


@pytest.mark.parametrize(
    ("wikitext", "text", "links"),
    [
        ("A [[tea]].", "A tea.", [("tea", "Tea")]),
        ("A [[tea]]s, a blend[[tea|s]]x.", "A teas, a blendsx.", [("teas", "Tea"), ("sx", "Tea")]),
        ("A [[tea_bag#Use|''bag'']].", "A bag.", [("bag", "Tea bag")]),
        ("A [[ tea|  hot tea ]]!", "A hot tea !", [("hot tea", "Tea")]),
        (
            "A [[Cup (golf)|]] and [[Rome, Italy|]].",
            "A Cup and Rome.",
            [("Cup", "Cup (golf)"), ("Rome", "Rome, Italy")],
        ),
        ("See [[#Uses]] or [[#Uses|below]].", "See #Uses or below.", []),
        ("See [[wikt:tea|the word]] and [[:fr:Thé|French]].", "See the word and French.", []),
        ("A [[Category:Tea]]b[[de:Tee]] [[:Category:Tea|all]].", "A b all.", []),
        ("A [[:File:A.jpg|photo]] and [[Talk:x|talk]].", "A photo and talk.", []),
        ("A [[simple:Tea]][[zh-min-nan:Tê]][[User talk:X|note]] and [[s:On Tea|book]].", "A note and book.", []),
        ("[[2001: A Space Odyssey]] ends.", "2001: A Space Odyssey ends.", [("2001: A Space Odyssey",) * 2]),
        ("A [[tea|a&nbsp;b &amp; c]].", "A a b & c.", [("a b & c", "Tea")]),
        ("A [[AT&amp;T]].", "A AT&T.", [("AT&T", "AT&T")]),
        ("'''[[tea]]''' 😀 [[😀|x]].", "tea 😀 x.", [("tea", "Tea"), ("x", "😀")]),
        ("( {{foo}}, [[tea]] ) , [[milk]] .", "(tea), milk.", [("tea", "Tea"), ("milk", "Milk")]),
        ("{{nowrap|a [[tea]]}} b", "a tea b", [("tea", "Tea")]),
        ("[[a|b [[c]] d]] e", "b c d e", [("c", "C")]),
        ("[http://x.org a site] [http://x.org] [[tea", "a site tea", []),
        ("* [[a]]\n* x\n* [[b|c]]", "a\nx\nc", [("a", "A"), ("c", "B")]),
        ("== H ==\n[[a]]\n\nx [[b]]", "a\nx b", [("a", "A"), ("b", "B")]),
    ],
)
def test_anchors_stand_exactly_where_their_words_are(wikitext: str, text: str, links: list[tuple[str, str]]) -> None:
    assert anchors(wikitext) == (text, links)


def test_a_page_has_more_links_than_a_placeholder_can_number_and_the_rest_is_plain() -> None:
    text, found = anchors("[[a]] " * 70_000)
    assert len(found) == 65_533
    assert text == " ".join(["a"] * 70_000)
