"""Templates that show nothing: counted where they stand inside prose; unknown ones between words show an argument."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.wikitext import parse_article, split_article
from pipelines.wikitext.article import Article
from pipelines.wikitext.placeholders import MAX_NUMBER, TRACE
from pipelines.wikitext.traces import Traces


def article(wikitext: str, title: str = "Tea") -> Article:
    return parse_article(Page(7, 1, title, 0, None, wikitext, 0))


def text(wikitext: str) -> str:
    return "\n".join(block.text for block in article(wikitext).blocks)


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("Trains go to {{zstn|Lime Street}} and back.", "Trains go to Lime Street and back."),
        ("In {{zseason|1994}}, they won.", "In 1994, they won."),
        ("Between {{zstn|A}}, {{zstn|B}} and {{zstn|C}} it runs.", "Between A, B and C it runs."),
        ("The ({{zstn|Hub}}) line.", "The (Hub) line."),
        ("From ''{{zstn|Hub}}'' on it runs.", "From Hub on it runs."),
        ("See [[Hub|the {{zstn|Hub}} stop]] here.", "See the Hub stop here."),
        ("Three routes: {{zline|Red}}, {{zline|Blue}} and more.", "Three routes: Red, Blue and more."),
        ("They won. {{zteam|Reds}} lost.", "They won. Reds lost."),
        ("* The {{zteam|Reds}} lost.", "The Reds lost."),
        ("The {{zteam|[[Reds]]}} lost.", "The Reds lost."),
        ("The {{zteam|Reds}}'s ground.", "The Reds's ground."),
        ("The {{nowrap|old {{zteam|Reds}} club}} lost.", "The old Reds club lost."),
        ("The {{zteam||Reds}} lost.", "The Reds lost."),
        ("The {{zteam|#ff0000|Reds}} lost.", "The Reds lost."),
        ("The {{zteam|fr|les Rouges}} lost.", "The les Rouges lost."),
        ("The {{zteam|40px|Reds}} lost.", "The Reds lost."),
        ("The {{zteam|zh-tw|Reds}} lost.", "The Reds lost."),
        ("The {{zteam|1994|Reds}} lost.", "The 1994 lost."),
        ("Route {{zroad|66}} is long.", "Route 66 is long."),
    ],
)
def test_an_unknown_template_between_words_shows_its_first_plain_argument(wikitext: str, shown: str) -> None:
    assert text(wikitext) == shown


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("The court held so under {{zcode|42}}.", "The court held so under."),
        ("They won the cup. {{zteam|Reds}}", "They won the cup."),
        ("They won the cup. {{zteam|Reds}} The rest lost.", "They won the cup. The rest lost."),
        ("{{zteam|Reds}}\nThey won.", "They won."),
        ("They won\n\n{{zteam|Reds}}\n\nthe cup.", "They won\nthe cup."),
        ("They won{{zmark|x}} the cup.", "They won the cup."),
        ("They won,{{zmark|x}} so they left.", "They won, so they left."),
        ("The {{zteam}} lost.", "The lost."),
        ("The {{zteam|name=Reds}} lost.", "The lost."),
        ("The {{zteam|File:A.jpg}} lost.", "The lost."),
        ("The {{zteam|https://x.org/a}} lost.", "The lost."),
        ("The {{zteam|yes}} lost.", "The lost."),
        ("The {{zteam|X}} lost.", "The lost."),
        ("It is {{zlength|40|km}} long.", "It is long."),
        ("It is {{zlength|4,000.5|km}} long.", "It is long."),
        ("The {{#zfunction: 1 | Reds }} lost.", "The lost."),
    ],
)
def test_an_unknown_template_elsewhere_or_without_a_plain_argument_stays_out(wikitext: str, shown: str) -> None:
    assert text(wikitext) == shown


@pytest.mark.parametrize(
    "name",
    [
        "cite zlaw", "Zcite-web2", "zlaw citation", "citation zlaw", "zsource needed", "disputed zdate",
        "clarify zword", "update zafter", "which zone", "zref label", "efn zlist", "harvz", "sfnz", "zlaw navbox",
        "z sidebar", "zlist footer", "anchor zz", "zcolour box", "z icon", "image zlabel", "location map zz",
        "verify zspelling", "better source zz", "coord zdms",
    ],
)  # fmt: skip
def test_names_of_maintenance_citation_navigation_and_layout_stay_out(name: str) -> None:
    assert text(f"The team {{{{{name}|Reds}}}} won.") == "The team won."


def test_what_is_dropped_inside_prose_is_counted_with_an_example_known_or_not() -> None:
    found = article("Tea is hot.{{citation needed|date=May 2014}} It is {{zword}} old.\n\n{{stub}}\n\n{{zbox|1}}")
    assert found.dropped_in_prose == {"citation needed": 1, "zword": 1}
    assert found.dropped_templates == {"zword": 1, "zbox": 1}
    assert found.examples == {
        "citation needed": "Tea: Tea is hot.{{citation needed|date=May 2014}} It is old.",
        "zword": "Tea: Tea is hot. It is {{zword}} old.",
    }


def test_a_template_that_shows_an_argument_is_counted_as_that_and_not_as_dropped() -> None:
    found = article("Trains go to {{zstn|Hub}} and {{zstn|Hub}}.\n\nTo {{zother|Hub}} they go.")
    assert found.shown_by_argument == {"zstn": 1, "zother": 1}
    assert found.dropped_in_prose == found.dropped_templates == {"zstn": 1}


@pytest.mark.parametrize(
    ("wikitext", "counted"),
    [
        ("It is {{convert|3{{zmark|a}}|mi}} long.", {"zmark": 1}),
        ("It is {{nowrap|3 {{citation needed}} long}} or so.", {"citation needed": 1}),
        ("* One{{fact}}\n* {{anchor|x}} Two", {"fact": 1, "anchor": 1}),
        ("A price of ${{Inflation|US|5|1900}} was paid.", {"inflation": 1}),
        ("It is {{#zfunction: 1 + 1}} long.", {"#zfunction": 1}),
        ("[[File:A.jpg|thumb|A cup{{citation needed}} of tea.]] Tea.", {"citation needed": 1}),
    ],
)
def test_templates_inside_other_structures_of_prose_are_counted(wikitext: str, counted: dict[str, int]) -> None:
    assert article(wikitext).dropped_in_prose == counted


@pytest.mark.parametrize(
    "wikitext",
    [
        "{{Infobox x|a={{zword|1}}|b=c{{fact}}}}\nTea.",
        "{| \n| a {{zword|1}} b\n|}\nTea.",
        "Tea.\n\n{{zbox}} {{fact}}\n",
        "Tea.\n== See also ==\nSome {{zword|1}} text.",
        "Tea.\n== Head{{anchor|x}} ==",
        "Tea.\n{{zbox}} == Head == {{zbox}}\n",
    ],
)
def test_boxes_tables_headings_and_cut_sections_are_no_prose(wikitext: str) -> None:
    found = article(wikitext)
    assert found.dropped_in_prose == found.shown_by_argument == {}
    assert [block.text for block in found.blocks] == ["Tea."]


def test_a_template_before_a_bullet_a_heading_or_in_a_target_changes_nothing_else() -> None:
    found = article("{{anchor|a}}* One\n{{zz}}* Two\n{{anchor|b}}== Uses ==\nA [[cup{{zz}}|mug]].")
    assert [(block.kind, block.section, block.text) for block in found.blocks] == [
        ("list", "", "One\nTwo"),
        ("paragraph", "Uses", "A mug."),
    ]
    assert [link.target for link in found.blocks[1].links] == ["Cup"]


def test_no_trace_is_left_whatever_is_around_it() -> None:
    parts = [
        "{{fact}}",
        "{{zz|a}}",
        "[[File:A.jpg|thumb|{{zz|b}}]]",
        "{{lang|fr|{{zz}}}}",
        "''",
        "[[",
        "|",
        "]]",
        "\n",
        "= ",
        "* ",
    ]
    for first in parts:
        for second in parts:
            found = split_article(article(f"A {first}{second}{first} b {second} c."))
            texts = [row.text for row in (*found.paragraphs, *found.sentences)] + [row.caption for row in found.images]
            assert not any(TRACE in one for one in texts), (first, second)


def test_more_templates_than_there_are_numbers_are_counted_together() -> None:
    traces = Traces("Tea")
    line = "Tea" + "".join(traces.leave(f"n{number}", f"n{number}", {}, "x") for number in range(MAX_NUMBER + 10))
    assert traces.resolve(line + " is hot.") == "Tea is hot."
    assert sum(traces.in_prose.values()) == MAX_NUMBER + 10 and traces.in_prose["(others)"] == 10


def test_templates_that_are_written_alike_share_a_number_where_numbers_run_out() -> None:
    traces = Traces("Tea")
    line = "Tea" + "".join(traces.leave("fact", "fact", {"1": "x"}) for _ in range(MAX_NUMBER + 10))
    assert traces.resolve(line + " is hot.") == "Tea is hot."
    assert traces.in_prose == {"fact": MAX_NUMBER + 10}


def test_an_example_is_written_with_the_arguments_that_the_template_has() -> None:
    found = article("Tea is {{zz|a|b={{fact}}c|" + "d" * 200 + "}} hot.")
    assert found.examples["zz"] == "Tea: Tea is {{zz|a|b=c|" + "d" * 91 + "…}} hot."


def test_a_short_description_is_that_of_the_article() -> None:
    assert article("{{Short description|American ''rapper''}}\nHe raps.").description == "American rapper"
    assert article("{{short  description|1=Type of tea {{fact}}}}").description == "Type of tea"
    assert article("{{Short description|none}}\nA list.").description == ""
    assert article("{{Short description|A}}{{Short description|B|noreplace}}").description == "A"
    assert article("{{Short description|A}}{{Short description|B}}").description == "B"
    assert article("No description.").description == ""


@pytest.mark.parametrize(
    ("wikitext", "shown", "counter"),
    [
        ("He left.{{#tag:ref|It is {{lang|fr|so}}.|name=a}} Then.", "He left. Then.", "references"),
        ("He left.{{#tag: ref|a=b}} Then.", "He left. Then.", "references"),
        ("Let {{#tag:math|a=b}} be.", "Let a=b be.", "math"),
        ("It is {{#tag:nowiki|[x]}} here.", "It is [x] here.", None),
        ("It is {{#tag:syntaxhighlight|x > 1|lang=c|inline=1}} here.", "It is x > 1 here.", "code_blocks"),
        ("So:{{#tag:poem|Red roses}}", "So:\nRed roses", None),
        ("It is.{{#tag:ref}}", "It is.", "references"),
    ],
)
def test_the_function_of_a_tag_shows_what_the_tag_shows(wikitext: str, shown: str, counter: str | None) -> None:
    read = article(wikitext)
    assert "\n".join(block.text for block in read.blocks) == shown
    assert counter is None or read.counters[counter] == 1
    assert not read.dropped_templates


def test_the_function_of_a_gallery_gives_its_pictures() -> None:
    read = article("Tea.\n{{#tag:gallery|Tea.jpg{{!}}A cup\nPot.jpg}}")
    assert [image.file for image in read.images] == ["Tea.jpg", "Pot.jpg"]
