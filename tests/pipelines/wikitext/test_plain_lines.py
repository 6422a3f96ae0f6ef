"""Lines of prose: the fast way for simple ones reads as the other does; ellipses and the lines of poems stay apart."""

from __future__ import annotations

from itertools import islice, product

import pytest

from pipelines.dump import Page
from pipelines.wikitext import parse_article
from pipelines.wikitext import plain_text as plain
from pipelines.wikitext.link_spans import CleanText
from pipelines.wikitext.placeholders import EMPTIED

PIECES = [
    "a", " b ", "  ", "''", "'''", "'", "[[tea]]", "[[Tea pot|pots]]s", "[[cat (pet)|]]", "[[a b |c ]]", "[[x| ]]",
    "[[café#top|é]]", "[[:de:Tee]]", "[[de:Tee]]", "[[Category:Tea]]", "[[A%26amp;B]]", "[[a_b]]s", "[[a|b]]]", "[[",
    "]]", "[http://x.org y]", "[z]", "(", ")", " ,", ".", " . . .", "&nbsp;", "&ndash;", "&amp;", "&#91;", "\xa0",
    "\u00ad", "<b>", "__TOC__", f"''{EMPTIED}''", EMPTIED, '"', "茶",
]  # fmt: skip


def blocks(wikitext: str) -> list[str]:
    return [block.text for block in parse_article(Page(7, 1, "Tea", 0, None, wikitext, 0)).blocks]


@pytest.fixture
def read_with_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_clean_simple", lambda _line: None)


@pytest.fixture(scope="module")
def read() -> dict[str, CleanText]:
    """Some of the lines of three pieces, as they are read where the fast way is open."""
    lines = ["".join(pieces) for pieces in islice(product(PIECES, repeat=3), 0, None, 9)]
    return {line: plain.clean_inline(line) for line in lines}


@pytest.mark.usefixtures("read_with_placeholders")
def test_a_simple_line_reads_as_it_does_with_placeholders(read: dict[str, CleanText]) -> None:
    different = [line for line, found in read.items() if plain.clean_inline(line) != found]
    assert not different


def test_most_lines_are_simple(read: dict[str, CleanText]) -> None:
    simple = [
        "It is [[tea|hot tea]], and ''old''.",
        "See [[Café]]s, [[de:b|c]] and [[a#b|it]].",
        "In&nbsp;1990 &ndash; so.",
    ]
    assert all(plain._clean_simple(line) == plain.clean_inline(line) for line in simple)
    assert not any(
        plain._clean_simple(line) for line in ("It <b>is</b> so.", "a &amp; b", "It is , so.", "[[a|b [[c]] d]]")
    )


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("He said . . . and left.", "He said . . . and left."),
        ("It ends . . .", "It ends . . ."),
        ("It ends . . . . Then it began.", "It ends . . . . Then it began."),
        (". . . and so on.", ". . . and so on."),
        ("''. . . and so on.''", ". . . and so on."),
        ("* . . . and tea", ". . . and tea"),
        (", . . . and tea", ". . . and tea"),
        ("It is ( . . . ) here.", "It is (. . .) here."),
        ("Wait{{fact}} . . . , then [[go]] . . . so .", "Wait . . ., then go . . . so."),
        ("A{{spaced ellipsis}} B", "A. . . B"),
        (". It is.", "It is."),
    ],
)
def test_an_ellipsis_with_blanks_is_shown_as_it_is_written(wikitext: str, shown: str) -> None:
    assert blocks(wikitext) == [shown]


@pytest.mark.parametrize(
    "wikitext",
    [
        "<poem>Red roses\nBlue skies</poem>",
        "<poem>\nRed roses\nBlue skies\n</poem>",
        '<poem lang="en">Red [[rose]]s\nBlue [[sky|skies]]</poem>',
        "<poem>''Red roses''<ref>x</ref>\n''Blue skies''</poem>",
        "<poem>Red roses<br>Blue skies</poem>",
        "<poem>Red roses<!-- x -->\n<!-- y -->\nBlue skies</poem>",
        "* <poem>Red roses\nBlue skies</poem>",
        "<blockquote><poem>Red roses\nBlue skies</poem></blockquote>",
        "{{quote|<poem>Red roses\nBlue skies</poem>}}",
        "{{poemquote|Red roses\nBlue skies}}",
        "{{lang|en|<poem>Red roses\nBlue skies</poem>}}",
        "{{#tag:poem|Red roses\nBlue skies}}",
    ],
)
def test_the_lines_of_a_poem_have_a_blank_between_them(wikitext: str) -> None:
    assert blocks(wikitext) == ["Red roses Blue skies"]


def test_the_poem_of_a_caption_has_blanks_between_its_lines() -> None:
    found = parse_article(Page(7, 1, "Tea", 0, None, "[[File:A.jpg|thumb|<poem>Red roses\nBlue skies</poem>]] Tea.", 0))
    assert [image.caption for image in found.images] == ["Red roses Blue skies"]
