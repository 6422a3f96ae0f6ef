"""Passages: bounded paragraphs, sentences that cover them, links with their text, images with an introduction."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sentences import MAX_SENTENCE_CHARS, split_sentences
from pipelines.wikitext import split_article
from pipelines.wikitext.article import Article, ImageUse
from pipelines.wikitext.passages import MAX_INTRO_CHARS, MAX_LIST_CHARS, MAX_PARAGRAPH_CHARS
from pipelines.wikitext.sections import TextBlock
from schemas.records import Link

LONG = "The quick brown fox jumps over the lazy dog near the old river bank. "


def article(*blocks: TextBlock, images: tuple[ImageUse, ...] = ()) -> Article:
    return Article(7, "Fox", False, blocks, images, {}, {}, {}, {}, {}, "")


def paragraph(text: str, section: str = "", links: tuple[Link, ...] = ()) -> TextBlock:
    return TextBlock("paragraph", section, text, links)


def items(*lines: str, section: str = "", links: tuple[Link, ...] = ()) -> TextBlock:
    return TextBlock("list", section, "\n".join(lines), links)


def solid(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n ", []),
        ("...", ["..."]),
        ("One sentence", ["One sentence"]),
        ("He came. He saw.", ["He came.", "He saw."]),
        ("It was built c. 1850. It fell.", ["It was built c. 1850.", "It fell."]),
        ("J. R. R. Tolkien wrote it. He was English.", ["J. R. R. Tolkien wrote it.", "He was English."]),
        ("The U.S. Army left. It was 3.5 km away.", ["The U.S. Army left.", "It was 3.5 km away."]),
        ("Methane is CH4. Ethane is C2H6.", ["Methane is CH4.", "Ethane is C2H6."]),
        ('He said, "It is over." Then he left.', ['He said, "It is over."', "Then he left."]),
        ("Brig. Gen. Lee came. He won.", ["Brig. Gen. Lee came.", "He won."]),
        ("... the law holds. It does.", ["... the law holds.", "It does."]),
        ("To be, or not to be. — Hamlet, Act III", ["To be, or not to be. — Hamlet, Act III"]),
        ("Is it so? Yes! It is.", ["Is it so?", "Yes!", "It is."]),
    ],
)
def test_hard_boundaries(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_boundaries_agree_with_sentences_marked_by_hand() -> None:
    bench = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "sentence_splitters.py"))
    precision, recall, _ = bench["score"](split_sentences, bench["read_gold"](bench["GOLD"]))
    assert precision >= 0.995
    assert recall >= 0.975


def test_no_judged_place_of_the_real_dumps_is_cut_wrongly() -> None:
    bench = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "sentence_splitters.py"))
    counts = bench["judge"](split_sentences, bench["read_places"](bench["CUTS"]))
    assert {drawn: wrong for drawn, (wrong, _) in counts.items()} == {"cut": 0, "no cut": 0, "changed": 0}
    assert counts["cut"][1] <= 2
    assert counts["no cut"][1] <= 16
    assert counts["changed"][1] <= 24


def test_sentences_inside_a_long_quotation_are_cut_and_short_quotations_stay_whole() -> None:
    short = 'He said "Wait. I come." and came.'
    inner = " ".join(f"Fox number {place} runs over the hill and home again." for place in range(8))
    sentences = split_sentences(f'{short} She wrote: "{inner}" Then "he" left.')
    assert sentences[0] == short
    assert sentences[1] == 'She wrote: "Fox number 0 runs over the hill and home again.'
    assert sentences[8] == 'Fox number 7 runs over the hill and home again."'
    assert sentences[9:] == ['Then "he" left.']


def test_a_sentence_without_an_end_is_cut_at_blanks() -> None:
    text = "word " * 2_000
    sentences = split_sentences(text)
    assert all(len(sentence) <= MAX_SENTENCE_CHARS for sentence in sentences)
    assert " ".join(sentences) == text.strip()
    assert [len(part) for part in split_sentences("x" * 4_500)] == [2_000, 2_000, 500]


@given(st.text(max_size=300))
def test_sentences_hold_every_character_but_blanks(text: str) -> None:
    sentences = split_sentences(text)
    assert solid("".join(sentences)) == solid(text)
    assert all(sentence == sentence.strip() and sentence for sentence in sentences)


@given(st.text(alphabet='ab. \n"()A1?!…\ud800\u2028', max_size=400))
def test_marks_blanks_and_surrogates_are_kept_in_order(text: str) -> None:
    assert solid("".join(split_sentences(text))) == solid(text)


def test_ids_count_from_zero_in_the_order_of_the_article() -> None:
    passages = split_article(article(paragraph("A fox. It runs."), paragraph("A den.", "Home")))
    assert [row.paragraph_id for row in passages.paragraphs] == ["7#0", "7#1"]
    assert [(row.sentence_id, row.paragraph_id, row.text) for row in passages.sentences] == [
        ("7#0#0", "7#0", "A fox."),
        ("7#0#1", "7#0", "It runs."),
        ("7#1#0", "7#1", "A den."),
    ]
    assert {row.title for row in passages.sentences} == {"Fox"}
    assert passages.paragraphs[1].section == "Home"


def test_items_of_lists_that_follow_each_other_form_one_paragraph() -> None:
    first = items("red fox", "grey fox", links=(Link(0, 7, "Red fox"), Link(8, 16, "Gray fox")))
    second = items("arctic fox. It is white.", links=(Link(0, 10, "Arctic fox"),))
    passages = split_article(article(first, second, items("den", section="Home")))
    assert [row.text for row in passages.paragraphs] == ["red fox\ngrey fox\narctic fox. It is white.", "den"]
    assert [row.text for row in passages.sentences] == ["red fox", "grey fox", "arctic fox.", "It is white.", "den"]
    text = passages.paragraphs[0].text
    assert [text[link.start : link.end] for link in passages.paragraphs[0].links] == [
        "red fox",
        "grey fox",
        "arctic fox",
    ]


def test_a_list_keeps_the_line_that_leads_into_it_and_its_links() -> None:
    lead_in = paragraph("The parts are:", links=(Link(4, 9, "Part"),))
    parts = items("bow", "stern", links=(Link(0, 3, "Bow"),))
    passages = split_article(article(lead_in, parts, paragraph("It floats.")))
    assert [row.text for row in passages.paragraphs] == ["The parts are:\nbow\nstern", "It floats."]
    assert [row.text for row in passages.sentences] == ["The parts are:", "bow", "stern", "It floats."]
    text = passages.paragraphs[0].text
    assert [text[link.start : link.end] for link in passages.paragraphs[0].links] == ["parts", "bow"]


@pytest.mark.parametrize(
    ("text", "leads_in"),
    [
        ("A boat floats. Its parts are:", True),
        ("Its parts are", True),
        ('He said: "The parts are:"', True),
        ("A boat has the following parts.", True),
        ("They are as follows.", True),
        ("The parts are listed below.", True),
        ("A boat floats.", False),
        ("Does it float?", False),
        ('"Boats float." — Ann Bell', False),
        ("Following the war, it sank.", False),
    ],
)
def test_a_paragraph_leads_into_a_list_by_its_end(text: str, leads_in: bool) -> None:
    passages = split_article(article(paragraph(text), items("bow", "stern")))
    assert [row.text for row in passages.paragraphs] == ([f"{text}\nbow\nstern"] if leads_in else [text, "bow\nstern"])


def test_a_long_paragraph_gives_a_list_only_its_last_sentence() -> None:
    text = f"{LONG * 20}The parts are:"
    links = (Link(4, 9, "Quick"), Link(len(LONG) * 20 + 4, len(LONG) * 20 + 9, "Part"))
    passages = split_article(article(paragraph(text, links=links), items("bow", "stern")))
    assert [row.text for row in passages.paragraphs] == [(LONG * 20).strip(), "The parts are:\nbow\nstern"]
    assert [link.target for row in passages.paragraphs for link in row.links] == ["Quick", "Part"]
    assert passages.paragraphs[1].links == (Link(4, 9, "Part"),)


def test_a_long_list_with_a_lead_in_stays_in_bounds() -> None:
    lines = [f"item number {place} of the long list" for place in range(200)]
    passages = split_article(article(paragraph("The items are:"), items(*lines)))
    assert passages.paragraphs[0].text.startswith("The items are:\nitem number 0 ")
    assert all(len(row.text) <= MAX_LIST_CHARS for row in passages.paragraphs)
    assert "\n".join(row.text for row in passages.paragraphs) == "\n".join(["The items are:", *lines])


def test_a_paragraph_of_another_section_leads_into_no_list() -> None:
    passages = split_article(article(paragraph("The parts are:"), items("bow", section="Home")))
    assert [row.text for row in passages.paragraphs] == ["The parts are:", "bow"]


def test_a_sentence_does_not_end_inside_a_link_or_a_name_of_the_article() -> None:
    text = "In Mr. Bean. The Story he is seen. In Help! Bell sings. It won."
    links = (Link(3, 22, "Mr. Bean"), Link(text.index("Help"), text.index("Help") + 5, "Help! (film)"))
    passages = split_article(article(paragraph(text, links=links)))
    assert [row.text for row in passages.sentences] == [
        "In Mr. Bean. The Story he is seen.",
        "In Help! Bell sings.",
        "It won.",
    ]


def test_a_long_list_is_cut_between_items_and_links_keep_their_text() -> None:
    lines = [f"item number {place} of the long list" for place in range(200)]
    text = "\n".join(lines)
    links = tuple(Link(text.index(line), text.index(line) + len(line), line) for line in lines)
    passages = split_article(article(items(*lines, links=links)))
    assert len(passages.paragraphs) > 3
    assert all(len(row.text) <= MAX_LIST_CHARS for row in passages.paragraphs)
    assert "\n".join(row.text for row in passages.paragraphs) == text
    found = [(row.text[link.start : link.end], link.target) for row in passages.paragraphs for link in row.links]
    assert found == [(line, line) for line in lines]
    assert [row.text for row in passages.sentences] == lines


def test_a_very_long_paragraph_is_cut_between_sentences() -> None:
    text = " ".join(f"Fox number {place} jumps over the lazy dog near the old river." for place in range(300))
    passages = split_article(article(paragraph(text)))
    assert len(passages.paragraphs) > 2
    assert all(len(row.text) <= MAX_PARAGRAPH_CHARS for row in passages.paragraphs)
    assert " ".join(row.text for row in passages.paragraphs) == text
    assert len(passages.sentences) == 300


def test_a_paragraph_that_came_before_is_dropped_and_counted() -> None:
    passages = split_article(article(paragraph("A fox."), paragraph("A fox.", "Again"), paragraph("A den.")))
    assert [row.text for row in passages.paragraphs] == ["A fox.", "A den."]
    assert [row.paragraph_id for row in passages.paragraphs] == ["7#0", "7#1"]
    assert passages.counters == {"duplicate_paragraphs": 1, "empty_paragraphs": 0}


def test_a_paragraph_without_a_letter_is_dropped_and_counted() -> None:
    passages = split_article(article(paragraph("—"), paragraph("..."), items("*", "-"), paragraph("A fox.")))
    assert [row.text for row in passages.paragraphs] == ["A fox."]
    assert passages.counters["empty_paragraphs"] == 3


def test_images_carry_the_introduction_and_their_address() -> None:
    images = (
        ImageUse("Fox.jpg", "A fox", "", 0),
        ImageUse("Den.svg", "", "Home", 1),
        ImageUse("Fox.jpg", "", "Home", 2),
    )
    passages = split_article(
        article(paragraph("A fox."), paragraph("It runs."), paragraph("A den.", "Home"), images=images)
    )
    assert [(row.file, row.caption, row.section, row.position) for row in passages.images] == [
        ("Fox.jpg", "A fox", "", 0),
        ("Den.svg", "", "Home", 1),
    ]
    assert {row.intro for row in passages.images} == {"A fox.\n\nIt runs."}
    assert passages.images[1].thumbnail_url.endswith("/330px-Den.svg.png")


def test_a_second_use_can_give_the_caption() -> None:
    images = (ImageUse("Fox.jpg", "", "", 0), ImageUse("Fox.jpg", "A fox", "Home", 1))
    assert [row.caption for row in split_article(article(paragraph("A fox."), images=images)).images] == ["A fox"]


def test_a_long_introduction_ends_with_a_sentence() -> None:
    images = (ImageUse("Fox.jpg", "", "", 0),)
    blocks = [paragraph(f"Part {place}. {LONG * 10}") for place in range(20)]
    intro = split_article(article(*blocks, images=images)).images[0].intro
    assert MAX_INTRO_CHARS - len(LONG) <= len(intro) <= MAX_INTRO_CHARS
    assert intro.endswith("river bank.")


def test_an_article_without_an_introduction_gives_its_first_paragraph() -> None:
    images = (ImageUse("Fox.jpg", "", "Home", 0),)
    assert split_article(article(paragraph("A den.", "Home"), images=images)).images[0].intro == "A den."
    assert split_article(article(images=images)).images[0].intro == ""


_BLOCKS = st.builds(
    lambda kind, section, text: TextBlock(kind, section, text, (Link(0, len(text), "X"),) if text else ()),
    st.sampled_from(["paragraph", "list"]),
    st.sampled_from(["", "Home"]),
    st.text(alphabet="ab. \n*Ж", max_size=60).map(lambda text: text * 40),
)


@given(st.lists(_BLOCKS, max_size=6))
def test_any_blocks_give_rows_that_agree(blocks: list[TextBlock]) -> None:
    passages = split_article(article(*blocks, images=(ImageUse("A.jpg", "", "", 0),)))
    ids = [row.paragraph_id for row in passages.paragraphs]
    assert ids == [f"7#{place}" for place in range(len(ids))]
    assert len({row.text for row in passages.paragraphs}) == len(ids)
    assert len({row.sentence_id for row in passages.sentences}) == len(passages.sentences)
    for row in passages.paragraphs:
        sentences = [sentence for sentence in passages.sentences if sentence.paragraph_id == row.paragraph_id]
        assert [sentence.sentence_id for sentence in sentences] == [
            f"{row.paragraph_id}#{n}" for n in range(len(sentences))
        ]
        position = 0
        for sentence in sentences:
            position = row.text.index(sentence.text, position) + len(sentence.text)
        assert sentences
        assert len(row.text) <= MAX_PARAGRAPH_CHARS
        assert all(0 <= link.start < link.end <= len(row.text) for link in row.links)
