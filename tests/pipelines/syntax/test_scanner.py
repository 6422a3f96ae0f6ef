"""The scanner: which nodes a text has, and that any nesting comes to an end."""

from __future__ import annotations

import pytest

from pipelines.syntax.brackets import MAX_DEPTH, scan
from pipelines.syntax.nodes import Link, Parameter, Piece, Pieces, Table, Tag, Template, to_wikitext
from pipelines.syntax.tags import split_tags


def depth(piece: Piece) -> int:
    """Return how deep the nodes of a piece nest; without recursion errors, because the scanner bounds it."""
    if isinstance(piece, (str, Tag)):
        return 0
    return 1 + max((depth(inner) for part in piece.parts for inner in part), default=0)


@pytest.mark.parametrize(
    ("wikitext", "pieces"),
    [
        ("{{a|b|c=d}}", [Template([["a"], ["b"], ["c=d"]])]),
        ("{{a|{{b|c}}|d}}", [Template([["a"], [Template([["b"], ["c"]])], ["d"]])]),
        ("{{{a}}}", [Parameter([["a"]])]),
        ("{{{a|b}}}", [Parameter([["a"], ["b"]])]),
        ("{{{{a}}}}", ["{", Parameter([["a"]]), "}"]),
        ("{{{{{a}}}}}", [Template([[Parameter([["a"]])]])]),
        ("{{{{{a}}|b}}}", [Parameter([[Template([["a"]])], ["b"]])]),
        ("{{{!}} x", ["{", Template([["!"]]), " x"]),
        ("[[a|b {{c}}]]", [Link([["a"], ["b ", Template([["c"]])]])]),
        ("[[File:a.jpg|thumb|[[b]]]]", [Link([["File:a.jpg"], ["thumb"], ["[[b]]"]])]),
        ("[[File:a.jpg|[http://x y]]]", [Link([["File:a.jpg"], ["[http://x y", "]"]])]),
        ("[[File:a.jpg|b [c]]] d", [Link([["File:a.jpg"], ["b [c", "]"]]), " d"]),
        ("[[File:a.jpg|b]]]", [Link([["File:a.jpg"], ["b"]]), "]"]),
        ("[[[a]] b]", ["[[[a]] b]"]),
        ("{|\n|a\n|}", [Table([["\n|a"]])]),
        ("{{a|[[b|c]]|d=[[e]]}}", [Template([["a"], ["[[b|c]]"], ["d=[[e]]"]])]),
        ("{{a|[[b|c]] {{d}}|e}}", [Template([["a"], ["[[b|c]] ", Template([["d"]])], ["e"]])]),
        ("{{a||b|}}", [Template([["a"], [], ["b"], []])]),
        ("{{a}}}", [Template([["a"]]), "}"]),
        ("{{a|[b]}}", [Template([["a"], ["[b]"]])]),
        ("{{a|{b}}}", [Template([["a"], ["{b"]]), "}"]),
        ("[[File:a.jpg|b [[c|d]] e|f]]", [Link([["File:a.jpg"], ["b [[c|d]] e"], ["f"]])]),
        ("{{a|b\n== c ==\n}}", [Template([["a"], ["b\n== c ==\n"]])]),
        ("{|\n| {{a|b}} || [[c|d]]\n{{!)}}", [Table([["\n| ", Template([["a"], ["b"]]), " || [[c|d]]\n"]])]),
        ("{{a|<ref>|</ref>}}", [Template([["a"], [Tag("ref", "", "|", "<ref>|</ref>")]])]),
        ("{{a|<nowiki>}}</nowiki>}}", [Template([["a"], [Tag("nowiki", "", "}}", "<nowiki>}}</nowiki>")]])]),
        ("{{a|<!-- | }} -->b}}", [Template([["a"], ["b"]])]),
    ],
)
def test_brackets_are_matched_as_mediawiki_matches_them(wikitext: str, pieces: Pieces) -> None:
    assert scan(wikitext) == pieces


@pytest.mark.parametrize("wikitext", ["{{a", "[[a|b", "a}} b]] |}", "{{a|[[b}}", "[[a|{{b]]", "x | y", "<ref>a", "{"])
def test_what_is_not_closed_is_written_as_it_stands(wikitext: str) -> None:
    assert to_wikitext(scan(wikitext)) == wikitext


def test_a_template_that_holds_no_other_is_read_as_any_other() -> None:
    whole, nested = scan("{{a|b=[[c|d]]|[[e]]| f }}"), scan("{{a|b=[[c|d]]|[[e]]| f {{g}}}}")
    assert isinstance(whole[0], Template)
    assert isinstance(nested[0], Template)
    assert whole[0].parts[:3] == nested[0].parts[:3] == [["a"], ["b=[[c|d]]"], ["[[e]]"]]
    assert nested[0].parts[3] == [" f ", Template([["g"]])]


def test_a_template_on_the_deepest_level_is_text_and_its_bars_part_the_one_around_it() -> None:
    deep = scan("{{a|" * MAX_DEPTH + "{{b|c}}" + "}}" * MAX_DEPTH)
    assert depth(deep[0]) == MAX_DEPTH
    assert to_wikitext(deep) == "{{a|" * MAX_DEPTH + "{{b|c}}" + "}}" * MAX_DEPTH


def test_brackets_deeper_than_the_limit_are_text() -> None:
    deep = scan("{{a|" * (MAX_DEPTH + 2) + "}}" * (MAX_DEPTH + 2))
    assert depth(deep[0]) == MAX_DEPTH
    assert deep[1:] == ["}}}}"]
    assert to_wikitext(deep).count("{{a|") == MAX_DEPTH + 2


@pytest.mark.parametrize("count", [7, 120, 121, 122, 5_000])
def test_a_run_of_braces_nests_no_deeper_than_the_limit(count: int) -> None:
    wikitext = "[[a|" * 3 + "{" * count + "x" + "}" * count + "]]" * 3
    pieces = scan(wikitext)
    assert max(map(depth, pieces)) <= MAX_DEPTH
    assert to_wikitext(pieces) == wikitext


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("a<!-- x -->b", "ab"),
        ("a\n<!-- x -->\nb", "a\nb"),
        ("a\n  <!-- x -->  <!-- y -->\nb", "a\nb"),
        ("a<!-- x -->\nb", "a\nb"),
        ("a <!-- x --><!-- y -->\nb", "a \nb"),
        ("a\n<!-- x -->b", "a\nb"),
        ("a<!-- x", "a"),
        ("a<!-- <ref>x</ref> -->", "a"),
    ],
)
def test_a_comment_takes_its_line_only_where_it_is_alone_on_it(wikitext: str, text: str) -> None:
    assert "".join(piece for piece in split_tags("\n" + wikitext) if isinstance(piece, str)) == "\n" + text


def test_a_comment_behind_a_reference_takes_no_line() -> None:
    pieces = scan("a<ref>b</ref><!-- x -->\nc")
    assert pieces == ["a", Tag("ref", "", "b", "<ref>b</ref>"), "\nc"]


def test_a_table_of_html_ends_at_its_own_closing_tag() -> None:
    first, table, last = scan("a<table><tr><td><TABLE x=y>b</table></td></tr></table>c")
    assert (first, last) == ("a", "c")
    assert isinstance(table, Tag)
    assert table.content == "<tr><td><TABLE x=y>b</table></td></tr>"


def test_a_table_of_html_that_is_never_closed_does_not_hide_the_next_one() -> None:
    assert [piece for piece in scan("<table>a<table>b</table>c") if isinstance(piece, str)] == ["c"]


@pytest.mark.parametrize("piece", ["<table>", "<!---->", " <!--x--> ", "<ref>", "<table></table>", "{" * 100 + "a"])
def test_a_long_run_of_one_mark_comes_to_an_end(piece: str) -> None:
    scan(piece * 20_000)
