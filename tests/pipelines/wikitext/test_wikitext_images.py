"""Images: file links, galleries and template arguments, their captions, sections and order."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.wikitext import CleaningRules, parse_article
from pipelines.wikitext.article import Article


def parse(wikitext: str, rules: CleaningRules | None = None) -> Article:
    return parse_article(Page(1, 1, "Tea", 0, None, wikitext, 0), rules or CleaningRules())


def images(wikitext: str) -> list[tuple[str, str]]:
    return [(image.file, image.caption) for image in parse(wikitext).images]


@pytest.mark.parametrize(
    ("wikitext", "file", "caption"),
    [
        ("[[File:a_b.jpg]]", "A b.jpg", ""),
        ("[[image: tea.JPG |thumb|right|200px|A ''cup'' of [[tea|it]].]]", "Tea.JPG", "A cup of it."),
        ("[[File:A.png|thumb|One<br />two<p>three</p>]]", "A.png", "One two three"),
        ("[[File:A.png|upright=1.2|alt=Words|link=X|x300px|frameless|Cap, 20px wide]]", "A.png", "Cap, 20px wide"),
        ("[[File:A.svg|thumb|Cap<ref>Cite</ref> {{convert|1|mi}}]]", "A.svg", "Cap 1 mile (1.6 km)"),
        ("{{Infobox tea|image=a.jpg|caption=Cup of [[tea]]|name=File}}", "A.jpg", "Cup of tea"),
        ("{{Infobox tea|image1=File:a.jpg{{!}}thumb|caption1=Tea}}", "A.jpg", "Tea"),
        ("{{Infobox tea|image=[[File:a.jpg|200px]]|image_caption=Cup}}", "A.jpg", "Cup"),
        ("{{Infobox tea|logo = Tea logo.png}}", "Tea logo.png", ""),
        ("{{wide image|a.jpg|300px|A wide cup}}", "A.jpg", "A wide cup"),
        ("<imagemap>\nFile:a.jpg|thumb|Map\nrect 1 2 3 4 [[x]]\n</imagemap>", "A.jpg", "Map"),
    ],
)
def test_an_image_has_its_canonical_name_and_plain_caption(
    wikitext: str, file: str | None, caption: str | None
) -> None:
    article = parse(f"Before {wikitext}after.")
    assert [(image.file, image.caption) for image in article.images] == ([(file, caption)] if file else [])
    assert [block.text for block in article.blocks] == ["Before after."]


def test_galleries_give_an_image_for_each_line() -> None:
    gallery = (
        '<gallery mode="x">\nFile:a.jpg|First [[one|1]]\nb.png|alt=words|Second\n\nnot a file\nImage:c.gif\n</gallery>'
    )
    article = parse(gallery)
    assert images(gallery) == [("A.jpg", "First 1"), ("B.png", "Second"), ("C.gif", "")]
    assert (article.counters["galleries"], article.blocks) == (1, ())


def test_a_caption_in_a_gallery_is_rendered_as_any_text_is_and_its_notes_are_dropped() -> None:
    article = parse(
        "Text.\n<gallery>\nFile:a.jpg|A cup, {{circa|465 BC}}<ref>{{cite book|title=Secret}}</ref>, "
        "<nowiki>[[x]]</nowiki>\nFile:b.jpg|{{convert|5|m}} tall\n</gallery>\nMore."
    )
    assert [(image.file, image.caption, image.position) for image in article.images] == [
        ("A.jpg", "A cup, c. 465 BC, [[x]]", 0),
        ("B.jpg", "5 metres (16 ft) tall", 1),
    ]
    assert [block.text for block in article.blocks] == ["Text.", "More."]
    assert article.counters["references"] == 1


def test_template_galleries_and_multiple_images_have_their_captions() -> None:
    assert images("{{gallery|a.jpg|First|File:b.jpg|Second}}") == [("A.jpg", "First"), ("B.jpg", "Second")]
    assert images("{{multiple image|image1=a.jpg|caption1=One|image2=b.jpg|caption2=Two}}") == [
        ("A.jpg", "One"),
        ("B.jpg", "Two"),
    ]


def test_a_caption_describes_its_own_image() -> None:
    infobox = (
        "{{Infobox town|image_skyline=a.jpg|image_caption=Town|image_map=b.png|map_caption=Map|logo=c.png|caption=No}}"
    )
    assert images(infobox) == [("A.jpg", "Town"), ("B.png", "Map"), ("C.png", "")]
    assert images("{{Infobox firm|logo=c.png|caption=Yes}}") == [("C.png", "Yes")]
    assert images("{{multiple image|image1=a.jpg|caption1=One|image2=b.jpg|footer=Both}}") == [
        ("A.jpg", "One"),
        ("B.jpg", "Both"),
    ]


def test_images_have_section_and_position_in_order() -> None:
    article = parse(
        "{{Infobox|image=a.jpg}}\nText [[File:b.jpg]]\n==H==\n{|\n|[[File:c.jpg]]\n|}\n==Gallery==\n[[File:d.jpg]]"
    )
    assert [(image.file, image.section, image.position) for image in article.images] == [
        ("A.jpg", "", 0),
        ("B.jpg", "", 1),
        ("C.jpg", "H", 2),
        ("D.jpg", "Gallery", 3),
    ]


def test_images_of_cut_sections_are_kept() -> None:
    assert images("x\n==See also==\n[[File:a.jpg|thumb|Cup]]") == [("A.jpg", "Cup")]


def test_captions_with_images_and_links_inside_are_read_whole() -> None:
    assert images("[[File:a.jpg|thumb|A [[File:b.jpg|20px]] cup [[x|of]] {{lang|fr|thé}}]]") == [
        ("A.jpg", "A cup of thé"),
        ("B.jpg", ""),
    ]


def test_icons_and_other_media_are_counted_and_left_out() -> None:
    article = parse(
        "[[File:Flag of X.svg|20px]] {{Infobox|signature=X signature.svg}} [[File:a.ogg]]"
        " [[File:b.webm]] [[File:c.pdf|thumb|x]] [[File:d.jpg]]"
    )
    assert [image.file for image in article.images] == ["D.jpg"]
    assert (article.counters["icons"], article.counters["media"]) == (2, 3)


def test_icon_patterns_are_a_setting() -> None:
    article = parse("[[File:Flag of X.svg]] [[File:Map.png]]", CleaningRules(icon_patterns=("^map",)))
    assert [image.file for image in article.images] == ["Flag of X.svg"]


def test_a_link_to_a_file_page_is_text_and_no_image() -> None:
    article = parse("See [[:File:a.jpg|the photo]].")
    assert (article.images, article.blocks[0].text) == ((), "See the photo.")
