"""Boundaries of sentences: kinds of places where a person would not cut, where one would, and hostile input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sentences.boundaries import marked_names
from pipelines.sentences.splitter import sentence_ranges, split_sentences


@pytest.mark.parametrize(
    "text",
    [
        "The mill lies 30 km (19 mi) NW of Aville and 20 km (12 mi) SW of Bville.",
        "The gun (7.62 mm) Browning made was used.",
        "Let x (y + z) be so, and a (b - c) too.",
        "He was a guest on Jeopardy! where he lost.",
        "The band Panic! at the Disco played.",
        "In What Is Mine? (1840) he said so.",
        "Both Airplane! (1980) and Top Secret! (1984) won.",
        "It is said as /ə.ˈstɹeɪ.liː.ə/ or /ə.ˈstɹeɪ.jə/ here.",
        "It is said /ˈhɛ.loʊ. ˈwɜːld/ there.",
        "It is [ˈbɛl. aˈvil] in French.",
        "See vol. 2, approx. 5 km of Ft. Worth.",
        "See fig. 3, no. 5, p. 12, pp. 3–5, ch. 4 and op. 27 there.",
        "He met Bvt. Brig. Gen. Lee and Lt. Col. Bell at Mt. Hood.",
        "It was on Dec. 25 or Jan. 5 and est. 200 came for approx. £5 each.",
        "It was printed (Avon, 1990) (Bell, 1991) and sold.",
        "Ward wrote The War of the Revolution. (1952)",
        "They said (It is. It was. It will be.) and left.",
        "He (the man [of the house. Bell]) left.",
        "There are: (1) the first; (2) the second; and (3) the third.",
        "The sections are 1) Form of Government, and 2) The Directory.",
        "The ways are: 1. direct use on the farm and 2. indirect use.",
        "It left at 7:51 a.m. Eastern Standard Time, or at 6 a.m. Monday.",
        "The genus has Bufo spp. toads in it, and so on.",
        "The list has sing. = 'singular' in it.",
        "So \\begin{align} a + 0 &= a, \\\\ S (b) &= S (a + b). \\end{align}",
        "It is \\begin{cases} 3.2 & so. \\\\ Else & (b). \\end{cases} here.",
        "ASP.NET and the .NET runtime are pro-U.S. things.",
    ],
)
def test_a_person_would_not_cut_here(text: str) -> None:
    assert split_sentences(text) == [text]


@pytest.mark.parametrize(
    "sentences",
    [
        ["They left the city (it was so.)", "In 1990 they came back to it."],
        ["N.EX.T was a band.", "The .NET runtime is used."],
        ["It died in the U.S. in 1990.", "He left."],
        ["There are many: (1) red ones.", "(2) Blue ones are few."],
        ["Steps are: 1. Boil water.", "2. Add tea.", "3. Drink it."],
        ["He was world no. 4.", "He won."],
        ["It had bread, tea, etc.", "Chinese styles vary."],
        ["For all x, x = x.", "That is so."],
        ["Who was he?", "(He was a guest.)", "He left."],
        ["Text one.[1]", "Text two.[2][3]", "Text three."],
        ["The count is 70.", "86% of them are new."],
        ["He came.", "iPhone sales rose.", "cis-2-Butene is a gas."],
        ["It turns its gears.", '"He went home," she said.'],
        ['It is a "crime".', "The rest is not."],
        ["See \\alpha there.", "So \\begin{align} a. \\end{align} is it.", "\\beta is not."],
        ["A \\begin{align} is open.", "The rest is fine."],
        ["An open ( bracket.", "The rest is fine."],
    ],
)
def test_a_person_would_cut_here(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


def test_a_quote_behind_a_missing_blank_goes_with_its_sentence() -> None:
    assert split_sentences('He left his gears. "He went home in 1937. It was late.') == [
        "He left his gears.",
        '"He went home in 1937.',
        "It was late.",
    ]


@pytest.mark.parametrize(
    "text", ["a company (Tea Inc.) Then", "the work (by Bell et al.) Then", "born (in Washington, D.C.) He"]
)
def test_an_abbreviation_at_the_end_of_parentheses_ends_no_sentence(text: str) -> None:
    assert split_sentences(text) == [text]


def test_the_name_of_the_article_holds_no_boundary_and_ends_a_sentence_only_before_an_opener() -> None:
    text = "In Dr. No Bond is seen. Who hosts Jeopardy! Champions? It is Jeopardy! The show runs."
    assert split_sentences(text, ("Jeopardy!", "Dr. No")) == [
        "In Dr. No Bond is seen.",
        "Who hosts Jeopardy! Champions?",
        "It is Jeopardy!",
        "The show runs.",
    ]


def test_names_of_an_article_with_marks_come_without_what_tells_them_apart() -> None:
    assert marked_names("Mr. Robot (TV series)", ["Help! (film)", "Tea", "Dr. No"]) == ("Mr. Robot", "Help!")
    assert marked_names("Tea", []) == ()
    assert len(marked_names("Tea", [f"Help {place}!" for place in range(1_000)])) == 100


@given(st.text(alphabet='aB. \n"()[]1?!…/ˈ=\ud800\u2028', max_size=300))
def test_ranges_are_in_order_trimmed_and_not_empty(text: str) -> None:
    at = 0
    for start, end in sentence_ranges(text, ("B.", "a! B"), ()):
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        at = end


@pytest.mark.parametrize("text", ["(" * 50_000, "(a. B" * 20_000, "[(" * 20_000 + "A. B)" * 20_000, '" A.)' * 30_000])
def test_hostile_brackets_lose_nothing(text: str) -> None:
    found = split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
