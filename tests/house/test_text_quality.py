"""The text of a real slice of Wikipedia: no markup is left, and inline templates are shown as words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import template_uses, text_quality


@pytest.fixture(scope="module")
def tally(gensim_slice: Path) -> Any:
    return text_quality.measure(text_quality.read_articles(gensim_slice), text_quality.ours)


def test_no_markup_is_left_in_the_text_of_the_slice(tally: Any) -> None:
    assert {kind: count for kind, count in tally.leftovers.items() if count > 5} == {}
    assert tally.leftovers["reference text"] == 0
    assert tally.leftovers["picture captions"] == 0


def test_inline_templates_of_the_slice_are_shown(tally: Any) -> None:
    shares = {kind: tally.shown[kind] / count for kind, count in tally.uses.items() if count >= 5}
    assert len(shares) >= 13
    assert {kind: share for kind, share in shares.items() if share < 0.95} == {}


def test_a_lost_template_is_told_from_a_shown_one() -> None:
    wikitext = "It is {{convert|330|mi}} long and {{convert|190|mi}} wide."
    texts = {
        "It is 330 miles (530 km) long and wide.": [True, False],
        "It is long and 190 miles (310 km) wide.": [False, True],
    }
    for text, expected in texts.items():
        words = template_uses.tokens(text)
        places = template_uses.places_of(words)
        assert [template_uses.is_shown(use, words, places) for use in template_uses.uses(wikitext)] == expected


def test_templates_of_tables_references_and_cut_sections_are_no_prose() -> None:
    prose = "A{{lang|fr|b}}<ref>{{lang|fr|c}}</ref>\n{|\n|{{lang|fr|d}}\n|}\n"
    wikitext = prose + "== References ==\n{{lang|fr|e}}\n== Uses ==\n{{lang|fr|f}}"
    assert [use.words for use in template_uses.uses(wikitext)] == [("b",), ("f",)]
