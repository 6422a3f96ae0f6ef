"""Facts: the plain rows of an article's infobox, as a person reads them."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.wikitext import read_facts


def facts(wikitext: str) -> dict[str, str]:
    return {fact.key: fact.value for fact in read_facts(Page(7, 1, "Ann Poe", 0, None, wikitext, 0))}


def test_rows_are_rendered_as_the_text_of_an_article_is() -> None:
    box = """{{Short description|Singer}}
{{Infobox musical artist <!-- a note -->
| name = Ann '''Poe'''
| birth_date = {{birth date|1970|3|1}}
| Birth_place <!-- city --> = <!-- and country -->[[Rome]], [[Italy|the Italian Republic]]<ref>A book.</ref>
| occupation = {{flatlist|
* Singer
* actor
}}
| notable_works =
* One
* Two
| years_active = 1990&ndash;present
| height = {{convert|170|cm|in}}
}}
'''Ann Poe''' is a singer."""
    assert facts(box) == {
        "name": "Ann Poe",
        "birth date": "March 1, 1970",
        "birth place": "Rome, the Italian Republic",
        "occupation": "Singer, actor",
        "notable works": "One; Two",
        "years active": "1990–present",
        "height": "170 centimetres (67 in)",
    }


@pytest.mark.parametrize(
    "row",
    [
        "image = Ann.jpg", "image_size = 200px", "caption = Ann in 1990", "alt = A face", "logo = [[File:A.svg|50px]]",
        "website = {{URL|ann.org}}", "footnotes = A note", "coordinates = {{coord|1|2}}", "pushpin_map = Italy",
        "embed = yes", "occupation = ", "occupation = <!-- none -->", "1 = x", "text", "bodystyle = width: 5em",
        "signature = Ann.svg", "photo = [[File:Ann.jpg|thumb|Ann]]", f"history = {'word ' * 100}",
    ],
)  # fmt: skip
def test_rows_that_are_not_plain_are_left_out(row: str) -> None:
    assert facts(f"{{{{Infobox person|{row}|born=1970}}}}") == {"born": "1970"}


def test_only_boxes_count_of_a_repeated_key_the_last_value_and_none_in_nested_templates() -> None:
    assert facts(
        "{{Navbox|born=1}}{{infobox_person|born=1|born=2|module={{Infobox x|died=3}}}}{{Taxobox|genus=[[Rosa]]}}"
    ) == {
        "born": "2",
        "genus": "Rosa",
    }
    assert facts("No box. {{convert|1|mi|abbr=on}}") == {}
