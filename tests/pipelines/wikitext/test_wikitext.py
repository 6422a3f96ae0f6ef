"""Articles from wikitext: blocks, sections, templates, and what is counted and left out."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.wikitext import CleaningRules, parse_article, split_article
from pipelines.wikitext.article import Article


def parse(wikitext: str, title: str = "Tea", rules: CleaningRules | None = None) -> Article:
    return parse_article(Page(1, 1, title, 0, None, wikitext, len(wikitext)), rules or CleaningRules())


def texts(wikitext: str) -> list[str]:
    return [block.text for block in parse(wikitext).blocks]


def test_blank_lines_separate_paragraphs_and_single_breaks_do_not() -> None:
    assert texts("Tea is\nhot.\n\nIt is old.\n----\nIt is green.") == ["Tea is hot.", "It is old.", "It is green."]


def test_headings_give_the_path_of_a_section() -> None:
    article = parse("Intro.\n== History ==\n=== ''Old'' times ===\nText.\n=== New ===\nMore.\n== Uses ==\nEnd.")
    assert [(block.section, block.text) for block in article.blocks] == [
        ("", "Intro."),
        ("History / Old times", "Text."),
        ("History / New", "More."),
        ("Uses", "End."),
    ]


def test_cut_sections_go_with_all_below_them_and_the_next_of_their_level_stays() -> None:
    article = parse("A b.\n==See also==\n* [[X]]\n===Sub===\nNo.\n==References==\nNo.\n==Legacy==\nYes.")
    assert [block.text for block in article.blocks] == ["A b.", "Yes."]
    assert article.counters["cut_sections"] == 2


def test_cut_sections_are_a_setting() -> None:
    rules = CleaningRules(cut_sections=("Plot",))
    article = parse("==Plot==\nHe dies.\n==See also==\nSeen.", rules=rules)
    assert [block.text for block in article.blocks] == ["Seen."]


def test_lists_keep_their_text_without_marks_one_item_a_line() -> None:
    article = parse("Kinds:\n* green\n** sencha\n# first\n; Term : meaning\n:: indented\n*\nAfter.")
    assert [(block.kind, block.text) for block in article.blocks] == [
        ("paragraph", "Kinds:"),
        ("list", "green\n  sencha\nfirst\nTerm: meaning\n  indented"),
        ("paragraph", "After."),
    ]


@pytest.mark.parametrize(
    "reference",
    [
        "<ref>Cite title</ref>",
        '<ref name="a">Cite title</ref>',
        '<ref name="a" />',
        "<ref name=a/>",
        '<REF group="n">{{cite web|title=Cite title|url=http://x.org}}</ref>',
        "<ref>Cite title [[File:A.jpg|thumb|x]] {{unknown|{{y}}}}</ref >",
        "<ref>Cite title\n\nwith a break</ref>",
        "<ref>{{cite|Cite title</ref>",
        "<!-- Cite title -->",
    ],
)
def test_references_and_comments_leave_no_trace(reference: str) -> None:
    assert texts(f"Tea is hot.{reference} It{reference} is old{reference}.") == ["Tea is hot. It is old."]


def test_a_reference_that_is_never_closed_goes_with_its_line() -> None:
    assert texts("Tea is hot.<ref>Cite title\n\nIt is old.") == ["Tea is hot.", "It is old."]


def test_tables_are_counted_and_out_of_the_text() -> None:
    article = parse(
        'Before.\n{| class="x"\n! a !! b\n|-\n| c ||\n{|\n| inner\n|}\n|}\nAfter.\n<table><tr><td>x</td></table>'
    )
    assert [block.text for block in article.blocks] == ["Before.", "After."]
    assert article.counters["tables"] == 3


def test_a_table_that_is_never_closed_ends_at_the_next_heading() -> None:
    article = parse("Before.\n{|\n| c || d\n==Uses==\nAfter.")
    assert [(block.section, block.text) for block in article.blocks] == [("", "Before."), ("Uses", "After.")]


def test_math_stays_as_its_source() -> None:
    article = parse("Let <math>\\frac{a}{b_{i}}</math> be <math>x''</math>.")
    assert [block.text for block in article.blocks] == ["Let \\frac{a}{b_{i} } be x''."]
    assert article.counters["math"] == 2


def test_aligned_math_keeps_its_ampersands() -> None:
    assert texts("So <math>a &= b</math>.") == ["So a &= b."]


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("They kept <code>,</code> (comma) or <code>.</code> (stop).", "They kept , (comma) or . (stop)."),
        ("Press <kbd>;</kbd> or <tt>( )</tt> here.", "Press ; or ( ) here."),
        ("Press {{key|,}} or {{code|:}} now.", "Press , or : now."),
        ("<code>.</code> is a dot &#38; a point.", ". is a dot & a point."),
        ("The keys <code>,</code>, <code>.</code>.", "The keys ,, .."),
        ("Run <code>x , y</code> .", "Run x, y."),
    ],
)
def test_marks_that_a_text_writes_about_are_not_its_punctuation(wikitext: str, shown: str) -> None:
    assert texts(wikitext) == [shown]


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("{D}", "D"),
        ("{\\displaystyle a/b\\,}", "a/b"),
        ("\\textstyle \\sin x\\;\\!", "\\sin x"),
        ("\\, x", "x"),
        ("{a} + {b}", "{a} + {b}"),
        ("\\displaystyles", "\\displaystyles"),
        ("a \\\\ ", "a \\\\"),
        ("{{a}}", "{ {a} }"),
    ],
)
def test_layout_at_the_ends_of_a_formula_is_left_out(formula: str, shown: str) -> None:
    assert texts(f"Let <math>{formula}</math> be so.") == [f"Let {shown} be so."]


@pytest.mark.parametrize("tag", ["pre", "syntaxhighlight", "source", "score", "timeline", "hiero", "graph", "mapframe"])
def test_code_and_drawings_are_out_of_the_text(tag: str) -> None:
    article = parse(f"Before.\n<{tag} lang=x>noise [[a]]</{tag}>\n\nAfter.")
    assert [block.text for block in article.blocks] == ["Before.", "After."]
    assert sum(article.counters.values()) == 1


def test_nowiki_text_is_kept_as_it_stands() -> None:
    assert texts("Write <nowiki>[[a|b]] ''c'' {{d}} &amp;amp;</nowiki>.") == ["Write [[a|b]] ''c'' {{d}} &amp;."]


def test_inline_templates_become_prose_and_unknown_ones_are_counted_by_name() -> None:
    article = parse(
        "At {{convert|330|mi}}, {{Foo_bar|x}} is {{nowrap|{{lang|de|''so''}}}}.{{foo  bar}}{{Infobox tea|a=b}}"
    )
    assert [block.text for block in article.blocks] == ["At 330 miles (530 km), is so."]
    assert article.dropped_templates == {"foo bar": 2}


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Code {{unichar|41|latin capital letter a}}.", "Code U+0041 A LATIN CAPITAL LETTER A."),
        ("Mark {{unichar|7C|Vertical line}}.", "Mark U+007C | VERTICAL LINE."),
        ("Albedo ({{etymology|la|albedo|whiteness}}) is.", "Albedo (from Latin albedo 'whiteness') is."),
        ("Podarkes ({{literally|of swift feet}}).", "Podarkes (lit. 'of swift feet')."),
        ("The formula {{Carbon}}<sub>''n''</sub>{{Hydrogen}}<sub>4</sub>.", "The formula CnH4."),
        ("The form {{gph|a}} means {{gloss|one}} in {{tlit|ru|odin}}.", "The form ⟨a⟩ means 'one' in odin."),
    ],
)
def test_rarer_inline_templates_become_prose(wikitext: str, text: str) -> None:
    assert texts(wikitext) == [text]


def test_parser_functions_are_dropped_and_counted() -> None:
    article = parse("Tea {{#invoke: x | yes | no }} is hot.")
    assert [block.text for block in article.blocks] == ["Tea is hot."]
    assert (article.dropped_templates, article.counters["parser_functions"]) == ({"#invoke": 1}, 1)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Tea ({{foo}}) is hot.", "Tea is hot."),
        ("Tea ( {{foo}}, {{foo}}; ) is hot.", "Tea is hot."),
        ("Tea ({{foo}}; from Hokkien) is hot.", "Tea (from Hokkien) is hot."),
        ("Tea (hot {{foo}}) is {{foo}} .", "Tea (hot) is."),
        ("Tea, {{foo}}, is hot {{foo}}, old.", "Tea, is hot, old."),
        ("Call f() or printf().", "Call f() or printf()."),
        ("* {{foo}}. First of a series.", "First of a series."),
        ("It cost $5 (${{inflation|US|5|1900}} today).", "It cost $5."),
        ("He left ... and so on.", "He left ... and so on."),
    ],
)
def test_nothing_is_left_behind_where_a_template_was(wikitext: str, text: str) -> None:
    assert texts(wikitext) == [text]


def test_magic_words_signatures_and_rules_are_out() -> None:
    assert texts("__NOTOC__\n{{DEFAULTSORT:Tea}}Tea ~~~~ is hot.__FORCETOC__\n-----\n{{!}}") == ["Tea is hot."]


def test_block_tags_break_paragraphs_and_other_tags_go() -> None:
    assert texts("<p>One <b>two</b><br/>three</p><blockquote>Four<sub>2</sub></blockquote>10<sup>6</sup> < x") == [
        "One two three",
        "Four2",
        "10⁶ < x",
    ]


def test_html_lists_are_lists() -> None:
    assert [block.kind for block in parse("Kinds:<ul><li>green</li><li>black</li></ul>").blocks] == [
        "paragraph",
        "list",
    ]


def test_notes_by_hand_that_lead_elsewhere_are_out() -> None:
    assert texts("==Salt==\n:''Main article: [[Salt]]''\nText.\n: ''Indented'' words.") == ["Text.", "Indented words."]


@pytest.mark.parametrize(
    "template", ["disambiguation", "Disambig", "hndis|Tea", "Geodis", "dab", "Human name disambiguation"]
)
def test_disambiguation_pages_are_known_by_template(template: str) -> None:
    assert parse(f"'''Tea''' may be:\n* [[Tea (drink)]]\n{{{{{template}}}}}").is_disambiguation


def test_disambiguation_pages_are_known_by_title_and_names_are_not_one() -> None:
    assert parse("x", title="Tea (disambiguation)").is_disambiguation
    assert not parse("x {{surname}} {{given name}} {{About|x}} {{disambiguation needed}}").is_disambiguation


def test_a_page_that_was_escaped_twice_is_read_once_more() -> None:
    assert texts("Tea.&lt;ref&gt;Cite&lt;/ref&gt; A&amp;nbsp;B") == ["Tea. A B"]


def test_items_of_a_list_inside_a_list_are_indented_and_their_links_move_along() -> None:
    (block,) = parse("** a [[b]]\n*** [[c]] d\n** e\n" + "*" * 500 + " [[deep]]").blocks
    assert block.text == "a b\n  c d\ne\n" + "  " * 8 + "deep"
    assert [block.text[link.start : link.end] for link in block.links] == ["b", "c", "deep"]
    (row,) = split_article(parse("* a [[b]]\n** [[c]] d")).paragraphs
    assert row.text == "a b\n  c d"
    assert [row.text[link.start : link.end] for link in row.links] == ["b", "c"]


@pytest.mark.parametrize(
    ("wikitext", "count"),
    [
        ("The results are:\n{|\n|a\n|}", 1),
        ("The following table has the results.\n\n{|\n|a\n|}\n{|\n|b\n|}", 1),
        ("The results:\n{|\n|a\n|}\nThe rest:\n{|\n|b {|\n|c\n|}\n|}", 2),
        ("It rained. The results are in the table.\n{|\n|a\n|}", 0),
        ("It rained.\n{|\n|a\n|}", 0),
        ("The results are:\n== Home ==\n{|\n|a\n|}", 0),
        ("The results are:\n* a\n{|\n|a\n|}", 0),
        ("{|\n|a\n|}\nThe results were:", 0),
    ],
)
def test_a_paragraph_that_only_announces_a_table_is_counted(wikitext: str, count: int) -> None:
    article = parse(wikitext)
    assert article.counters.get("table_lead_ins", 0) == count
    assert [block.text for block in article.blocks] == [line for line in wikitext.split("\n") if line[:1].isupper()] + (
        ["a"] if "* a" in wikitext else []
    )
    assert not article.images
